"""The database, the outbox and the tokens hold what they promise, on both databases."""

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, database, events, leases, outbox, tokens
from core.bell import Bell
from core.events import Event, Joined, Left, MailArrived, PostArrived, PostFiled


def test_event_and_change_are_one(db: str) -> None:
    """An event recorded in a transaction that fails never happened."""

    def fail() -> None:
        with database.transaction() as session:
            outbox.record(session, Joined(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as session:
        assert outbox.backlog(session).events == []


def test_bell_rings_after_commit(db: str) -> None:
    """The bell rings once the event is really there, and a broken bell loses nothing."""
    rung: list[str] = []
    outbox.bell.ring_with(lambda: rung.append("rung"))
    with database.transaction() as session:
        first = outbox.record(session, Joined(1))
        outbox.record_many(session, [(Joined(2), "joined:2")])
        assert rung == []
    assert rung == ["rung"]

    def broken() -> None:
        raise ConnectionError

    outbox.bell.ring_with(broken)
    with database.transaction() as session:
        last = outbox.record(session, Left(1))
    with database.reading() as session:
        events = outbox.backlog(session).events
    assert len(events) == 3
    assert {first, last} <= set(events)


def test_a_bell_is_silent_about_what_was_rolled_back(db: str) -> None:
    """Nobody is called for what did not happen, or when nobody wants to hear."""
    rung: list[str] = []
    bell = Bell("test")
    bell.ring_with(lambda: rung.append("rung"))
    with contextlib.suppress(ZeroDivisionError), database.transaction() as session:
        bell.after_commit(session)
        raise ZeroDivisionError
    bell.ring_with(None)
    with database.transaction() as session:
        bell.after_commit(session)
    assert rung == []


def test_what_a_reading_session_changes_is_dropped(db: str) -> None:
    """Written by the mapper, by a bare statement, or by a text: nothing of it stays."""
    with database.transaction() as session:
        outbox.record(session, Joined(1))
    with database.reading() as session:
        session.query(outbox.EventRow).one().name = "Changed"
        session.flush()
    with database.reading() as session:
        outbox.record(session, Joined(2))
    with database.reading() as session:
        session.execute(text("DELETE FROM event"))
    with database.reading() as session:
        assert [row.name for row in session.query(outbox.EventRow)] == ["Joined"]


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_statements_stay_prepared(db: str) -> None:
    """To parse and plan each anew takes the server a fifth of a message's time."""
    for _ in range(10):
        with database.reading() as session:
            assert outbox.backlog(session).events == []
    with database.reading() as session:
        kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM event%'"
        assert session.scalar(text(kept))


def test_key_makes_an_event_unique(db: str) -> None:
    """The second record of the same key does nothing."""
    for _ in range(2):
        with database.transaction() as session:
            first = outbox.record(session, Joined(7), key="joined:7")
    assert first is None
    with database.reading() as session:
        assert len(outbox.backlog(session).events) == 1


def test_a_reaction_runs_once_and_failures_are_retried(db: str) -> None:
    """Effect and receipt are one commit; a failure is noted without its text and tried again."""
    ran: list[Event] = []

    def react(_session: object, event: Event) -> None:
        ran.append(event)
        if len(ran) == 1:
            raise ValueError("jane@example.org is secret")

    with database.transaction() as session:
        event_id = outbox.record(session, Joined(7))
    assert event_id is not None
    assert outbox.work(lambda _: ["it"], lambda _: react) == 1  # it was spread
    with database.reading() as session:
        row = session.query(outbox.Receipt).one()
        assert row.attempts == 1
        assert "secret" not in (row.trouble or "")
        assert outbox.backlog(session).events == []
    with clock.turned(clock.now() + dt.timedelta(seconds=10)):
        assert outbox.work(lambda _: ["it"], lambda _: react) == 1
        assert outbox.work(lambda _: ["it"], lambda _: react) == 0
        assert outbox.run(row.id, lambda _: react)
    assert ran == [Joined(7), Joined(7)]


def test_reactions_together_have_the_effect_of_each(db: str) -> None:
    """What waits is run in one commit; with one that fails in it, each is run by itself."""
    ran: list[list[int]] = []

    def together(_session: object, events: Sequence[Event]) -> None:
        numbers = [event.subscription for event in events if isinstance(event, Joined)]
        if 7 in numbers:
            raise ValueError
        ran.append(numbers)

    def alone(session: Session, event: Event) -> None:
        together(session, [event])

    def work() -> None:
        while outbox.work(lambda _: ["it"], lambda _: alone, lambda _: together):
            pass

    for numbers in (range(1, 6), range(6, 10)):
        with database.transaction() as session:
            outbox.record_many(session, [(Joined(one), f"joined:{one}") for one in numbers])
        work()
    assert ran == [[1, 2, 3, 4, 5], [6], [8], [9]]
    with database.reading() as session:
        states = [row.state for row in session.query(outbox.Receipt).order_by(outbox.Receipt.id)]
    assert states == ["done"] * 6 + ["due"] + ["done"] * 2


def _arrive(*numbers: int) -> None:
    with database.transaction() as session:
        outbox.record_many(session, [(MailArrived(one), f"arrived:{one}") for one in numbers])


def _leads_to(_event: type[Event]) -> list[str]:
    return {MailArrived: ["sort"], PostArrived: ["file"], PostFiled: ["copy"]}.get(_event, [])


def _seen_elsewhere() -> list[str]:
    with database.reading() as session:
        return [row.name for row in session.query(outbox.EventRow).order_by(outbox.EventRow.id)]


def test_what_a_few_messages_lead_to_is_in_the_same_commit(db: str) -> None:
    """Sorted and filed at once, then copied; and what was recorded needs no look of its own."""
    seen: list[tuple[str, list[str]]] = []

    def react(session: Session, events: Sequence[Event]) -> None:
        for event in events:
            seen.append((type(event).__name__, _seen_elsewhere()))
            if isinstance(event, MailArrived):
                outbox.record(session, PostArrived(event.incoming), key=f"p:{event.incoming}")
            if isinstance(event, PostArrived):
                outbox.record(session, PostFiled(event.incoming), key=f"f:{event.incoming}")

    _arrive(1)
    assert outbox.work(_leads_to, lambda _: lambda *_: None, lambda _: react) == 3
    assert seen == [
        ("MailArrived", ["MailArrived"]),
        ("PostArrived", ["MailArrived"]),
        ("PostFiled", ["MailArrived", "PostArrived", "PostFiled"]),
    ]
    assert outbox.work(_leads_to, lambda _: lambda *_: None, lambda _: react) == 0


def test_what_cannot_be_filed_is_sorted_all_the_same(db: str) -> None:
    """If the second step fails, nothing of the commit has happened, and each is run by itself."""
    filed: list[int] = []

    def sort(session: Session, event: Event) -> None:
        assert isinstance(event, MailArrived)
        told = PostArrived(event.incoming)
        outbox.record(session, told, key=f"p:{event.incoming}")

    def file(_session: Session, event: Event) -> None:
        assert isinstance(event, PostArrived)
        if event.incoming == 2:
            raise ValueError
        filed.append(event.incoming)

    forms: dict[str, Any] = {"sort": sort, "file": file, "copy": lambda *_: None}

    def together(name: str) -> Any:
        return lambda session, events: [forms[name](session, event) for event in events]

    _arrive(1, 2, 3)
    while outbox.work(_leads_to, forms.__getitem__, together):
        pass
    assert sorted(set(filed)) == [1, 3]
    with database.reading() as session:
        states = session.query(outbox.Receipt.reaction, outbox.Receipt.state).all()
    assert sorted(map(tuple, states)) == sorted(
        [("sort", "done")] * 3 + [("file", "done")] * 2 + [("file", "due")]
    )


def test_a_reaction_that_keeps_failing_gets_stuck(db: str) -> None:
    """After the last attempt a receipt waits for a person, who can let it try again."""

    def fail(_session: object, _event: Event) -> None:
        raise RuntimeError

    with database.transaction() as session:
        event_id = outbox.record(session, Joined(7))
    assert event_id is not None
    outbox.work(lambda _: ["it"], lambda _: fail)
    with database.reading() as session:
        receipt = session.query(outbox.Receipt).one().id
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        outbox.run(receipt, lambda _: fail)
    with database.reading() as session:
        assert outbox.backlog(session).stuck == 1
    with database.transaction() as session:
        outbox.retry(session, receipt)
    with database.reading() as session:
        assert outbox.backlog(session).events == [event_id]


def test_events_survive_json() -> None:
    """Every kind of event comes back from JSON as it was."""
    due = events.DigestDue(3, dt.datetime(2027, 3, 1, 8, tzinfo=dt.UTC))
    assert events.DigestDue.from_json(due.to_json()) == due


def test_no_network_inside_a_transaction(db: str) -> None:
    """The guard raises while a transaction is open and not after."""
    with database.transaction(), pytest.raises(database.InTransaction):
        database.forbid_transaction()
    database.forbid_transaction()


def test_a_lease_has_one_holder(db: str) -> None:
    """A second holder gets a lease only when it ran out, with a higher fence."""
    term = dt.timedelta(seconds=30)
    with database.transaction() as session:
        assert leases.take(session, "schedule", "a", term) == 1
        assert leases.take(session, "schedule", "b", term) is None
        assert leases.take(session, "schedule", "a", term) == 1
    with clock.turned(clock.now() + term * 2), database.transaction() as session:
        assert leases.take(session, "schedule", "b", term) == 2
        assert leases.take(session, "schedule", "a", term) is None


@pytest.mark.parametrize("ids", [(0,), (1, 2), (300, 70000), (2**31 - 1, 3, 5)])
def test_tokens_survive_lower_casing_and_fit(ids: tuple[int, ...]) -> None:
    """A token says what it was made for, whatever case a mail system gives it."""
    token = tokens.make(tokens.Purpose.REPLY, *ids)
    assert tokens.read(token.upper(), tokens.Purpose.REPLY).ids == ids
    assert token == token.lower()
    assert len(token) <= 48


def test_tokens_cannot_be_forged_or_misused() -> None:
    """Altered, cut, foreign, too old: each is refused."""
    token = tokens.make(tokens.Purpose.LEAVE, 1, 2)
    other = "b" if token[5] != "b" else "c"
    for bad in (token[:-2], token[:5] + other + token[6:], "help", "", "ü"):
        with pytest.raises(tokens.BadToken):
            tokens.read(bad, tokens.Purpose.LEAVE)
    with pytest.raises(tokens.BadToken):
        tokens.read(token, tokens.Purpose.CONFIRM)
    with (
        clock.turned(clock.now() + dt.timedelta(days=8)),
        pytest.raises(tokens.BadToken, match="too old"),
    ):
        tokens.read(token, tokens.Purpose.LEAVE, life=dt.timedelta(days=7))


def test_london_time_has_a_gap_and_a_fold() -> None:
    """A time that does not exist or happens twice is asked about, never guessed."""
    zone = "Europe/London"
    summer = clock.to_instant(dt.datetime(2027, 6, 1, 10, 0), zone)
    assert summer == dt.datetime(2027, 6, 1, 9, 0, tzinfo=dt.UTC)
    with pytest.raises(clock.NoSuchTime):
        clock.to_instant(dt.datetime(2027, 3, 28, 1, 30), zone)
    with pytest.raises(clock.AmbiguousTime):
        clock.to_instant(dt.datetime(2027, 10, 31, 1, 30), zone)
    span = clock.spoken_span(summer, summer + dt.timedelta(minutes=90), zone)
    assert span == "Tuesday 1 June 2027, 10am to 11:30am (UK time)"


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_while_it_rested_is_replaced(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rest a connection is asked whether it lives; what runs on it does not notice."""
    monkeypatch.setattr(database, "RESTED_SECONDS", 0.0)
    with database.engine().connect() as one, database.engine().connect() as other:
        cut = one.scalar(text("SELECT pg_backend_pid()"))
        one.close()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": cut})
        with database.transaction() as session:
            assert session.scalar(text("SELECT pg_backend_pid()")) != cut


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_connection_that_hardly_rested_is_not_asked(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask costs as much as a small question, so that not every transaction begins with it."""
    asked: list[float] = []
    ping = database.engine().dialect.do_ping

    def count(connection: Any) -> bool:
        asked.append(database.RESTED_SECONDS)
        return bool(ping(connection))

    monkeypatch.setattr(database.engine().dialect, "do_ping", count)
    for seconds in (60.0, 0.0):
        monkeypatch.setattr(database, "RESTED_SECONDS", seconds)
        for _ in range(3):
            with database.reading() as session:
                session.scalar(text("SELECT 1"))
    assert asked == [0.0] * 3
