"""Planning: one statement a mailing, everybody accounted for, urgent mail first, nothing late."""

import datetime as dt
import threading
import tracemalloc

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import event, insert, select, update

from core import clock, database
from core.events import MailingApproved, MailingInTrouble, SignInRequested
from core.outbox import EventRow
from mailer import claims, ledger, settling
from mailer.models import Delivery, Mailing, MailingState, State, Trouble
from mailer.settling import Outcome
from mailings import approval, planning
from subscribers import audience, leaving
from subscribers.models import Address, MailingList, Mode, Person, Reach, Role, SignIn, Standing
from subscribers.models import Subscription as Place
from tests.conftest import Network
from tests.mailings.conftest import letters, mailings, react

MANY = 10_000


def crowd(list_id: int, count: int) -> None:
    """Enter so many members at once."""
    now = clock.now()
    with database.transaction() as session:
        first = (session.scalar(select(Person.id).order_by(Person.id.desc()).limit(1)) or 0) + 1
        numbers = range(first, first + count)
        people = [
            {"id": n, "name": f"Officer {n}", "role": Role.MEMBER, "created_at": now}
            for n in numbers
        ]
        addresses = [
            {"person_id": n, "mailbox": f"o{n}@ashford.example", "key": f"o{n}@ashford.example",
             "verified_at": now, "reach": Reach.OK}
            for n in numbers
        ]  # fmt: skip
        places = [
            {"person_id": n, "list_id": list_id, "state": Standing.ACTIVE, "moderator": False,
             "mode": Mode.EACH, "joined_at": now}
            for n in numbers
        ]  # fmt: skip
        for table, rows in ((Person, people), (Address, addresses), (Place, places)):
            session.execute(insert(table), rows)


def newsletter(network: Network, at: dt.datetime | None = None) -> int:
    """An approved newsletter to the main list."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        made = approval.draft_newsletter(session, list_, "News", "Hello, **all**.", None)
        approval.approve(session, made.id, by=None, at=at)
        return made.id


def plan(mailing: int) -> None:
    """Let the reaction to the approval run, twice."""
    for _ in range(2):
        with database.transaction() as session:
            planning.plan_approved(session, MailingApproved(mailing))


def found(mailing: int) -> Mailing:
    """A mailing as it stands."""
    with database.reading() as session:
        return session.get_one(Mailing, mailing)


def totals(mailing: int) -> ledger.Totals:
    """Its totals."""
    with database.reading() as session:
        return ledger.totals(session, mailing)


def test_planning_is_one_statement_whatever_the_size(network: Network) -> None:
    """As many statements for a thousand members as for one, and one of them writes the copies."""
    counts = []
    for size in (1, 1000):
        crowd(network.main, size)
        mailing = newsletter(network)
        said: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            said.append(statement)  # noqa: B023 - the list of this round

        event.listen(database.engine(), "before_cursor_execute", note)
        with database.transaction() as session:
            planning.plan_approved(session, MailingApproved(mailing))
        event.remove(database.engine(), "before_cursor_execute", note)
        counts.append(len(said))
        assert sum("INSERT INTO delivery" in statement for statement in said) == 1
    assert counts[0] == counts[1]
    assert totals(mailing) == ledger.Totals(planned=1001, pending=1001)


def test_planning_holds_nobody_in_memory(network: Network) -> None:
    """Twenty thousand members take no more of it than one."""
    peaks = []
    for size in (1, 2 * MANY):
        crowd(network.main, size)
        mailing = newsletter(network)
        tracemalloc.start()
        plan(mailing)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert totals(mailing).planned == 2 * MANY + 1
    assert peaks[1] - peaks[0] < 200_000


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(list(Reach)),
                          st.sampled_from(list(Standing))), max_size=6))  # fmt: skip
@how(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_planned_is_what_the_audience_says(
    network: Network, people: list[tuple[bool, Reach, Standing]]
) -> None:
    """Each recipient has a copy with the name, each who is left out the reason, in this order."""
    for verified, reach, standing in people:
        number = len(mailings("newsletter")) * 10 + len(people)
        crowd(network.main, 1)
        with database.transaction() as session:
            person = session.scalars(select(Person).order_by(Person.id.desc()).limit(1)).one()
            person.name, address = f"Officer {number}", person.addresses[0]
            address.reach, address.verified_at = reach, clock.now() if verified else None
            session.execute(
                update(Place).where(Place.person_id == person.id).values(state=standing)
            )
    with database.reading() as session:
        asked = audience.members_of(session, network.main)
        recipients, excluded = list(asked.recipients(session)), list(asked.excluded(session))
    wanted: list[tuple[object, ...]] = [
        (to.person_id, to.address, to.name, "planned", None) for to in recipients
    ]
    wanted += [(out.person_id, out.address, None, "excluded", out.reason) for out in excluded]
    mailing = newsletter(network)
    plan(mailing)
    with database.reading() as session:
        rows = session.scalars(
            select(Delivery).where(Delivery.mailing_id == mailing).order_by(Delivery.id)
        )
        got = [(row.person_id, row.address, row.name, row.state, row.reason) for row in rows]
    assert got == wanted
    assert totals(mailing).balanced
    assert totals(mailing).planned == len(wanted)


def test_one_copy_a_person(network: Network) -> None:
    """Also on two lists, with two addresses."""
    anna = network.person("Anna", "anna@ashford.example", network.main, network.sub)
    with database.transaction() as session:
        session.add(Address(person_id=anna, mailbox="a@b.example", key="a@b.example"))
    mailing = newsletter(network)
    plan(mailing)
    with database.reading() as session:
        rows = session.scalars(select(Delivery).where(Delivery.mailing_id == mailing)).all()
    assert [(row.person_id, row.address) for row in rows] == [(anna, "anna@ashford.example")]


def test_the_name_is_that_of_the_planning(network: Network) -> None:
    """A retry after somebody changed their name is the same message."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    plan(newsletter(network))
    before = letters("newsletter")["anna@ashford.example"]
    with database.transaction() as session:
        session.get_one(Person, anna).name = "Anna Baker"
    after = letters("newsletter")["anna@ashford.example"]
    assert (after.to, after.text, after.html) == (before.to, before.text, before.html)
    assert [box.name for box in before.to] == ["Anna Archer"]


