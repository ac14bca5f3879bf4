"""Whether mail gets through to an address, judged by what servers say about it over days."""

import datetime as dt
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.events import AddressRefused, PersonSuspended
from message.refusals import Reason
from subscribers.models import Address, Person, Reach, Refusal, Standing, Subscription

log = logging.getLogger(__name__)

#: A server can be wrong for a day or two; a mailbox that is gone is gone on the third day too.
DAYS = 3
#: What was said longer ago does not count: people come back, addresses are given out anew.
MEMORY = dt.timedelta(days=180)


def judge(session: Session, event: AddressRefused) -> None:
    """Note a refusal; suspend the person once the mailbox itself was refused on three days.

    Only permanent refusals that speak of the mailbox count. A full mailbox, a policy (which hits
    all members of a council at once), a size, or trouble in passing never suspends anybody.
    """
    address = session.get(Address, event.address, with_for_update=True)
    if address is None:
        return
    session.add(
        Refusal(
            address_id=address.id, reason=event.reason, permanent=event.permanent, at=clock.now()
        )
    )
    session.flush()
    if address.reach == Reach.DEAD or not (event.permanent and event.reason == Reason.MAILBOX):
        return
    if len(_days(session, address)) < DAYS:
        address.reach = Reach.DOUBTFUL  # mail still goes there: it is how we find out
        return
    _suspend(session, address)


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
    outbox.record(session, PersonSuspended(person.id))
    log.info("person_suspended", extra={"person": person.id})


def revive(session: Session, address: Address) -> None:
    """The owner of an address showed that mail gets through: it counts as good from now on."""
    address.reach = Reach.OK
    if address.verified_at is not None:
        address.verified_at = max(address.verified_at, clock.now())
    session.flush()
    for subscription in _subscriptions(session, address.person, Standing.SUSPENDED):
        subscription.state = standing_of(address.person)


def standing_of(person: Person) -> Standing:
    """How somebody stands on their lists, as far as their mailbox goes."""
    dead = not person.addresses or person.addresses[0].reach == Reach.DEAD
    return Standing.SUSPENDED if dead else Standing.ACTIVE


def _subscriptions(session: Session, person: Person, state: Standing) -> list[Subscription]:
    wanted = select(Subscription).where(
        Subscription.person_id == person.id, Subscription.state == state
    )
    return list(session.scalars(wanted))
