"""Bounces of some 55 kinds of servers, and people's mail that is none; the score is printed."""

from collections import Counter
from typing import Any

import pytest

from message import bounces, verdict
from message.parse import Message, parse
from message.refusals import Reason
from tests.corpora.mail import cases, corpus


def told(source: str, capability: str = "bounce") -> list[dict[str, Any]]:
    """The cases of a source; skips, and says why, when there are none."""
    found = cases(source, capability)
    if not isinstance(found[0], dict):
        pytest.skip(f"no real mail in {corpus() / source} (MAIL_CORPORA)")
    return found


def message_of(source: str, case: dict[str, Any]) -> Message:
    """The message; one with bare CR as line ends as a mail server would hand it on."""
    raw = (corpus() / source / case["file"]).read_bytes()
    return parse(raw if b"\n" in raw else raw.replace(b"\r", b"\r\n"))


def test_sisimai() -> None:
    """Is it a bounce, of how many recipients, which status class, hard or soft."""
    tally: Counter[str] = Counter()
    missed: list[str] = []
    for case in told("sisimai"):
        message = message_of("sisimai", case)
        found = bounces.read(message)
        expected = case.get("expected", {})
        recipients = [one for one in expected.get("recipients", []) if one["status"]]
        reasons = {one["reason"] for one in expected.get("recipients", [])}
        if "/arf-" in case["file"] or reasons & {"feedback", "vacation", "delivered"}:
            continue
        if expected.get("kind") == "not_a_bounce":
            tally["false"] += bool(found)
            continue
        tally["all"] += 1
        tally["seen"] += bool(found)
        if not found:
            missed.append(case["id"])
        if found and recipients:
            tally["counted"] += 1
            tally["as many recipients"] += len(found) == len(recipients)
        if recipients and len(found) == len(recipients):
            tally["compared"] += 1
            ours = sorted(one.permanent for one in found)
            tally["class"] += ours == sorted(one["status"][0] == "5" for one in recipients)
            hard = sorted(one.permanent and one.reason is Reason.MAILBOX for one in found)
            tally["hard"] += hard == sorted(one["hard_bounce"] for one in recipients)
    print(f"\nsisimai: {dict(tally)}\n  not seen: {missed}")
    assert tally["seen"] / tally["all"] >= 0.98
    assert tally["as many recipients"] / tally["counted"] >= 0.97
    assert tally["class"] / tally["compared"] >= 0.97
    assert tally["hard"] / tally["compared"] >= 0.83
    # One of "not a bounce" is one: a full mailbox, reported in words that sisimai does not read.
    assert tally["false"] <= 1


@pytest.mark.parametrize("source", ["flanker", "ccs-imip", "spamassassin-rules", "mimekit"])
def test_other_sources(source: str) -> None:
    """Bounces are seen as such (a delay as a notice), and look-alikes are not."""
    right = 0
    missed: list[str] = []
    for case in told(source):
        expected = case.get("expected", {})
        wanted = expected.get("is_bounce", expected.get("is_dsn", source == "mimekit" or None))
        if wanted is None:
            wanted = expected.get("kind") == "delay_warning"
        message = message_of(source, case)
        seen = bool(bounces.read(message)) or bounces.is_delay(message)
        right += seen == wanted
        if seen != wanted:
            missed.append(case["id"])
    print(f"\n{source}: {right} right, missed {missed}")
    assert len(missed) <= 1


@pytest.mark.parametrize("source", ["sisimai", "flanker", "mimekit", "stalwart-mail-auth"])
def test_i32_complaints(source: str) -> None:
    """I32: ARF of several providers is a report."""
    found = told(source, "feedback_report")
    missed = [
        case["id"]
        for case in found
        if verdict.judge(message_of(source, case)).kind is not verdict.Kind.REPORT
    ]
    print(f"\n{source}: {len(found) - len(missed)} of {len(found)} complaints, missed {missed}")
    assert len(missed) <= 1