def test_urgent_mail_does_not_wait_behind_ten_thousand(network: Network) -> None:
    """A sign-in asked for while a newsletter goes out is the very next copy that is claimed."""
    crowd(network.main, MANY)
    bulk = newsletter(network)
    plan(bulk)
    assert totals(bulk).pending == MANY
    with database.transaction() as session:
        on_the_wire = claims.claim(session, "w", 4)
    assert {copy.mailing.id for copy in on_the_wire} == {bulk}
    with database.transaction() as session:
        asked = SignIn(person_id=network.coordinator, browser="x" * 64, asked_at=clock.now())
        session.add(asked)
        session.flush()
        number = asked.id
    react("sign_in", SignInRequested(number))
    with database.transaction() as session:
        settling.settle(session, [Outcome(on_the_wire[0].id, State.ACCEPTED)])
        (next_one,) = claims.claim(session, "w", 1)
    assert next_one.mailing.kind == "sign_in"
    with database.transaction() as session:
        settling.settle(session, [Outcome(next_one.id, State.ACCEPTED)])
        (after,) = claims.claim(session, "w", 1)
    assert after.mailing.id == bulk


def test_two_plan_at_once(network: Network) -> None:
    """The reaction and the schedule may both come upon a mailing: its copies are written once."""
    crowd(network.main, 300)
    mailing = newsletter(network)
    ready = threading.Barrier(3)

    def work() -> None:
        ready.wait()
        with database.transaction() as session:
            planning.plan_approved(session, MailingApproved(mailing))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals(mailing) == ledger.Totals(planned=300, pending=300)
    with database.reading() as session:
        assert session.query(EventRow).filter_by(name="MailingPlanned").count() == 1


