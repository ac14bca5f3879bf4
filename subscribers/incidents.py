"""Incidents: a whole mail domain refuses us at once, which is no fault of the people there.

A server that takes us for spam, or that was set up wrongly and knows none of its mailboxes, says
so of everybody who has an address there. That is one thing to repair, not many dead mailboxes.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from core import clock, outbox
from core.events import IncidentOpened
from message.address import domain_of
from message.refusals import Reason
from subscribers.models import Address, Incident, Refusal, Standing, Subscription

log = logging.getLogger(__name__)

#: Refusals of so many mailboxes of a domain within a day are one incident ...
SEVERAL = 3
WINDOW = dt.timedelta(days=1)
#: ... or of this share of them, where a domain has few.
SHARE = 0.3
FEW = 5
#: A domain that a coordinator judged to be in order is believed for so long.
BELIEVED = dt.timedelta(days=30)

#: When mail was last taken for a domain: for (incident's domain, addresses or None for all, since,
#: until), whether a copy was accepted in between. The ledger knows; this room does not.
Accepted = Callable[[Session, str, list[str] | None, dt.datetime, dt.datetime], bool]


def gather(session: Session, refusal: Refusal) -> tuple[Incident | None, bool]:
    """The open incident that a refusal belongs to, and whether earlier ones were drawn in with it.

    None for a refusal of one person only, or of a kind that no domain has as a whole.
    """
    if not _may_be_shared(refusal):
        return None, False
    address = session.get_one(Address, refusal.address_id)
    domain = domain_of(address.key)
    incident = _open(session, domain)
    if incident is not None and refusal.reason in (Reason.POLICY, incident.reason):
        _attach(session, incident, [refusal])
        return incident, False
    if not _are_many(session, domain, refusal) or _believed(session, domain, refusal):
        return None, False
    alike = session.scalars(_alike(domain, refusal).order_by(Refusal.at, Refusal.id)).all()
    if incident is None:
        incident = Incident(
            domain=domain, reason=refusal.reason, opened_at=clock.now(), last_at=refusal.at,
            words=next((each.words for each in alike if each.words), ""), addresses=0,
        )  # fmt: skip
        session.add(incident)
        session.flush()
        outbox.record(session, IncidentOpened(incident.id), key=f"incident:{incident.id}")
        log.warning("incident_opened", extra={"incident": incident.id, "reason": refusal.reason})
    _attach(session, incident, alike)
    return incident, True


def _may_be_shared(refusal: Refusal) -> bool:
    return refusal.reason == Reason.POLICY or (
        refusal.reason == Reason.MAILBOX and refusal.permanent
    )


def _open(session: Session, domain: str) -> Incident | None:
    return session.scalar(
        select(Incident)
        .where(Incident.domain == domain, Incident.closed_at.is_(None))
        .with_for_update()
    )


def _alike(domain: str, refusal: Refusal) -> Select[Refusal]:
    """The refusals of the last day for the same reason at a domain that are in no incident yet."""
    return (
        select(Refusal)
        .join(Address, Address.id == Refusal.address_id)
        .where(
            Address.domain == domain,
            Refusal.reason == refusal.reason,
            Refusal.incident_id.is_(None),
            Refusal.at > refusal.at - WINDOW,
            Refusal.at <= refusal.at,
            or_(Refusal.permanent, Refusal.reason == Reason.POLICY),
        )
    )


def _are_many(session: Session, domain: str, refusal: Refusal) -> bool:
    counted = _alike(domain, refusal).with_only_columns(
        func.count(func.distinct(Refusal.address_id))
    )
    refused = session.scalar(counted) or 0
    if refused < 2:
        return False
    if refused >= SEVERAL and refusal.reason == Reason.POLICY:
        return True
    # From a large council some leave every year: only if many are unknown at once is it odd.
    enough = int(refused / SHARE)
    all_there = _count_members(session, domain, enough + 1)
    return all_there <= enough and (all_there >= FEW or refused >= SEVERAL)


def _count_members(session: Session, domain: str, most: int) -> int:
    """How many addresses at a domain are on a list, counted up to `most`."""
    on_a_list = select(Subscription.id).where(
        Subscription.person_id == Address.person_id, Subscription.state != Standing.LEFT
    )
    some = select(Address.id).where(Address.domain == domain, on_a_list.exists()).limit(most)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def _believed(session: Session, domain: str, refusal: Refusal) -> bool:
    """Whether a coordinator said lately that the mailboxes which a domain refuses are gone."""
    if refusal.reason != Reason.MAILBOX:
        return False
    said = select(Incident.id).where(
        Incident.domain == domain, Incident.reason == Reason.MAILBOX,
        Incident.closed_by.is_not(None), Incident.closed_at > refusal.at - BELIEVED,
    )  # fmt: skip
    return session.scalar(said.limit(1)) is not None


def _attach(session: Session, incident: Incident, refusals: Sequence[Refusal]) -> None:
    for each in refusals:
        before = select(Refusal.id).where(
            Refusal.address_id == each.address_id, Refusal.incident_id == incident.id
        )
        if session.scalar(before.limit(1)) is None:
            incident.addresses += 1
        each.incident_id = incident.id
        incident.last_at = max(incident.last_at, each.at)
        session.flush()


def counts() -> ColumnElement[bool]:
    """Whether a refusal speaks of the mailbox: not while it is part of its domain's incident."""
    judged = select(Incident.id).where(Incident.closed_by.is_not(None))
    return or_(Refusal.incident_id.is_(None), Refusal.incident_id.in_(judged))


