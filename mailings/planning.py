"""Planning: an event or an approval becomes a mailing with one copy for each recipient."""

import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import targets
from core import clock, database, settings
from core.events import Event, MailingApproved
from core.outbox import Reaction, ReactionTogether
from mailer import lateness, ledger, settling
from mailer.models import Mailing, MailingState, Trouble
from mailings import fields, kinds, rendering
from mailings.kind import Kind, Occasion
from message import thread_index
from subscribers.models import MailingList

log = logging.getLogger(__name__)


def start(kind_name: str) -> Reaction:
    """The reaction that makes a mailing of a triggered kind; the same event twice makes one."""
    kind = kinds.ALL[kind_name]

    def plan(session: Session, event: Event) -> None:
        if kind.wanted is None or kind.wanted(session, [event]):
            _send_on(session, kind, event)

    return plan


def start_together(kind_name: str) -> ReactionTogether:
    """The same for several events: those that would reach nobody are passed over at once."""
    kind = kinds.ALL[kind_name]

    def plan_many(session: Session, events: Sequence[Event]) -> None:
        for event in events if kind.wanted is None else kind.wanted(session, events):
            _send_on(session, kind, event)

    return plan_many


def _send_on(session: Session, kind: Kind, event: Event) -> None:
    occasion = kind.occasion(session, event) if kind.occasion else None
    if occasion is not None:
        send(session, kind.name, occasion)


def send(session: Session, kind_name: str, occasion: Occasion) -> Mailing | None:
    """Make a mailing and plan its copies at once; None if it was made before."""
    kind = kinds.ALL[kind_name]
    if made_before(session, kind, occasion):
        return None
    mailing = ledger.draft(
        session,
        kind.name,
        list_id=occasion.list_id,
        about=occasion.about,
        bulk=kind.bulk,
        source=occasion.source,
        priority=kind.priority,
        pointless_after=occasion.pointless_after,
    )
    _plan(session, kind, mailing)
    return mailing


def made_before(session: Session, kind: Kind, occasion: Occasion) -> bool:
    """Whether the mailing of this occasion exists."""
    found = select(Mailing.id).where(Mailing.kind == kind.name, Mailing.about == occasion.about)
    if occasion.since is not None:
        found = found.where(Mailing.created_at >= occasion.since)
    return session.scalar(found.limit(1)) is not None


def plan_approved(session: Session, event: MailingApproved) -> None:
    """Plan the copies of a mailing that a person approved, unless it is to wait."""
    _plan_if_due(session, event.mailing)


def plan_due(session: Session) -> int:
    """Plan the approved mailings whose time has come; returns how many.

    Not before: until then it can be called back, nobody reads it in the archive, and who joins
    or leaves meanwhile is counted.
    """
    due = select(Mailing.id).where(
        Mailing.state == MailingState.APPROVED, Mailing.not_before <= clock.now()
    )
    return sum(_plan_if_due(session, number) for number in session.scalars(due).all())


def _plan_if_due(session: Session, mailing_id: int) -> bool:
    mailing = session.get(Mailing, mailing_id, with_for_update=True)
    if mailing is None or mailing.state != MailingState.APPROVED:
        return False  # planned before, or called back
    if mailing.not_before is not None and mailing.not_before > clock.now():
        return False
    due = mailing.not_before or mailing.approved_at
    if due is not None and lateness.is_late(due, clock.now(), settings.current().zone):
        _send_back(session, mailing, due)
        return False
    _plan(session, kinds.ALL[mailing.kind], mailing)
    return True


def _send_back(session: Session, mailing: Mailing, due: dt.datetime) -> None:
    """Make a draft of it again: whether it still goes out, and in these words, is asked anew."""
    mailing.state = MailingState.DRAFT
    mailing.not_before = mailing.approved_at = mailing.approved_by = None
    ledger.report(session, mailing, Trouble.LATE, due)


def _plan(session: Session, kind: Kind, mailing: Mailing) -> None:
    facts = kind.facts(session, mailing)
    list_ = list_of(session, mailing)
    database.hold(session, list_)
    rendered = rendering.render(kind, mailing, list_, facts)
    # The archive opens the discussion of a mailing under its subject.
    mailing.subject = mailing.subject or rendered.subject
    audience = kind.audience(session, mailing)
    targets.leave_targets(session, mailing.id, facts.items)
    if fields.has_discussion(kind, list_, facts):
        # An answer from Outlook may name nothing else.
        known_as = thread_index.id_of(fields.index_of(mailing, facts))
        settling.note_alias(session, known_as, mailing.id)
    ledger.plan(session, mailing, rendered.mould.to_bytes(), audience, named=kind.named)
    log.info("mailing_planned", extra={"mailing": mailing.id, "kind": kind.name})


def list_of(session: Session, mailing: Mailing) -> MailingList | None:
    """The list of a mailing, if it has one."""
    return session.get(MailingList, mailing.list_id) if mailing.list_id is not None else None