def test_o9_who_leaves_while_it_goes_out_gets_none(network: Network) -> None:
    """Of ten thousand copies that wait, that of somebody who left is not sent, and says so."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    crowd(network.main, 20)
    bulk = newsletter(network)
    plan(bulk)
    with database.transaction() as session:
        leaving.leave(session, anna, network.main, "one-click")
    with database.transaction() as session:
        taken = claims.claim(session, "w", 100)
    assert anna not in {copy.person_id for copy in taken}
    assert len(taken) == 20
    with database.transaction() as session:
        settling.settle(session, [Outcome(copy.id, State.ACCEPTED) for copy in taken])
        claims.claim(session, "w", 100)
    assert totals(bulk) == ledger.Totals(planned=21, accepted=20, excluded=1)
    with database.reading() as session:
        assert ledger.reasons(session, bulk) == [("excluded", "left", 1)]
    assert found(bulk).state == MailingState.FINISHED


def test_a_newsletter_that_is_found_late_is_a_draft_again(
    network: Network, moment: dt.datetime
) -> None:  # fmt: skip
    """Due at nine, found at eleven the next night: a person decides, and is told once."""
    network.person("Anna", "anna@ashford.example", network.main)
    at = moment + dt.timedelta(hours=1)
    mailing = newsletter(network, at)
    clock.turn(dt.timedelta(hours=37))
    for _ in range(2):
        with database.transaction() as session:
            assert planning.plan_due(session) == 0
    late = found(mailing)
    assert (late.state, late.trouble, late.trouble_at) == (MailingState.DRAFT, Trouble.LATE, at)
    assert totals(mailing).planned == 0
    with database.reading() as session:
        (told,) = session.query(EventRow).filter_by(name="MailingInTrouble").all()
    react("trouble", MailingInTrouble.from_json(told.facts))
    (mail,) = letters("trouble").values()
    assert "News" in mail.subject
    assert "late" in mail.text
    assert len(mailings("trouble")) == 1
    with database.transaction() as session:
        approval.approve(session, mailing, by=None)
    plan(mailing)
    assert totals(mailing).pending == 1
    assert found(mailing).trouble is None


def test_a_little_late_goes_out_by_day(network: Network, moment: dt.datetime) -> None:
    """A worker that was away for two hours of the morning needs no decision."""
    network.person("Anna", "anna@ashford.example", network.main)
    mailing = newsletter(network, moment + dt.timedelta(hours=1))
    clock.turn(dt.timedelta(hours=3))
    with database.transaction() as session:
        assert planning.plan_due(session) == 1
    assert totals(mailing).pending == 1


@pytest.mark.parametrize("trouble", list(Trouble))
def test_the_coordinators_are_told_while_it_lasts(network: Network, trouble: Trouble) -> None:
    """Which mailing and what to do; nothing when it has passed before the mail was made."""
    network.person("Anna", "anna@ashford.example", network.main)
    mailing = newsletter(network)
    plan(mailing)
    since = clock.now()
    with database.transaction() as session:
        assert ledger.report(session, session.get_one(Mailing, mailing), trouble, since)
        assert not ledger.report(session, session.get_one(Mailing, mailing), trouble, clock.now())
    with database.transaction() as session:
        session.get_one(Mailing, mailing).trouble = None
    react("trouble", MailingInTrouble(mailing, since))
    assert mailings("trouble") == []
    with database.transaction() as session:
        session.get_one(Mailing, mailing).trouble = trouble
    react("trouble", MailingInTrouble(mailing, since))
    mail = letters("trouble")["carol@host.example"]
    assert "News" in mail.subject
    assert f"/desk/mailings/{mailing}" in mail.text


# --- several lists ------------------------------------------------------------------------------


def test_who_is_on_two_lists_gets_one_copy(network: Network) -> None:
    """One newsletter to two lists: who is on both gets it from the first; who can get it from the
    second only, does."""
    both = network.person("Anna", "anna@ashford.example", network.main, network.sub)
    one = network.person("Ben", "ben@ashford.example", network.main)
    other = network.person("Cara", "cara@ashford.example", network.sub)
    paused = network.person("Dora", "dora@ashford.example", network.main, network.sub)
    with database.transaction() as session:
        session.execute(
            update(Place)
            .where(Place.person_id == paused, Place.list_id == network.main)
            .values(state=Standing.SUSPENDED)
        )
        lists = [session.get_one(MailingList, id_) for id_ in (network.main, network.sub)]
        drafts = approval.draft_for_lists(session, lists, "News", "Hello.", None)
        first, second = (mailing.id for mailing in drafts)
        for mailing in drafts:
            approval.approve(session, mailing.id, by=None)
    for number in (first, second):
        plan(number)
    with database.reading() as session:
        rows = session.query(Delivery).filter(Delivery.mailing_id.in_([first, second])).all()
    got = {(row.person_id, row.mailing_id) for row in rows if row.state == State.PLANNED}
    assert got == {(both, first), (one, first), (other, second), (paused, second)}
    (left_out,) = [row for row in rows if row.person_id == both and row.mailing_id == second]
    assert left_out.reason == ledger.ELSEWHERE


def test_two_workers_that_plan_at_once_make_one_copy(network: Network) -> None:
    """Lists of one edition are planned one after the other, whoever plans them."""
    for number in range(20):
        network.person(f"O {number}", f"o{number}@ashford.example", network.main, network.sub)
    with database.transaction() as session:
        lists = [session.get_one(MailingList, id_) for id_ in (network.main, network.sub)]
        drafts = approval.draft_for_lists(session, lists, "News", "Hello.", None)
        numbers = [mailing.id for mailing in drafts]
        for mailing in drafts:
            approval.approve(session, mailing.id, by=None)
    workers = [threading.Thread(target=plan, args=(number,)) for number in numbers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with database.reading() as session:
        rows = session.query(Delivery).filter(
            Delivery.mailing_id.in_(numbers), Delivery.state == State.PLANNED
        )
        people = [row.person_id for row in rows]
    assert len(people) == len(set(people)) == 20
