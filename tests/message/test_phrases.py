"""Phrases: a text is passed over only where none of them can stand."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from message import acknowledgements, openings
from message.bounces import wording
from message.phrases import Phrases
from message.quoting import attributions, devices, folds
from message.quoting.lines import Line

SETS = {
    f"{module.__name__}.{name}": found
    for module in (acknowledgements, openings, wording, devices, folds)
    for name, found in vars(module).items()
    if isinstance(found, Phrases)
}
ALTERNATIVES = [
    pytest.param(phrases, pattern, id=f"{name}-{number}")
    for name, phrases in SETS.items()
    for number, pattern in enumerate(phrases.patterns)
]


@pytest.mark.parametrize(("phrases", "pattern"), ALTERNATIVES)
# What has to stand behind a phrase is seldom drawn by chance.
@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_whatever_a_pattern_matches_holds_one_of_the_words(
    phrases: Phrases, pattern: str, data: st.DataObject
) -> None:
    """A word forgotten in the list would hide a phrase: all that a pattern matches is tried."""
    text = data.draw(st.from_regex(re.compile(pattern), fullmatch=True))
    assert any(word in text.lower() for word in phrases.words)
    assert phrases.search(text) is not None


def test_a_phrase_is_found_whatever_its_case_and_surroundings() -> None:
    """What is returned is the match of the whole, as `re.search` has it."""
    found = Phrases("kind|hilsen", r"\bkind regards\b", r"\bvenlig hilsen\b")
    match = found.search("all the best and KIND REGARDS to you")
    assert match is not None
    assert match[0] == "KIND REGARDS"
    assert found.search("kindness") is None
    assert found.search("nothing of it") is None


@settings(max_examples=2_000)
@given(st.from_regex(attributions._VERB_AT_END))
def test_an_attribution_may_end_wherever_its_last_word_stands(text: str) -> None:
    """Lines that are passed over cannot end one: all verbs of all languages are tried."""
    line = Line(Line(text.replace("\n", " ")).plain)
    if line.plain and attributions._VERB_AT_END.search(line.plain[-attributions._END :]):
        # What is marked is quoted itself.
        assert attributions.may_begin([line]) == [not line.marked]


def test_an_attribution_may_begin_some_lines_above_its_end() -> None:
    """Six lines are looked at, as many as one takes at most."""
    above = [Line("prose without anything\n")] * 8
    told = attributions.may_begin([*above, Line("Jo Field wrote:\n"), Line("prose\n")])
    assert told == [False] * 3 + [True] * 6 + [False]
