"""What a process costs: CPU seconds and peak memory, read from /proc or the process itself."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def own_cpu() -> float:
    """CPU seconds of this process so far, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def own_peak_mib() -> float:
    """The most memory that this process held at once, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and of all its children, also those that ended."""
    seconds = 0.0
    for process in (pid, *_below(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        seconds += sum(map(int, fields[11:15])) / _TICKS  # utime, stime, cutime, cstime
    return seconds


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_below(child)]
    return found


def cpu_per_1000(act: Callable[[], object], seconds: float = 1.5) -> float:
    """CPU seconds that 1,000 calls of `act` take, called for about so long."""
    calls, begun, cpu = 0, time.monotonic(), own_cpu()
    while time.monotonic() - begun < seconds:
        act()
        calls += 1
    return (own_cpu() - cpu) * 1000 / calls
