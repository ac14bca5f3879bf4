"""Posts, bounces, reports, automatic mail, answers of calendars, reactions, requests to leave."""

from collections import Counter
from typing import Any

import pytest

from message import bounces, itip
from message.parse import Message, parse
from message.verdict import Kind, judge
from tests.written.mail import written

#: What is said otherwise on purpose. The sender's program says itself that nobody wrote it
#: (RFC 3834 §5), a reaction too; and a note without any sign of a machine may be a person's.
OTHERWISE = {
    "zendesk_agent_human.eml", "r-outlook-like.eml", "r-tapback.eml", "a-ooo-nosubj.eml",
    "a-school-holiday.eml",
}  # fmt: skip
_CASES = written("kinds") + written("kinds_2") + written("kinds_3")


@pytest.fixture(scope="module")
def read() -> list[tuple[dict[str, Any], Message]]:
    """The cases, read."""
    return [(case, parse(case["raw"])) for case in _CASES]


def test_what_each_is(read: list[tuple[dict[str, Any], Message]]) -> None:
    """No person is taken for a machine, and no machine for a person."""
    wrong = []
    tally: Counter[str] = Counter()
    for case, message in read:
        kind = judge(message).kind
        said = "leave" if kind is Kind.COMMAND else str(kind)
        tally[case["kind"]] += said == case["kind"]
        if said != case["kind"]:
            wrong.append(case["file"])
    print(f"\nkinds: {dict(tally)} of {len(read)}, otherwise {wrong}")
    assert set(wrong) <= OTHERWISE


def test_whom_a_bounce_is_about(read: list[tuple[dict[str, Any], Message]]) -> None:
    """The recipients, whether for good, and of which class."""
    right: Counter[str] = Counter()
    some = [(case["detail"], bounces.read(m)) for case, m in read if case["kind"] == "bounce"]
    for told, found in some:
        recipients = sorted(one.recipient.lower() for one in found)
        right["recipients"] += recipients == sorted(map(str.lower, told["recipients"]))
        right["permanent"] += {one.permanent for one in found} == {told["permanent"]}
        right["class"] += {str(one.reason) for one in found} == {told["class"]}
    print(f"\nbounces: {dict(right)} of {len(some)}")
    # Where several are named with several fates, the label has only that of the first.
    assert right["recipients"] >= 138
    assert right["permanent"] >= 138
    assert right["class"] >= 135


def test_who_answers_an_invitation(read: list[tuple[dict[str, Any], Message]]) -> None:
    """UID, attendee and answer, whatever the client."""
    for case, message in read:
        if case["kind"] != "calendar":
            continue
        found = (itip.read_answer(part.text) for part in message.calendars)
        answer = next(one for one in found if one is not None)
        told = case["detail"]
        attendee = (told["attendee"] or "").lower().removeprefix("mailto:")
        assert (answer.uid, answer.partstat) == (told["uid"], told["partstat"]), case["file"]
        assert (answer.attendee or "").lower() == attendee, case["file"]
