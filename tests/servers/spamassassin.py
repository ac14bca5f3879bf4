"""SpamAssassin without a network: its score of messages, and the rules that made it."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import program

_STATUS = re.compile(r"^X-Spam-Status: \w+, score=(-?[\d.]+) .*?tests=((?:[A-Z0-9_,]|\s)*)", re.M)


@dataclass(frozen=True)
class Score:
    """Points of a message, and the names of the rules that gave or took some."""

    points: float
    rules: tuple[str, ...]


def scores(folder: Path, messages: Mapping[str, bytes]) -> dict[str, Score]:
    """The score of each message by its name, with the rules that Debian ships.

    Its home is a folder of the test, so that nothing learnt before counts; it asks no server.
    """
    home, letters = folder / "home", folder / "letters"
    home.mkdir(parents=True)
    letters.mkdir()
    for name, message in messages.items():
        (letters / name).write_bytes(b"X-Test-Name: " + name.encode() + b"\r\n" + message)
    found = subprocess.run(
        [program("spamassassin", package="spamassassin"), "--local", "--nocreate-prefs",
         "--test-mode", "--cf=use_bayes 0", "--cf=report_safe 0", str(letters)],
        check=True, capture_output=True, timeout=300, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    made: dict[str, Score] = {}
    said = found.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    for part in re.split(r"(?m)^(?=X-Spam-Checker-Version: )", said)[1:]:
        status = _STATUS.search(part)
        named = re.search(r"^X-Test-Name: (\S+)", part, re.MULTILINE)
        assert status is not None, part[:500]
        assert named is not None, part[:500]
        rules = tuple(rule for rule in re.split(r"[,\s]+", status[2]) if rule and rule != "none")
        made[named[1]] = Score(float(status[1]), rules)
    return made