def close_quiet(session: Session, accepted: Accepted) -> int:
    """Close the incidents whose domain takes our mail again; returns how many.

    That is: nothing was refused there for a day after a copy was taken. After "no such mailbox"
    it has to be a copy to one of those very mailboxes, for the others never were refused.
    """
    now, closed = clock.now(), 0
    wanted = select(Incident).where(Incident.closed_at.is_(None), Incident.last_at <= now - WINDOW)
    for incident in session.scalars(wanted.order_by(Incident.id).with_for_update()).all():
        those = None
        if incident.reason == Reason.MAILBOX:
            those = [address.key for address in addresses_of(session, incident.id)]
        if accepted(session, incident.domain, those, incident.last_at, now - WINDOW):
            incident.closed_at = now
            closed += 1
            log.info("incident_closed", extra={"incident": incident.id})
    return closed


def close(session: Session, incident_id: int, by: int) -> Incident | None:
    """A coordinator (a person's id) closes an incident; from now on its refusals count.

    Twice is as once; None if there is no such incident.
    """
    incident = session.get(Incident, incident_id, with_for_update=True)
    if incident is not None and incident.closed_at is None:
        incident.closed_at, incident.closed_by = clock.now(), by
    return incident


def addresses_of(session: Session, incident_id: int) -> list[Address]:
    """The mailboxes that an incident is about, in order."""
    refused = select(Refusal.address_id).where(Refusal.incident_id == incident_id)
    return list(
        session.scalars(select(Address).where(Address.id.in_(refused)).order_by(Address.key))
    )


def last_words(session: Session, person_id: int) -> str:
    """What a server said when it last refused mail to a person; "" if that is not known."""
    theirs = select(Address.id).where(Address.person_id == person_id)
    wanted = select(Refusal.words).where(Refusal.address_id.in_(theirs), Refusal.words != "")
    return session.scalar(wanted.order_by(Refusal.at.desc(), Refusal.id.desc()).limit(1)) or ""


def count_open(session: Session) -> int:
    """How many domains refuse us now."""
    return session.scalar(select(func.count(Incident.id)).where(Incident.closed_at.is_(None))) or 0


def shown(session: Session, closed_since: dt.datetime) -> list[Incident]:
    """The open incidents, and those closed since an instant; open ones first, the newest first."""
    wanted = select(Incident).where(
        or_(Incident.closed_at.is_(None), Incident.closed_at >= closed_since)
    )
    ordered = wanted.order_by(Incident.closed_at.is_not(None), Incident.last_at.desc())
    return list(session.scalars(ordered))
