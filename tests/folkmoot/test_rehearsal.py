"""What a rehearsal says of a message is what then happens, and it leaves no trace."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from sqlalchemy import select

from core import database, outbox, settings
from core.database import Base
from folkmoot import inspect, rehearsal
from folkmoot.rehearsal import Outcome
from mailer import inbox
from tests.archive.digest_replies import cases as replies
from tests.archive.digest_replies.month import Month, make
from tests.archive.letters import TRUSTED, mail
from tests.conftest import Network
from tests.folkmoot.conftest import Run
from tests.folkmoot.test_inspect import ANSWER, BOUNCE
from workers import reactions

ANNA = "Anna Archer <anna@ashford.example>"
_uids = itertools.count(1)


@pytest.fixture
def month(network: Network, moment: object) -> Month:
    """A network with discussions, meetings and a digest, where our own server is trusted."""
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    made = make(network)
    work()
    return made


def work() -> None:
    """Have the worker react until nothing waits."""
    while outbox.work(reactions.names, reactions.find, reactions.find_together):
        pass


def letters(month: Month) -> Iterator[bytes]:
    """Mail of every kind: posts, answers of all sorts, strangers, machines, commands, junk."""
    first = mail(ANNA, "A new question", message_id="first@ashford.example", minute=1)
    yield first.as_bytes()
    answered = "<first@ashford.example>"
    yield mail(ANNA, "Re: A new question", minute=2, In_Reply_To=answered).as_bytes()
    yield mail(ANNA, "Re: A new question", "Once more.", minute=3).as_bytes()
    yield mail("Eve <eve@elsewhere.example>", "May I join?", minute=4).as_bytes()
    yield mail(ANNA, "Not proved", minute=5, proved=False).as_bytes()
    yield first.as_bytes().replace(b"To: ai-network@", b"To: no-such-list@")
    yield first.as_bytes()  # a copy
    yield mail(ANNA, "unsubscribe", "Please unsubscribe me.", minute=6).as_bytes()
    yield mail(
        ANNA, "Automatic reply: Hello", "I am away.", Auto_Submitted="auto-replied"
    ).as_bytes()
    yield BOUNCE.replace("\n", "\r\n").encode()
    yield ANSWER.replace("\n", "\r\n").encode()
    yield b""
    yield b"\x00\xff" * 500
    yield from (case.write(month) for case in itertools.islice(replies.cases(), 0, None, 4))


def everything() -> str:
    """All rows of all tables, but for the numbers that a sequence has given away."""
    with database.reading() as session:
        rows = {
            table.name: sorted(str(tuple(row)) for row in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }
    return json.dumps(rows)


def really(raw: bytes) -> Outcome:
    """Have a message come, be sorted and filed by the worker, and see what became of it."""
    before = rehearsal.marks()
    with database.transaction() as session:
        number = inbox.keep(session, "network", 1, next(_uids) + 1_000_000, raw)
    assert number is not None
    work()
    with database.reading() as session:
        return rehearsal.outcome_of(session, number, before)


def in_any_order(outcome: Outcome) -> Outcome:
    """An outcome without the order in which workers reacted."""
    return replace(outcome, events=tuple(sorted(outcome.events)))


def test_what_it_says_is_what_then_happens(month: Month) -> None:
    """One message after the other: rehearsed, nothing has changed; then it comes."""
    seen = set()
    for raw in letters(month):
        before = everything()
        said = rehearsal.rehearse(raw)
        assert everything() == before
        assert in_any_order(said) == in_any_order(really(raw))
        found = inspect.look("x.eml", raw)
        assert found["kind"] == said.verdict
        if len(said.posts) == 1:
            assert said.posts[0].own in found["text"]["own"].strip()
        seen.add((said.verdict, said.state, bool(said.posts), bool(said.copies)))
    # All that can become of a message has been among them.
    assert {verdict for verdict, *_ in seen} >= {
        "post",
        "bounce",
        "calendar",
        "command",
        "automatic",
    }
    assert {state for _, state, *_ in seen} == {"sorted", "stuck"}
    assert ("post", "sorted", True, True) in seen


@trying(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_order_they_come_in(month: Month, data: st.DataObject) -> None:
    """What came before changes what would happen, and it says so."""
    some = data.draw(st.lists(st.sampled_from(list(letters(month))[:8]), min_size=1, max_size=4))
    for raw in some:
        assert in_any_order(rehearsal.rehearse(raw)) == in_any_order(really(raw))


def test_what_is_known_is_said_to_be(month: Month) -> None:
    """The same bytes in the mailbox of the rehearsal's own name are no second arrival."""
    raw = next(letters(month))
    first, again = rehearsal.rehearse(raw), rehearsal.rehearse(raw)
    assert first == again
    assert [place.thread for place in first.posts] == [None]


def test_the_command_says_it_in_words_and_in_json(here: Run, network: Network) -> None:
    """`inspect --here`: where it goes, why, and how many get copies; without it, not a word."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    raw = mail(ANNA, "Licences").as_bytes()
    told = here("inspect", "--here", "-", text=raw).stdout
    assert 'filed in ai-network, a new discussion: "Licences". It opened this discussion.' in told
    assert "then 1 copy: post" in told
    found = json.loads(here("inspect", "--here", "--json", "-", text=raw).stdout)
    assert found["here"]["posts"][0]["own"] == "What do you pay per head?"
    assert "here" not in json.loads(here("inspect", "--json", "-", text=raw).stdout)
