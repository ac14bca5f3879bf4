"""Change: tells a list that an announced meeting has moved or is cancelled, calendars too."""

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.models import Post
from archive.targets import Item
from core import clock
from core.events import MeetingAnnounced
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from meetings import agenda
from meetings.models import Meeting, MeetingState
from message import itip, mould
from message.compose import Calendar
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import MailingList

#: The kinds that put a meeting into calendars.
_TOLD = ("invitation", "change")
_SEQUENCE = re.compile(r"^SEQUENCE:(\d+)$", re.MULTILINE)


def occasion(session: Session, event: MeetingAnnounced) -> Occasion | None:
    """Whenever the meeting is further (RFC 5546 §2.1.4) than what calendars were told of it."""
    meeting = session.get(Meeting, event.meeting)
    if meeting is None or meeting.state == MeetingState.PLANNED:
        return None
    told = _told(session, meeting.id)
    if told is None or told >= meeting.sequence or meeting.ends_at <= clock.now():
        return None
    return Occasion(
        meeting.id, meeting.list_id,
        since=clock.now(),  # an earlier change is none of this one: the SEQUENCE told them apart
        pointless_after=meeting.ends_at,
    )  # fmt: skip


def _told(session: Session, meeting_id: int) -> int | None:
    """The SEQUENCE of the meeting as it went out last, read from the mails themselves."""
    moulds = session.scalars(
        select(Mailing.mould).where(
            Mailing.kind.in_(_TOLD), Mailing.about == meeting_id, Mailing.mould.is_not(None)
        )
    )
    found = [
        int(number)
        for raw in moulds
        for piece in mould.Mould.from_bytes(raw or b"[]").pieces
        if isinstance(piece, tuple) and piece[0] == "calendar"
        for number in _SEQUENCE.findall(piece[1])
    ]
    return max(found, default=None)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """All members of the list."""
    return audience.members_of(session, mailing.list_id or 0)


def facts(session: Session, mailing: Mailing) -> Facts:
    """The meeting as it is now, in the discussion of its announcement (RFC 5322 §3.6.4)."""
    meeting = session.get_one(Meeting, mailing.about)
    list_ = session.get_one(MailingList, meeting.list_id)
    cancelled = meeting.state == MeetingState.CANCELLED
    invitation = agenda.invitation_for(
        meeting,
        organizer=itip.Party(list_.title, mould.marker("organizer")),
        attendee=itip.Party(mould.marker("calendar_name"), mould.marker("address")),
    )
    calendar = (
        Calendar("CANCEL", itip.cancel(invitation))
        if cancelled
        else Calendar("REQUEST", itip.request(invitation))
    )
    announced = session.scalars(
        select(Mailing)
        .where(Mailing.kind == "invitation", Mailing.about == meeting.id)
        .order_by(Mailing.id)
    ).first()
    return Facts(
        words={"meeting": wording.meeting_words(meeting), "cancelled": cancelled},
        answers=(announced.message_id,) if announced else (),
        calendar=calendar,
        items=_items(session, announced),
    )


def _items(session: Session, announced: Mailing | None) -> tuple[Item, ...]:
    """Answers to the change belong to the discussion of the announcement."""
    if announced is None:
        return ()
    post = session.scalars(select(Post).where(Post.mailing_id == announced.id)).first()
    if post is None:
        return ()
    return (Item(1, post.list_id, post.thread_id, post.id, post.subject, post.own_words),)


KIND = Kind(
    name="change", trigger=MeetingAnnounced, occasion=occasion, audience=recipients, facts=facts,
    bulk=True, discussion=True, priority=2,
)  # fmt: skip
