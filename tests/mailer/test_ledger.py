"""The ledger: every copy has one row, one state, one outcome, and the sum is always right."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import select

from core import clock, database, settings
from core.outbox import EventRow
from mailer import claims, ledger, settling, silence
from mailer.models import Delivery, Mailing, MailingState, State
from mailer.settling import Outcome
from subscribers import leaving
from subscribers.audience import Excluded, Recipient, named
from tests.conftest import Network
from tests.mailer.conftest import Planned, later, rows, state_of, totals

ACCEPTED = State.ACCEPTED


def claim(limit: int = 10, worker: str = "w") -> list[int]:
    """Claim in a transaction of its own; gives the ids of the copies."""
    with database.transaction() as session:
        return [row.id for row in claims.claim(session, worker, limit)]


def settle(*outcomes: Outcome, worker: str | None = None) -> None:
    """Settle in a transaction of its own."""
    with database.transaction() as session:
        settling.settle(session, outcomes, worker)


def events(name: str) -> int:
    """How many events of a name were recorded."""
    with database.reading() as session:
        return session.query(EventRow).filter_by(name=name).count()


def beat(worker: str) -> None:
    """A worker says that it lives."""
    with database.transaction() as session:
        silence.beat(session, worker)


def reclaim(silent_for: dt.timedelta = dt.timedelta(seconds=60)) -> int:
    """Take up what silent workers left."""
    with database.transaction() as session:
        return silence.reclaim(session, silent_for)


def test_a_plan_keeps_the_reasons_of_those_left_out(planned: Planned, network: Network) -> None:
    """A row for each recipient and each who is left out; planning twice is as once."""
    out = Excluded(network.coordinator, "carol@host.example", "dead")
    mailing = planned(3, excluded=[out])
    assert totals(mailing) == ledger.Totals(planned=4, excluded=1, pending=3)
    assert [row.reason for row in rows(mailing)] == [None, None, None, "dead"]
    assert state_of(mailing) == MailingState.SENDING
    with database.transaction() as session:
        again = session.get_one(Mailing, mailing)
        other = named([Recipient(None, "x@y.example", "X", "")])
        ledger.plan(session, again, b"[]", other)
    assert totals(mailing).planned == 4
    assert events("MailingPlanned") == 1


def test_the_bell_rings_once_there_are_copies_to_send(planned: Planned) -> None:
    """For what is planned, and for what goes on; not for a mailing that nobody gets."""
    rung: list[str] = []
    ledger.bell.ring_with(lambda: rung.append("rung"))
    mailing = planned(2)
    assert rung == ["rung"]
    assert state_of(planned(0)) == MailingState.FINISHED
    with database.transaction() as session:
        ledger.pause(session, mailing)
    assert rung == ["rung"]
    with database.transaction() as session:
        ledger.resume(session, mailing)
        assert rung == ["rung"]
    assert rung == ["rung"] * 2


def test_the_bell_rings_for_what_silent_workers_left(planned: Planned) -> None:
    """What is planned again can be sent at once."""
    planned(1)
    claim()
    rung: list[str] = []
    ledger.bell.ring_with(lambda: rung.append("rung"))
    assert reclaim() == 1
    assert rung == ["rung"]
    assert reclaim() == 0
    assert rung == ["rung"]


def test_an_address_gets_one_copy(planned: Planned) -> None:
    """Whoever is named twice, in whatever case, gets one."""
    twice = [Recipient(None, "Jo@x.example", "Jo", ""), Recipient(None, "jo@X.example", "Jo", "")]
    assert totals(planned(recipients=twice)).planned == 1


def test_a_mailing_to_nobody_is_finished(planned: Planned) -> None:
    """Nothing to send is an outcome too."""
    assert state_of(planned(0)) == MailingState.FINISHED
    assert events("MailingFinished") == 1


def test_a_claim_takes_exactly_so_many(planned: Planned) -> None:
    """Never more than asked for, never one twice."""
    mailing = planned(7)
    first, second, third = claim(3), claim(3), claim(3)
    assert [len(first), len(second), len(third)] == [3, 3, 1]
    assert len({*first, *second, *third}) == 7
    assert {row.state for row in rows(mailing)} == {State.ATTEMPTING}
    assert all(row.attempts == 1 for row in rows(mailing))
    assert claim(3) == []


def test_many_claim_at_once(planned: Planned) -> None:
    """Four workers side by side: each copy is claimed by one of them."""
    planned(40)
    taken: list[int] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        while found := claim(3, name):
            with lock:
                taken.extend(found)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_urgent_mailings_go_first(planned: Planned) -> None:
    """A sign-in link does not wait behind a newsletter."""
    planned(2)
    urgent = planned(1, priority=1)
    (first, *_rest) = claim(2)
    with database.reading() as session:
        assert session.get_one(Delivery, first).mailing_id == urgent


@pytest.mark.parametrize("change", ["before", "brake", "paused"])
def test_what_is_held_back_is_not_claimed(planned: Planned, change: str) -> None:
    """Before its time, with the brake on, or paused, nothing is claimed, and nothing is due."""
    at = clock.now() + dt.timedelta(hours=1) if change == "before" else None
    mailing = planned(2, not_before=at)
    if change == "brake":
        settings.use(settings.current().model_copy(update={"sending": False}))
    if change == "paused":
        with database.transaction() as session:
            ledger.pause(session, mailing)
    with database.reading() as session:
        assert not claims.anything_due(session)
    assert claim() == []
    if change == "before":
        with clock.turned(clock.now() + dt.timedelta(hours=2)):
            assert len(claim()) == 2
    if change == "paused":
        with database.transaction() as session:
            ledger.resume(session, mailing)
        assert len(claim()) == 2


def test_o9_leaving_counts_for_copies_already_queued(planned: Planned, network: Network) -> None:
    """Whoever leaves before their copy is sent gets none, and the ledger says why."""
    mailing = planned(3)
    person = rows(mailing)[0].person_id
    assert person is not None
    with database.transaction() as session:
        leaving.leave(session, person, network.main, "one-click")
    assert len(claim(3)) == 2
    gone = rows(mailing)[0]
    assert (gone.state, gone.reason) == (State.EXCLUDED, "left")


def test_o9_the_last_one_to_leave_finishes_the_mailing(
    planned: Planned, network: Network
) -> None:  # fmt: skip
    """A mailing whose only copy is not wanted any more is done."""
    mailing = planned(1)
    person = rows(mailing)[0].person_id
    assert person is not None
    with database.transaction() as session:
        leaving.leave(session, person, network.main, "mail")
    assert claim() == []
    assert state_of(mailing) == MailingState.FINISHED


def test_o12_an_announcement_is_pointless_after_the_meeting(planned: Planned) -> None:
    """What has not gone out by then is left out."""
    mailing = planned(2, pointless_after=clock.now() - dt.timedelta(seconds=1))
    assert claim() == []
    assert {row.reason for row in rows(mailing)} == {"too late"}
    assert state_of(mailing) == MailingState.FINISHED


def test_outcomes_finish_a_mailing_once(planned: Planned) -> None:
    """Accepted and refused are final; the event comes once, with the last outcome."""
    mailing = planned(2)
    one, two = claim()
    settle(Outcome(one, ACCEPTED, "250 2.0.0", "taken"))
    assert totals(mailing) == ledger.Totals(planned=2, accepted=1, pending=1)
    assert state_of(mailing) == MailingState.SENDING
    settle(Outcome(two, State.REFUSED, "550 5.1.1", "no such user", "mailbox"))
    assert totals(mailing) == ledger.Totals(planned=2, accepted=1, refused=1)
    assert state_of(mailing) == MailingState.FINISHED
    assert events("MailingFinished") == events("CopyRefused") == 1
    settle(Outcome(two, State.REFUSED, "550 5.1.1", "no such user", "mailbox"))
    assert events("CopyRefused") == 1


def test_o12_what_is_put_off_is_tried_ever_later_and_given_up(
    planned: Planned, moment: dt.datetime
) -> None:  # fmt: skip
    """5 min, 30 min, 1, 2, 4, 4 ... hours; after four days the copy counts as refused."""
    mailing = planned(1)
    waits = []
    while claim(1):
        before = clock.now()
        settle(Outcome(rows(mailing)[0].id, State.DEFERRED, "451 4.7.1", "later", "transient"))
        row = rows(mailing)[0]
        if row.state == State.DEFERRED:
            wait = row.next_try - before
            waits.append(round(wait.total_seconds() / 60))
            assert claim(1) == []
            clock.turn(wait + dt.timedelta(seconds=1))
    assert waits[:6] == [5, 30, 60, 120, 240, 240]
    assert (row.state, row.reason) == (State.REFUSED, "gave up")
    assert dt.timedelta(days=4) < clock.now() - moment < dt.timedelta(days=4, hours=5)
    assert totals(mailing).refused == 1


def test_one_slow_destination_does_not_hold_the_others(planned: Planned) -> None:
    """A copy that is put off waits by itself."""
    planned(3)
    one, two = claim(2)
    settle(Outcome(one, State.DEFERRED, "451", "later", "transient"), Outcome(two, ACCEPTED))
    assert len(claim(2)) == 1


@pytest.mark.parametrize("reason", sorted(settling.HOLD))
def test_a_relay_that_is_away_costs_no_try(planned: Planned, reason: str) -> None:
    """Trouble with our own relay is no try of the copy, and holds everything for a while."""
    mailing = planned(2)
    (one,) = claim(1)
    settle(Outcome(one, State.DEFERRED, None, "away", reason))
    with database.transaction() as session:
        settling.hold(session, clock.now() + settling.HOLD[reason])
    assert [row.attempts for row in rows(mailing)] == [0, 0]
    if settling.HOLD[reason]:
        assert claim() == []
    with clock.turned(clock.now() + settling.HOLD[reason] + dt.timedelta(seconds=1)):
        assert len(claim()) == 2


def test_pause_and_cancel_leave_what_is_on_the_wire_alone(planned: Planned) -> None:
    """A cancelled mailing sends no more; what was on the wire still gets its outcome."""
    mailing = planned(3)
    (one,) = claim(1)
    with database.transaction() as session:
        ledger.cancel(session, mailing)
    assert totals(mailing) == ledger.Totals(planned=3, excluded=2, pending=1)
    assert claim() == []
    settle(Outcome(one, State.DEFERRED, "451", "later", "transient"))
    assert totals(mailing) == ledger.Totals(planned=3, excluded=3)
    assert {row.reason for row in rows(mailing)} == {"cancelled"}
    for act in (ledger.pause, ledger.resume, ledger.cancel):
        with database.transaction() as session, pytest.raises(ledger.WrongState, match="cancelled"):
            act(session, mailing)


def test_what_a_silent_worker_had_is_sent_again_and_marked(planned: Planned) -> None:
    """Only copies of workers that went silent; they keep the mark when they are accepted."""
    mailing = planned(3)
    beat("dead")
    (one,) = claim(1, "dead")
    later(seconds=61)
    beat("alive")
    (two,) = claim(1, "alive")
    assert reclaim() == 1
    by_id = {row.id: row for row in rows(mailing)}
    assert (by_id[one].state, by_id[one].reason) == (State.PLANNED, ledger.REPEATED)
    assert by_id[two].state == State.ATTEMPTING
    assert one in claim(5, "alive")
    settle(Outcome(one, ACCEPTED))
    assert rows(mailing)[0].reason == ledger.REPEATED
    assert reclaim() == 0


def test_late_news_that_a_copy_was_accepted_stops_the_repeat(planned: Planned) -> None:
    """A worker that was only slow reports after its copy was planned again: it is not repeated."""
    mailing = planned(1)
    (one,) = claim(1, "slow")
    assert reclaim() == 1
    settle(Outcome(one, ACCEPTED), worker="slow")
    assert totals(mailing).accepted == 1
    assert claim() == []


def test_news_about_a_copy_that_another_has_claimed_does_not_count(planned: Planned) -> None:
    """The outcome of a copy is written by the worker that has it."""
    mailing = planned(1)
    (one,) = claim(1, "slow")
    reclaim()
    assert claim(1, "quick") == [one]
    settle(Outcome(one, State.REFUSED, "550", "no", "mailbox"), worker="slow")
    assert rows(mailing)[0].state == State.ATTEMPTING
    assert events("CopyRefused") == 0


def test_a_connection_lost_after_the_dot_leaves_a_doubt(planned: Planned) -> None:
    """Such a copy counts as in doubt, and is sent again after a while, a few times at most."""
    mailing = planned(1)
    for tries in range(1, settling.MOST_DOUBTS + 1):
        (one,) = claim(1)
        settle(Outcome(one, State.IN_DOUBT, None, "lost", "connection lost"))
        assert totals(mailing).in_doubt == 1
        assert reclaim() == 0
        if tries < settling.MOST_DOUBTS:
            assert state_of(mailing) == MailingState.SENDING
            later(hours=5)
            assert reclaim() == 1
    later(hours=5)
    assert reclaim() == 0
    assert totals(mailing) == ledger.Totals(planned=1, in_doubt=1)
    assert state_of(mailing) == MailingState.FINISHED


def test_reclaiming_finishes_what_a_crash_kept_open(planned: Planned) -> None:
    """Whatever was left half done by a crash is found by the next tick."""
    mailing = planned(1)
    with database.transaction() as session:
        for row in session.scalars(select(Delivery)):
            row.state, row.settled_at = ACCEPTED, clock.now()
    reclaim()
    assert state_of(mailing) == MailingState.FINISHED


def _act(name: str, mailing: int, number: int) -> None:
    attempting = [row.id for row in rows(mailing) if row.state == State.ATTEMPTING]
    outcomes: dict[str, Callable[[int], Outcome]] = {
        "accept": lambda id_: Outcome(id_, ACCEPTED),
        "refuse": lambda id_: Outcome(id_, State.REFUSED, "550", "no", "mailbox"),
        "defer": lambda id_: Outcome(id_, State.DEFERRED, "451", "later", "transient"),
        "lose": lambda id_: Outcome(id_, State.IN_DOUBT, None, "lost", "connection lost"),
        "away": lambda id_: Outcome(id_, State.DEFERRED, None, "away", settling.RELAY_AWAY),
    }
    if name in outcomes:
        settle(*(outcomes[name](id_) for id_ in attempting[:number]), worker="w")
    elif name == "claim":
        claim(number)
    elif name == "crash":
        reclaim(dt.timedelta(0))
    elif name == "wait":
        later(hours=number)
    else:
        with database.transaction() as session:
            act = {"pause": ledger.pause, "resume": ledger.resume, "cancel": ledger.cancel}[name]
            try:
                act(session, mailing)
            except ledger.WrongState:
                session.rollback()


_ACTS = ["claim", "accept", "refuse", "defer", "lose", "away", "crash", "wait", "pause", "resume"]


@how(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from([*_ACTS, "cancel"]), st.integers(1, 4)),
                      max_size=25))  # fmt: skip
def test_totals_add_up_whatever_happens(
    planned: Planned, steps: list[tuple[str, int]]
) -> None:  # fmt: skip
    """planned = accepted + refused + excluded + pending + in doubt after every step, final states
    stay, and in the end every copy has an outcome."""
    with clock.turned(clock.now()):
        mailing = planned(4)
        ended: dict[int, str] = {}
        for name, number in steps:
            _act(name, mailing, number)
            assert totals(mailing).planned == 4
            for row in rows(mailing):
                if row.id in ended:
                    assert row.state == ended[row.id]
                elif row.state in (ACCEPTED, State.REFUSED, State.EXCLUDED):
                    ended[row.id] = row.state
        for name, number in [("resume", 1), *[("crash", 1), ("wait", 5), ("crash", 1),
                             ("claim", 4), ("accept", 4)] * 2]:  # fmt: skip
            _act(name, mailing, number)
        assert state_of(mailing) in (MailingState.FINISHED, MailingState.CANCELLED)
        assert totals(mailing).pending == 0


def test_a_mailing_that_does_not_add_up_is_not_finished(planned: Planned) -> None:
    """A copy that is gone from the ledger is missed: the coordinators are told, once."""
    mailing = planned(3)
    ids = claim()
    with database.transaction() as session:
        session.delete(session.get_one(Delivery, ids[2]))
    settle(*(Outcome(number, ACCEPTED) for number in ids[:2]))
    for _ in range(2):
        reclaim()
    with database.reading() as session:
        found, counted = session.get_one(Mailing, mailing), ledger.totals(session, mailing)
    assert (found.state, found.trouble) == (MailingState.SENDING, "unbalanced")
    assert (counted.planned, counted.accepted, counted.balanced) == (3, 2, False)
    assert events("MailingInTrouble") == 1
    assert events("MailingFinished") == 0


def test_a_state_that_nobody_knows_does_not_add_up(planned: Planned) -> None:
    """Whatever is in no state of the six is not accounted for."""
    mailing = planned(2)
    with database.transaction() as session:
        session.get_one(Delivery, rows(mailing)[0].id).state = "lost"
    settle(Outcome(claim()[0], ACCEPTED))
    assert state_of(mailing) == MailingState.SENDING
    assert events("MailingInTrouble") == 1


def test_going_on_counts_from_then(planned: Planned, moment: dt.datetime) -> None:
    """Five days of pause are no reason to give up a copy at its first try."""
    mailing = planned(1)
    with database.transaction() as session:
        ledger.pause(session, mailing)
    clock.turn(dt.timedelta(days=5))
    with database.transaction() as session:
        ledger.resume(session, mailing)
    settle(Outcome(claim()[0], State.DEFERRED, "451 4.7.1", "later", "transient"))
    assert rows(mailing)[0].state == State.DEFERRED


def test_why_copies_were_left_out_or_refused(planned: Planned, network: Network) -> None:
    """Counted by state and reason, so that nobody has to read a thousand rows."""
    out = [Excluded(network.coordinator, "carol@host.example", "suspended")]
    mailing = planned(3, excluded=out)
    one, two, three = claim()
    for number in (one, two):
        settle(Outcome(number, State.REFUSED, "550 5.1.1", "no such user", "mailbox"))
    settle(Outcome(three, ACCEPTED))
    with database.reading() as session:
        assert ledger.reasons(session, mailing) == [
            ("excluded", "suspended", 1), ("refused", "mailbox", 2),
        ]  # fmt: skip
