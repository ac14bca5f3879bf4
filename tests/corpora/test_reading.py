"""Real malformed mail, real calendars and real attacks: nothing raises, nothing active is left."""

import html as html_entities
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from message import itip, sanitise
from message.parse import parse
from tests.corpora.mail import corpus, given

MALFORMED = ("cpython-email", "enmime", "flanker", "james-mime4j", "mimekit", "ponymail-corpus",
             "spamassassin-rules", "stalwart-mail-parser")  # fmt: skip
SANITISERS = ("bleach", "bluemonday", "dompurify", "loofah")
_ACTIVE = {"script", "iframe", "object", "embed", "base", "meta", "link", "form", "style", "svg"}


def path_of(source: str, case: dict[str, Any]) -> Any:
    """The file of a case; skips where there is no real mail."""
    if "file" not in case:
        pytest.skip(f"{case['id']} names no file of its own")
    return corpus() / source / case["file"]


@pytest.mark.parametrize(("source", "case"), given(MALFORMED, "malformed_mime"))
def test_malformed_mail_is_read(source: str, case: dict[str, Any]) -> None:
    """Whatever it looks like, it becomes a structure whose parts can be stored."""
    raw = path_of(source, case).read_bytes()
    message = parse(raw)
    for text in (message.text, message.html or "", message.subject, *message.defects):
        assert "\x00" not in text
        text.encode()
    for file in message.attachments:
        assert file.name
        assert "/" not in file.name
    body = raw.partition(b"\n\n")[2] or raw.partition(b"\r\n\r\n")[2]
    if re.search(rb"[A-Za-z]{4}", body) and not message.root.children:
        assert message.text.strip() or message.attachments or message.calendars or message.defects


class _Found(HTMLParser):
    """Collects what is active in a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element with its attributes."""
        if tag in _ACTIVE:
            self.active.append(tag)
        for name, value in attrs:
            plain = re.sub(r"[\s\x00-\x20]", "", html_entities.unescape(value or "")).lower()
            if name.startswith("on") or name == "style":
                self.active.append(name)
            if plain.startswith(("javascript:", "vbscript:", "data:")):
                self.active.append(plain[:20])


@pytest.mark.parametrize(("source", "case"), given(SANITISERS, "sanitiser"))
def test_w13_no_active_content_is_left(source: str, case: dict[str, Any]) -> None:
    """After sanitising there is no script, form, style or handler; twice is as once."""
    dirty = path_of(source, case).read_text(errors="replace")
    clean = sanitise.clean(dirty)
    found = _Found()
    found.feed(clean)
    assert found.active == []
    assert sanitise.clean(clean) == clean


@pytest.mark.parametrize(
    ("source", "case"), given(("ical-samples", "ccs-imip", "sabre-vobject"), "calendar_reply")
)
def test_calendar_answers_are_read(source: str, case: dict[str, Any]) -> None:
    """An answer of a calendar is understood: whose, to what, and which."""
    path = path_of(source, case)
    raw = path.read_bytes()
    texts = [part.text for part in parse(raw).calendars] if path.suffix == ".eml" else []
    text = texts[0] if texts else raw.decode(errors="replace")
    answer = itip.read_answer(text)
    expected = json.dumps(case.get("expected", {}))
    if answer is None:
        assert "BEGIN:VEVENT" not in text or "UID" not in text, expected
        return
    assert answer.uid
    if answer.method == "REPLY":
        assert answer.attendee is None or "@" in answer.attendee
