"""What a process costs: CPU seconds and peak memory, read from /proc or the process itself."""

import os
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mailer import trial

_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")
_TICKS = os.sysconf("SC_CLK_TCK")
_WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def own_cpu() -> float:
    """CPU seconds of this process so far, with those of its own that read on trial."""
    ours, ended = (resource.getrusage(whose) for whose in _WHOSE)
    used = ours.ru_utime + ours.ru_stime + ended.ru_utime + ended.ru_stime
    return used + sum(map(cpu_of, trial.processes()))


def own_peak_mib() -> float:
    """The most memory that this process held at once, in MiB, with that of those that read."""
    held = sum(resource.getrusage(whose).ru_maxrss for whose in _WHOSE)
    for pid in trial.processes():
        held += int(_PEAK.findall(Path(f"/proc/{pid}/status").read_text())[0])
    return held / 1024


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


def signatures_per_1000() -> float:
    """CPU seconds that 1,000 signatures with RSA-2048 take: by it, one hour or machine compares."""
    key = rsa.generate_private_key(65537, 2048)
    return cpu_per_1000(lambda: key.sign(b"x" * 800, padding.PKCS1v15(), hashes.SHA256()))
