"""Subjects: what is left when replies, lists and gateways have had their way with them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.subject import base_subject, is_reply, prefixed

TABLE = [
    ("Meeting in March", "meeting in march", False), ("Re: Meeting", "meeting", True),
    ("RE: Meeting", "meeting", True), ("Re[2]: Meeting", "meeting", True),
    ("Re(3): Meeting", "meeting", True), ("Re*4: Meeting", "meeting", True),
    ("Re : Meeting", "meeting", True), ("Re:Meeting", "meeting", True),
    ("Re: Re: Fwd: Meeting", "meeting", True), ("Fwd: Meeting", "meeting", False),
    ("FW: Meeting", "meeting", False), ("Fwd: Re: Meeting", "meeting", False),
    ("AW: Treffen", "treffen", True), ("Antw: Treffen", "treffen", True),
    ("SV: Möte", "möte", True), ("VS: Kokous", "kokous", True), ("Odp: Zebranie", "zebranie", True),
    ("WG: Treffen", "treffen", False), ("TR: Réunion", "réunion", False),
    ("回复: 会议", "会议", True), ("回复：会议", "会议", True),
    ("[AI Network] Meeting", "meeting", False), ("[AI Network] Re: Meeting", "meeting", True),
    ("Re: [AI Network] Meeting", "meeting", True),
    ("Re: [AI Network] RE: [External] Meeting", "meeting", True),
    ("[EXTERNAL] Meeting", "meeting", False), ("[EXTERNAL] RE: Meeting", "meeting", True),
    ("EXTERNAL: Meeting", "meeting", False), ("EXTERNAL: RE: Meeting", "meeting", True),
    ("*** EXTERNAL *** - Meeting", "meeting", False), ("OFFICIAL: Meeting", "meeting", False),
    ("OFFICIAL - RE: Meeting", "meeting", True), ("OFFICIAL-SENSITIVE: Meeting", "meeting", False),
    ("Meeting OFFICIAL", "meeting", False), ("Meeting [OFFICIAL]", "meeting", False),
    ("Meeting - OFFICIAL-SENSITIVE", "meeting", False), ("Re: Meeting (fwd)", "meeting", True),
    ("Lunch (was: Meeting)", "lunch", False), ("  Re:   Meeting   tomorrow ", "meeting tomorrow",
                                              True),
    ("", "", False), ("Re:", "", True), ("Re: Re: ", "", True),
    ("[AI Network]", "[ai network]", False),
    ("Reference: a book", "reference: a book", False), ("Ref: 2027/12", "ref: 2027/12", False),
    ("I: think", "i: think", False), ("Read: this", "read: this", False),
    ("It is now official", "it is now official", False), ("The external auditor",
                                                          "the external auditor", False),
    ("Re-use of data", "re-use of data", False), ("Att: Jane", "att: jane", False),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "base", "answer"), TABLE)
def test_i13_base_subjects(subject: str, base: str, answer: bool) -> None:
    """RFC 5256 §2.1, with other languages, gateways and protective markings."""
    assert base_subject(subject) == base
    assert is_reply(subject) == answer


@given(st.text(max_size=80))
def test_i13_nothing_more_can_be_stripped(subject: str) -> None:
    """The base of a base subject is itself, and any text has one."""
    base = base_subject(subject)
    assert base_subject(base) == base
    is_reply(subject)


@given(st.text(max_size=60))
def test_o45_prefixes_do_not_grow(subject: str) -> None:
    """Twenty rounds of answers leave one "Re:"."""
    text = prefixed(subject)
    for _ in range(20):
        text = prefixed(text)
    assert text == prefixed(subject)
    assert text.startswith("Re: ")


def test_a_prefix_can_be_taken_away() -> None:
    """With no prefix, what is left is the title of the discussion."""
    assert prefixed("Re: AW: Meeting", "") == "Meeting"
    assert prefixed("Meeting", "Re: ") == "Re: Meeting"


def test_a_monstrous_subject_costs_little() -> None:
    """100,000 prefixes are cut."""
    start = time.process_time()
    base_subject("Re: " * 100_000)
    is_reply("[a] " * 100_000)
    prefixed("Re: " * 100_000)
    assert time.process_time() - start < 2
