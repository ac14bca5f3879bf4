"""MIME as two parsers read it: every part's content and the fields of the head, compared."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from message import parts
from message.address import parse_mailboxes
from message.parse import Message, parse
from message.parts import Part
from tests.corpora.mail import corpus, explained, present

NESTED = {"message/rfc822", "message/global"}
DEEPEST = 20
_BEGIN = re.compile(rb"^begin [0-7]{3} .*$", re.MULTILINE)


def leaves(part: Part, depth: int = 0) -> Iterator[Part]:
    """All parts below a part, those of enclosed messages as well."""
    yield part
    for child in part.children:
        yield from leaves(child, depth)
    if part.type in NESTED and depth < DEEPEST:
        yield from leaves(parts.read(part.content)[0], depth + 1)


def folded(text: str) -> str:
    """A text with its blanks folded; NUL is never shown."""
    return " ".join(text.replace("\x00", "\ufffd").split())


def as_read(stated: str, ours: str) -> bool:
    """Whether two texts are the same but for the signs that the source could not read."""
    return bool(re.fullmatch(".".join(map(re.escape, stated.split("\ufffd"))), ours))


class Ours:
    """What we found in a message, ready to be compared."""

    def __init__(self, message: Message) -> None:
        found = list(leaves(message.root))
        self.texts = {folded(part.text()) for part in found}
        self.contents = {b" ".join(part.content.split()) for part in found}

    def holds_text(self, stated: str) -> bool:
        """Whether a text is there; where the source could not read a sign, any will do."""
        wanted = folded(stated)
        if not wanted or wanted in self.texts:
            return True
        return any(as_read(wanted, one) for one in self.texts) or self._undone(stated.encode())

    def holds(self, stated: bytes) -> bool:
        """Whether a content is there, as stated or with the uuencoding undone that it is in."""
        wanted = b" ".join(stated.split())
        return not wanted or wanted in self.contents or self._undone(stated)

    def _undone(self, stated: bytes) -> bool:
        if not _BEGIN.search(stated):
            return False
        head = Part("text/plain", {}, (("Content-Transfer-Encoding", "x-uuencode"),))
        undone = parts.decoded(head, stated, [])
        return b" ".join(undone.split()) in self.contents


def stated_parts(message: dict[str, Any]) -> Iterator[str | bytes]:
    """The contents that the source found, those of enclosed messages as well."""
    for part in message["parts"]:
        (kind, value), *_ = part["body"].items()
        if kind == "Message":
            yield from stated_parts(value)
        elif kind in {"Text", "Html"}:
            yield value
        elif kind in {"Binary", "InlineBinary"}:
            yield bytes(value)


def stated_fields(message: dict[str, Any], ours: Message) -> Iterator[tuple[str, bool]]:
    """Which fields of the head the source states, and whether we read the same."""
    for field in message["parts"][0]["headers"]:
        name, value = field["name"], field["value"]
        if not isinstance(value, dict) or not isinstance(name, str):
            continue
        if name == "subject" and "Text" in value:
            yield "subject", as_read(folded(value["Text"]), folded(ours.subject))
        elif name == "message_id" and "Text" in value:
            yield "message id", value["Text"].strip("<> ") == ours.message_id
        elif name == "date" and "DateTime" in value:
            yield "date", instant(value["DateTime"]) == ours.date
        elif name in {"from", "to", "cc"} and "List" in value.get("Address", {}):
            boxes = parse_mailboxes(ours.get(name) or "")
            theirs = [one["address"] or "" for one in value["Address"]["List"]]
            yield name, [one.lower() for one in theirs] == [box.address.lower() for box in boxes]


def instant(said: dict[str, Any]) -> dt.datetime:
    """The instant that the source read from a date."""
    offset = dt.timedelta(hours=said["tz_hour"], minutes=said["tz_minute"])
    zone = dt.timezone(-offset if said["tz_before_gmt"] else offset)
    year, month, day = said["year"], said["month"], said["day"]
    return dt.datetime(year, month, day, said["hour"], said["minute"], said["second"], tzinfo=zone)


def compared_stalwart(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """What the source states of a case, and whether we say the same."""
    home = corpus() / "stalwart-mail-parser"
    message = parse((home / case["file"]).read_bytes())
    stated = json.loads((home / case["expected"]["files"]["parsed"]).read_text())
    ours = Ours(message)
    for content in stated_parts(stated):
        if isinstance(content, str):
            yield "text", ours.holds_text(content)
        else:
            yield "content", ours.holds(content)
    yield from stated_fields(stated, message)


def compared_james(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The decoded parts that the source states, and whether we decode the same."""
    home = corpus() / "james-mime4j"
    ours = Ours(parse((home / case["file"]).read_bytes()))
    for name in case["expected"]["files"].get("decoded_parts", []):
        yield "content", ours.holds((home / name).read_bytes())


@pytest.mark.parametrize(
    ("source", "compared"),
    [("stalwart-mail-parser", compared_stalwart), ("james-mime4j", compared_james)],
)
def test_what_parsers_state(source: str, compared: Any) -> None:
    """Texts, contents and fields are what the source states in >= 95 of 100; the rest is listed."""
    score: Counter[tuple[str, bool]] = Counter()
    differing = set()
    for capability in ("malformed_mime", "mime"):
        for case in present(source, capability):
            if not case["expected"].get("files"):
                continue
            answers = list(compared(case))
            score.update(answers)
            if not all(same for _, same in answers):
                differing.add(case["file"])
    right = sum(number for (_, same), number in score.items() if same)
    print(f"\n{source}: {right} of {score.total()}")
    for question in sorted({question for question, _ in score}):
        print(f"  {question}: {score[question, True]} of "
              f"{score[question, True] + score[question, False]}")  # fmt: skip
    assert differing == explained("mime", source)
    assert right / score.total() >= 0.95
