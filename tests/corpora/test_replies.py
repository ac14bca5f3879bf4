"""Visible replies against the fixtures of four reply parsers; the score is printed."""

import html as entities
import re
from collections import Counter
from typing import Any

import pytest

from message.parse import parse
from message.quoting import Passage, html, own_words, split
from tests.corpora.mail import cases, corpus

#: Sources, and the part of their firm answers that must be met. The sources contradict each other:
#: talon keeps signatures, crisp does in places, mail-parser-reply keeps drawn lines.
FLOORS = {"talon": 0.93, "crisp-email-reply-parser": 0.98, "zapier-email-reply-parser": 0.9,
          "mail-parser-reply": 0.75}  # fmt: skip


def folded(text: str) -> str:
    """A text with its blanks folded."""
    return " ".join(text.split())


def wanted(case: dict[str, Any]) -> str | None:
    """What the source says the visible reply is."""
    expected = case.get("expected") or {}
    for key in ("reply_text", "first_fragment", "visible_text", "reply_text_normalised"):
        if key in expected:
            return str(expected[key])
    source = expected.get("reply_html_without_whitespace")
    if source is not None:
        return entities.unescape(re.sub(r"<[^>]*>", "", source))
    return expected.get("reference_reply")


def text_of(case: dict[str, Any], source: str) -> str:
    """The text of a case, from text, HTML or a whole message."""
    raw = (corpus() / source / case["file"]).read_bytes()
    if case["input"] == "rfc5322":
        return parse(raw).text
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    return html.to_text(text) if case["input"] == "html body" else text


def readings(passages: list[Passage]) -> list[str]:
    """Own words; all but quotations; and each only as far as the first thing that is not own."""
    unquoted = "".join(p.text for p in passages if p.kind != "quoted")
    signed = "".join(p.text for p in passages if p.kind in {"own", "signature"})
    first = ""
    for passage in passages:
        if passage.kind == "own":
            first += passage.text
        elif first.strip():
            break
    return [own_words(passages), unquoted, signed, first]


@pytest.mark.parametrize("source", FLOORS)
def test_visible_replies(source: str) -> None:
    """The reply is what the source says, blanks folded; signatures are not firm."""
    tally: Counter[str] = Counter()
    missed: list[str] = []
    found = cases(source, "reply_extraction")
    if not isinstance(found[0], dict):
        pytest.skip(f"no real mail in {corpus() / source} (MAIL_CORPORA)")
    for case in found:
        text = text_of(case, source)
        passages = split(text)
        assert "".join(passage.text for passage in passages) == text
        answer = wanted(case)
        if answer is None:
            continue
        loose = case["input"] == "html body"
        same = (lambda a: "".join(a.split())) if loose else folded
        tally["answered"] += 1
        own, *others = readings(passages)
        if same(own) == same(answer):
            tally["own words exact"] += 1
        elif same(answer) not in map(same, others):
            missed.append(case["id"])
    right = tally["answered"] - len(missed)
    print(f"\n{source}: {right} of {tally['answered']} ({tally['own words exact']} by own words)")
    print(f"  missed: {missed}")
    assert right / tally["answered"] >= FLOORS[source]


@pytest.mark.parametrize("source", FLOORS)
def test_i35_no_reply_is_emptied(source: str) -> None:
    """I35: where the source sees a reply, we see one too."""
    found = cases(source, "reply_extraction")
    if not isinstance(found[0], dict):
        pytest.skip(f"no real mail in {corpus() / source} (MAIL_CORPORA)")
    empty = [
        case["id"]
        for case in found
        if (wanted(case) or "").strip() and not own_words(split(text_of(case, source))).strip()
    ]
    assert empty == []
