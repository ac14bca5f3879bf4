"""Answers of calendars: whose they are where more than one is named (RFC 5546)."""

import pytest

from message import itip
from message.verdict import Kind, judge
from tests.message.letters import FROM, letter


def answer(*attendees: str, method: str = "REPLY") -> itip.CalendarAnswer:
    """What is read of an answer with these ATTENDEE lines."""
    lines = "".join(f"ATTENDEE{one}\n" for one in attendees)
    said = itip.read_answer(
        f"BEGIN:VCALENDAR\nMETHOD:{method}\nBEGIN:VEVENT\nUID:1\n{lines}END:VEVENT\nEND:VCALENDAR\n"
    )
    assert said is not None
    return said


@pytest.mark.parametrize("said", ["ACCEPTED", "declined", "TENTATIVE"])
def test_the_one_who_says_something_has_answered(said: str) -> None:
    """RFC 5546 §3.2.3 wants one attendee; some clients name all who were invited."""
    found = answer(
        ";PARTSTAT=NEEDS-ACTION:mailto:ben@ashford.example", ":mailto:cy@ashford.example",
        f";PARTSTAT={said}:mailto:anna@ashford.example",
    )  # fmt: skip
    assert (found.attendee, found.partstat) == ("anna@ashford.example", said.upper())


def test_of_a_delegation_it_is_who_goes() -> None:
    """RFC 5546 §4.2.5: before the other says anything, it is the one who does not go."""
    gone = ';PARTSTAT=DELEGATED;DELEGATED-TO="mailto:ben@ashford.example":mailto:a@ashford.example'
    comes = ';DELEGATED-FROM="mailto:a@ashford.example":mailto:ben@ashford.example'
    found = answer(gone, f";PARTSTAT=ACCEPTED{comes}")
    assert (found.attendee, found.partstat) == ("ben@ashford.example", "ACCEPTED")
    assert found.delegate
    found = answer(f";PARTSTAT=NEEDS-ACTION{comes}", gone)
    assert (found.attendee, found.partstat) == ("a@ashford.example", "DELEGATED")


def test_who_says_nothing_has_yet_to_act() -> None:
    """RFC 5545 §3.2.12: the PARTSTAT that is not there; without an attendee there is none."""
    assert answer(":mailto:anna@ashford.example", method="COUNTER").partstat == "NEEDS-ACTION"
    assert answer().partstat is None


def test_who_passes_on_an_answer_has_written_a_post() -> None:
    """The answer is another's, and the words above it are there to be read."""
    calendar = "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n"
    body = f"--y\n\nHow odd.\n--y\nContent-Type: text/calendar; method=REPLY\n\n{calendar}--y--\n"
    kind = "Content-Type: multipart/mixed; boundary=y"
    assert judge(letter(f"{FROM}Subject: Fwd: Accepted: News\n{kind}", body)).kind is Kind.POST
    assert judge(letter(f"{FROM}Subject: Accepted: News\n{kind}", body)).kind is Kind.CALENDAR
