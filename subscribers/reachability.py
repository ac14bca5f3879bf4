"""Whether mail gets through to an address, judged by what servers say about it over days."""

import datetime as dt
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.events import AddressRefused, PersonSuspended
from message import refusals
from message.refusals import Reason
from subscribers import incidents
from subscribers.models import (
    Address,
    Decision,
    Incident,
    Leaver,
    Person,
    Reach,
    Refusal,
    Standing,
    Subscription,
)

log = logging.getLogger(__name__)

#: A server can be wrong for a day or two; a mailbox that is gone is gone on the third day too.
DAYS = 3
#: What was said longer ago does not count: people come back, addresses are given out anew.
MEMORY = dt.timedelta(days=180)
#: Of a server's words so much is kept.
LONGEST_WORDS = 1000


def note(
    session: Session, address: Address, refusal: refusals.Refusal, words: str, delivery: int
) -> Refusal | None:
    """Keep a refusal of one copy with the server's words; None if it is known already."""
    same = select(Refusal.id).where(Refusal.delivery == delivery, Refusal.reason == refusal.reason)
    if session.scalar(same) is not None:
        return None
    row = Refusal(
        address_id=address.id, reason=str(refusal.reason), permanent=refusal.permanent,
        at=clock.now(), words=" ".join(words.replace("\0", "").split())[:LONGEST_WORDS],
        delivery=delivery,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def judge(session: Session, event: AddressRefused) -> None:
    """Weigh a refusal; suspend the person once the mailbox itself was refused on three days.

    Only permanent refusals that speak of the mailbox count, and none that is part of an incident
    of its whole domain. A full mailbox, a policy, a size, or trouble in passing never suspends
    anybody.
    """
    address = session.get(Address, event.address, with_for_update=True)
    if address is None:
        return
    refusal = session.get(Refusal, event.refusal) or _kept(session, event)
    incident, drew_in = incidents.gather(session, refusal)
    if incident is not None:
        if drew_in:
            _take_back(session, incident)
        return
    if address.reach == Reach.DEAD or not (refusal.permanent and refusal.reason == Reason.MAILBOX):
        return
    if len(_days(session, address)) < DAYS:
        address.reach = Reach.DOUBTFUL  # mail still goes there: it is how we find out
        return
    _suspend(session, address)


def _kept(session: Session, event: AddressRefused) -> Refusal:
    row = Refusal(
        address_id=event.address, reason=event.reason, permanent=event.permanent, at=clock.now()
    )
    session.add(row)
    session.flush()
    return row


def _days(session: Session, address: Address) -> set[dt.date]:
    """The days on the wall on which the mailbox was refused since it was last known to be good."""
    since = clock.now() - MEMORY
    if address.verified_at is not None:
        since = max(since, address.verified_at)
    wanted = select(Refusal.at).where(
        Refusal.address_id == address.id,
        Refusal.permanent.is_(True),
        Refusal.reason == Reason.MAILBOX,
        Refusal.at >= since,
        incidents.counts(),
    )
    zone = settings.current().zone
    return {clock.to_wall(at, zone).date() for at in session.scalars(wanted)}


def _suspend(session: Session, address: Address) -> None:
    address.reach = Reach.DEAD
    person = address.person
    if person.addresses[0].id != address.id:
        return  # mail goes to another address of theirs
    for subscription in _subscriptions(session, person, Standing.ACTIVE):
        subscription.state = Standing.SUSPENDED
    if _subscriptions(session, person, Standing.SUSPENDED):
        session.add(Leaver(person_id=person.id, at=clock.now()))
    outbox.record(session, PersonSuspended(person.id))
    log.info("person_suspended", extra={"person": person.id})


def _take_back(session: Session, incident: Incident) -> None:
    """Undo what the first refusals of an incident did, when they did not look like one yet."""
    for address in incidents.addresses_of(session, incident.id):
        days = len(_days(session, address))
        if address.reach == Reach.DEAD and days < DAYS:
            address.reach = Reach.DOUBTFUL
            _reinstate(session, address, Decision.INCIDENT)
        if address.reach == Reach.DOUBTFUL and not days:
            address.reach = Reach.OK


def revive(session: Session, address: Address) -> None:
    """The owner of an address showed that mail gets through: it counts as good from now on."""
    address.reach = Reach.OK
    if address.verified_at is not None:
        address.verified_at = max(address.verified_at, clock.now())
    _reinstate(session, address, Decision.BACK)


def _reinstate(session: Session, address: Address, decision: Decision) -> None:
    session.flush()
    person = address.person
    for subscription in _subscriptions(session, person, Standing.SUSPENDED):
        subscription.state = standing_of(person)
    if standing_of(person) == Standing.SUSPENDED:
        return
    undecided = select(Leaver).where(Leaver.person_id == person.id, Leaver.decision.is_(None))
    for leaver in session.scalars(undecided):
        leaver.decision, leaver.decided_at = decision, clock.now()


def standing_of(person: Person) -> Standing:
    """How somebody stands on their lists, as far as their mailbox goes."""
    dead = not person.addresses or person.addresses[0].reach == Reach.DEAD
    return Standing.SUSPENDED if dead else Standing.ACTIVE


def _subscriptions(session: Session, person: Person, state: Standing) -> list[Subscription]:
    wanted = select(Subscription).where(
        Subscription.person_id == person.id, Subscription.state == state
    )
    return list(session.scalars(wanted))
