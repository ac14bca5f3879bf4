"""What is to come and what was: the meetings of a list, and each as a calendar object."""

import datetime as dt

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import clock, links
from meetings.contributions import Part
from meetings.models import Meeting, MeetingState
from message.itip import Invitation, Party


def coming(
    session: Session, list_id: int, after: dt.datetime, *, planned: bool = False
) -> list[Meeting]:
    """The announced meetings that end after an instant, the next first.

    With `planned` also those that are not announced yet: for coordinators only.
    """
    states = [MeetingState.ANNOUNCED, *([MeetingState.PLANNED] if planned else [])]
    wanted = select(Meeting).where(
        Meeting.list_id == list_id, Meeting.ends_at > after, Meeting.state.in_(states)
    )
    return list(session.scalars(wanted.order_by(Meeting.starts_at, Meeting.id)))


def past(session: Session, list_id: int) -> list[Meeting]:
    """The meetings that took place (announced, or with a summary), the latest first."""
    wanted = select(Meeting).where(
        Meeting.list_id == list_id,
        Meeting.ends_at <= clock.now(),
        Meeting.state != MeetingState.CANCELLED,
        or_(Meeting.state == MeetingState.ANNOUNCED, Meeting.summary != ""),
    )
    return list(session.scalars(wanted.order_by(Meeting.starts_at.desc(), Meeting.id.desc())))


def invitation_for(meeting: Meeting, organizer: Party, attendee: Party) -> Invitation:
    """The calendar object by which one person is invited, or told that it is cancelled.

    Name and address of both parties may be markers of a mould; the organizer's address holds the
    person's RSVP token, which stays the same for the life of the UID (RFC 6047 §2.3). DTSTAMP is
    new in each, so ask once a mailing. `message.itip.request` and `.cancel` write it down.
    """
    link = meeting.join_link if meeting.state != MeetingState.CANCELLED else ""
    return Invitation(
        uid=meeting.uid, sequence=meeting.sequence, stamp=clock.now(),
        starts_at=meeting.starts_at, ends_at=meeting.ends_at,
        summary=meeting.title, description=_description(meeting, link),
        location=" ".join(part for part in (meeting.place, link) if part),
        join_link=link, page=links.meeting(meeting.id), organizer=organizer, attendee=attendee,
    )  # fmt: skip


def _description(meeting: Meeting, link: str) -> str:
    """The text of the calendar entry; clients find a link that stands alone on its line."""
    speakers = "\n".join(
        ", ".join(part for part in (each.who, each.organisation, each.words) if part)
        for each in meeting.contributions
        if each.kind == Part.SPEAKER
    )
    paragraphs = (
        f"Theme: {meeting.theme}" if meeting.theme else "",
        meeting.description,
        f"Speakers:\n{speakers}" if speakers else "",
        f"Join the meeting:\n{link}" if link else "",
        f"About this meeting:\n{links.meeting(meeting.id)}",
    )
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
