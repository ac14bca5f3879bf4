"""Invitation: announces a meeting to its list, with a calendar invitation for each person."""

from sqlalchemy.orm import Session

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


def occasion(session: Session, event: MeetingAnnounced) -> Occasion | None:
    """Each meeting once; one that began or was called off meanwhile is not announced."""
    meeting = session.get(Meeting, event.meeting)
    if meeting is None or meeting.state != MeetingState.ANNOUNCED:
        return None
    if meeting.starts_at <= clock.now():
        return None
    return Occasion(meeting.id, meeting.list_id, pointless_after=meeting.starts_at)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """All members of the list, however they take posts."""
    return audience.members_of(session, mailing.list_id or 0)


def facts(session: Session, mailing: Mailing) -> Facts:
    """The meeting in words and as an iTIP REQUEST; each copy names exactly its own reader."""
    meeting = session.get_one(Meeting, mailing.about)
    list_ = session.get_one(MailingList, meeting.list_id)
    invitation = agenda.invitation_for(
        meeting,
        # RFC 5546 §3.2.3: answers go to the ORGANIZER, whose address tells whose answer it is.
        organizer=itip.Party(list_.title, mould.marker("organizer")),
        attendee=itip.Party(mould.marker("calendar_name"), mould.marker("address")),
    )
    return Facts(
        words={"meeting": wording.meeting_words(meeting)},
        calendar=Calendar("REQUEST", itip.request(invitation)),
    )


KIND = Kind(
    name="invitation", trigger=MeetingAnnounced, occasion=occasion, audience=recipients,
    facts=facts, bulk=True, discussion=True, priority=3,
)  # fmt: skip
