"""Bounces of some 55 kinds of servers, and people's mail that is none; the score is printed."""

import json
from collections import Counter
from typing import Any

import pytest

from message import bounces, verdict
from message.bounces import feedback
from message.parse import Message, parse
from message.refusals import Reason
from tests.corpora.mail import cases, corpus, explained


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


#: The source's reason words in our classes. "filtered" and "suspend" it gives for mailboxes that
#: are not there or closed as well as for filters; for onhold, undefined and syntaxerror it has no
#: answer. What a server answers with 4xx may pass whatever its words are.
CLASSES: dict[str, set[Reason]] = {
    word: set(classes)
    for words, classes in (
        ("userunknown hostunknown hasmoved", [Reason.MAILBOX]),
        ("filtered suspend", [Reason.MAILBOX, Reason.POLICY]),
        ("mailboxfull systemfull", [Reason.FULL]),
        ("mesgtoobig exceedlimit", [Reason.SIZE]),
        ("expired networkerror toomanyconn speeding", [Reason.TRANSIENT]),
        ("notaccept", [Reason.MAILBOX, Reason.POLICY, Reason.TRANSIENT]),
        ("systemerror mailererror", [Reason.TRANSIENT, Reason.OTHER]),
        (
            "authfailure badreputation blocked contenterror failedstarttls norelaying rejected "
            "notcompliantrfc policyviolation requireptr securityerror spamdetected virusdetected",
            [Reason.POLICY],
        ),
    )
    for word in words.split()
}
QUESTIONS = ("bounce", "recipients", "permanent", "class")


def differences(case: dict[str, Any], score: Counter[tuple[str, bool]]) -> set[str]:
    """The questions on which we answer otherwise than the source; every answer is counted."""
    found = bounces.read(message_of("sisimai", case))
    expected = case.get("expected", {})
    stated = [one for one in expected.get("recipients", []) if one["status"]]
    answers = [("bounce", bool(found) == (expected.get("kind") != "not_a_bounce"))]
    if found and stated:
        answers.append(("recipients", len(found) == len(stated)))
    if len(found) == len(stated):
        ours = Counter(one.permanent for one in found)
        theirs = Counter(one["status"][0] == "5" for one in stated)
        answers += [("permanent", False)] * (theirs - ours).total()
        answers += [("permanent", True)] * (theirs & ours).total()
        answers += [
            ("class", mine.reason in accepted(its))
            for mine, its in zip(found, stated, strict=True)
            if its["reason"] in CLASSES
        ]
    score.update(answers)
    return {question for question, same in answers if not same}


def accepted(stated: dict[str, str]) -> set[Reason]:
    """Our classes for a reason that the source states."""
    passing = {Reason.TRANSIENT} if stated["status"][0] == "4" else set()
    return CLASSES[stated["reason"]] | passing


def test_sisimai() -> None:
    """Is it a bounce, of how many, for good or for now, and of which class; >= 98 % each."""
    score: Counter[tuple[str, bool]] = Counter()
    differing: dict[str, set[str]] = {question: set() for question in QUESTIONS}
    for case in told("sisimai"):
        reasons = {one["reason"] for one in case.get("expected", {}).get("recipients", [])}
        if "/arf-" in case["file"] or reasons & {"feedback", "vacation", "delivered"}:
            continue
        for question in differences(case, score):
            differing[question].add(case["file"])
    for question in QUESTIONS:
        right, wrong = score[question, True], score[question, False]
        print(f"\nsisimai, {question}: {right} of {right + wrong}")
        assert differing[question] == explained("bounces", question), question
        assert right / (right + wrong) >= 0.98, question


@pytest.mark.parametrize("source", ["flanker", "ccs-imip", "spamassassin-rules", "mimekit"])
def test_other_sources(source: str) -> None:
    """Bounces are seen as such (a delay as a notice), and look-alikes are not."""
    missed: set[str] = set()
    for case in told(source):
        expected = case.get("expected", {})
        wanted = expected.get("is_bounce", expected.get("is_dsn", source == "mimekit" or None))
        if wanted is None:
            wanted = expected.get("kind") == "delay_warning"
        message = message_of(source, case)
        seen = bool(bounces.read(message)) or bounces.is_delay(message)
        if seen != wanted:
            missed.add(case["file"])
    print(f"\n{source}: {len(told(source)) - len(missed)} of {len(told(source))}")
    assert missed == explained("bounces", source)


@pytest.mark.parametrize("source", ["sisimai", "flanker", "mimekit", "stalwart-mail-auth"])
def test_i32_complaints(source: str) -> None:
    """I32: ARF of several providers is a report."""
    found = told(source, "feedback_report")
    missed = {
        case["file"]
        for case in found
        if verdict.judge(message_of(source, case)).kind is not verdict.Kind.REPORT
    }
    print(f"\n{source}: {len(found) - len(missed)} of {len(found)} complaints")
    assert missed == (explained("bounces", "complaints") if source == "sisimai" else set())


def test_i32_what_a_complaint_states() -> None:
    """I32, RFC 5965 §3.1: its type, whom the copy was for and who sent it, as the source states."""
    right = fields = 0
    for case in told("stalwart-mail-auth", "feedback_report"):
        stated = json.loads(
            (corpus() / "stalwart-mail-auth" / case["expected"]["files"]["parsed"]).read_text()
        )
        report = feedback.read_report(message_of("stalwart-mail-auth", case))
        assert report is not None
        pairs = [
            (stated["feedback_type"].lower().replace("authfailure", "auth-failure"), report.type)
        ]
        for key, ours in (
            ("original_rcpt_to", report.recipient),
            ("original_mail_from", report.return_path),
        ):
            if stated[key]:
                pairs.append((_bare(stated[key]), _bare(ours or "")))
        fields += len(pairs)
        right += sum(theirs == ours for theirs, ours in pairs)
        print(case["file"], [pair for pair in pairs if pair[0] != pair[1]] or "agrees")
    print(f"\nstalwart-mail-auth: {right} of {fields} fields of complaints")
    assert right == fields


def _bare(address: str) -> str:
    return address.removeprefix("rfc822;").strip(" <>").lower()
