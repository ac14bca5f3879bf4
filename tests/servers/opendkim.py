"""OpenDKIM as a verifier: what another implementation of RFC 6376 says about our signatures."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.process import program

_VERDICT = re.compile(r"/(\d+)\.eml: verification .*(succeeded|failed)")


def verdicts(folder: Path, messages: Sequence[bytes], records: Mapping[str, bytes]) -> list[bool]:
    """Whether each message has a good signature.

    `records` are the TXT records by their names in DNS; OpenDKIM reads them from a file instead
    of asking (its setting TestPublicKeys), and asks nobody else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "keys"
    keys.write_bytes(b"".join(f"{name} ".encode() + text + b"\n" for name, text in records.items()))
    rules = folder / "opendkim.conf"
    rules.write_text(f"TestPublicKeys {keys}\nTemporaryDirectory {folder}\n")
    paths = [folder / f"{number}.eml" for number in range(len(messages))]
    for path, message in zip(paths, messages, strict=True):
        path.write_bytes(message)
    names = ",".join(map(str, paths))
    found = subprocess.run(
        [program("opendkim", package="opendkim"), "-x", str(rules), "-t", names],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = found.stdout + found.stderr
    good = {int(number): word == "succeeded" for number, word in _VERDICT.findall(said)}
    assert sorted(good) == list(range(len(messages))), said
    return [good[number] for number in range(len(messages))]
