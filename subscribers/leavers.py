"""People who seem to have left their organisation: whom to tell, and what was decided."""

import datetime as dt

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.events import LeaversFound
from subscribers import leaving, people, reachability
from subscribers.models import Address, Decision, Leaver, Person, Standing, Subscription

#: Coordinators are told once a day, not before this time on the wall.
TIME = dt.time(9, 0)


def record_due(session: Session, now: dt.datetime) -> bool:
    """Record LeaversFound if there is somebody of whom nobody was told, once a day at most."""
    wall = clock.to_wall(now, settings.current().zone)
    if wall.time() < TIME:
        return False
    untold = list(session.scalars(_waiting().where(Leaver.told_at.is_(None), Leaver.at <= now)))
    if not untold:
        return False
    key = f"leavers:{wall.date()}"
    if outbox.record(session, LeaversFound(now), key=key) is None:
        return False
    for each in untold:
        each.told_at = now
    return True


def told(session: Session, until: dt.datetime) -> list[Leaver]:
    """Those of whom the coordinators are told at an instant and who still wait for a decision."""
    return list(session.scalars(_waiting().where(Leaver.told_at == until)))


def waiting(session: Session) -> list[Leaver]:
    """Everybody about whom nothing was decided, the latest first."""
    return list(reversed(session.scalars(_waiting()).all()))


def count(session: Session) -> int:
    """How many wait for a decision."""
    return len(waiting(session))


def _waiting() -> Select[Leaver]:
    """Who left all lists by themselves meanwhile needs no decision."""
    paused = select(Subscription.person_id).where(Subscription.state == Standing.SUSPENDED)
    return (
        select(Leaver)
        .where(Leaver.decision.is_(None), Leaver.person_id.in_(paused))
        .order_by(Leaver.at, Leaver.id)
    )


def colleagues(session: Session, person: Person) -> list[Person]:
    """Others of the same organisation who are on a list and get mail: whom one can ask."""
    if person.organisation_id is None:
        return []
    on_a_list = select(Subscription.person_id).where(Subscription.state == Standing.ACTIVE)
    wanted = select(Person).where(
        Person.organisation_id == person.organisation_id,
        Person.id != person.id,
        Person.id.in_(on_a_list),
        Person.id.in_(select(Address.person_id)),
    )
    return list(session.scalars(wanted.order_by(Person.name, Person.id)))


def try_again(session: Session, leaver_id: int, by: int) -> bool:
    """A coordinator (a person's id) has mail to somebody tried again; whether it was open."""
    leaver = _take(session, leaver_id)
    if leaver is None:
        return False
    if leaver.person.addresses:
        reachability.revive(session, leaver.person.addresses[0])
    _decide(leaver, Decision.BACK, by)
    return True


def remove(session: Session, leaver_id: int, by: int) -> bool:
    """A coordinator (a person's id) takes somebody off all lists; whether it was open.

    They are marked as having left, so that no import brings them back.
    """
    leaver = _take(session, leaver_id)
    if leaver is None:
        return False
    for list_ in people.lists_of(session, leaver.person_id):
        leaving.leave(session, leaver.person_id, list_.id, "gone")
    _decide(leaver, Decision.REMOVED, by)
    return True


def _take(session: Session, leaver_id: int) -> Leaver | None:
    leaver = session.get(Leaver, leaver_id, with_for_update=True)
    return leaver if leaver is not None and leaver.decision is None else None


def _decide(leaver: Leaver, decision: Decision, by: int) -> None:
    leaver.decision, leaver.decided_at, leaver.decided_by = decision, clock.now(), by
