"""Who comes to a meeting: one ledger of answers, from calendars, pages and mails."""

import datetime as dt
import logging
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox
from core.events import AnswerChanged, MailNotUnderstood, RsvpArrived
from mailer import inbox
from mailer.models import Incoming
from meetings import calendar_answers
from meetings.calendar_answers import NotBelieved
from meetings.models import Answer, Meeting, MeetingState, Rsvp
from message.parse import parse
from subscribers.models import Organisation, Person

log = logging.getLogger(__name__)

#: Two answers of the very same moment have to come out alike in every order: the surer no wins.
_RANK = {Answer.YES: 0, Answer.MAYBE: 1, Answer.NO: 2}


def open_to_answers(meeting: Meeting) -> bool:
    """Whether answers still count: it is not cancelled and not over."""
    return meeting.state != MeetingState.CANCELLED and meeting.ends_at > clock.now()


def answer(
    session: Session,
    meeting_id: int,
    person_id: int,
    said: Answer,
    *,
    sequence: int,
    stamp: dt.datetime,
    source: str,
) -> Rsvp | None:
    """Note what somebody says about coming; `source` is calendar, page or mail.

    The newest by `sequence` (of the invitation that was answered), then `stamp` wins, in whatever
    order answers arrive (RFC 5546 §2.1.5). None: nothing changed, because an answer as new is
    there, or because the meeting is unknown, cancelled or over. AnswerChanged is recorded when
    the words differ from before.
    """
    meeting = session.get(Meeting, meeting_id, with_for_update=True)
    if meeting is None or not open_to_answers(meeting) or session.get(Person, person_id) is None:
        return None
    before = of(session, meeting_id, person_id)
    new = (sequence, stamp, _RANK[said])
    if before is not None and (before.sequence, before.stamp, _RANK[Answer(before.answer)]) >= new:
        return None
    changed = before is None or before.answer != said
    rsvp = before or Rsvp(meeting_id=meeting_id, person_id=person_id)
    rsvp.answer, rsvp.sequence, rsvp.stamp = said, sequence, stamp
    rsvp.source, rsvp.at = source, clock.now()
    session.add(rsvp)
    session.flush()
    if changed:
        outbox.record(session, AnswerChanged(rsvp.id))
    return rsvp


def of(session: Session, meeting_id: int, person_id: int) -> Rsvp | None:
    """What a person has said about coming to a meeting so far."""
    wanted = select(Rsvp).where(Rsvp.meeting_id == meeting_id, Rsvp.person_id == person_id)
    return session.scalar(wanted)


def read_calendar_answer(session: Session, event: RsvpArrived) -> None:
    """Enter what a calendar client answered; what is not believed the coordinator sees."""
    incoming = session.get(Incoming, event.incoming)
    if incoming is None:
        return
    try:
        heard = calendar_answers.judge(session, incoming, parse(inbox.raw_of(incoming)))
    except NotBelieved as why:
        incoming.state, incoming.why = "stuck", str(why)
        key = f"not-understood:{incoming.id}"
        outbox.record(session, MailNotUnderstood(incoming.id), key=key)
        return
    # A client whose clock or count runs ahead must not silence what the person says later.
    stamp = min(heard.answer.stamp or incoming.arrived_at, incoming.arrived_at)
    sequence = min(heard.answer.sequence, heard.meeting.sequence)
    answer(
        session, heard.meeting.id, heard.person_id, heard.said,
        sequence=sequence, stamp=stamp, source="calendar",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who answered. `outdated`: time or place changed after they did."""

    person_id: int
    name: str
    organisation: str
    answer: Answer
    outdated: bool


@dataclass(frozen=True, slots=True)
class Coming:
    """What people answered, each group by name."""

    yes: tuple[Guest, ...]
    maybe: tuple[Guest, ...]
    no: tuple[Guest, ...]

    def __str__(self) -> str:
        """The counts in a few words: "12, and 3 maybe"."""
        return f"{len(self.yes)}" + (f", and {len(self.maybe)} maybe" if self.maybe else "")


def coming(session: Session, meeting_id: int) -> Coming:
    """Who comes, may come, and does not."""
    meeting = session.get_one(Meeting, meeting_id)
    rows = session.execute(
        select(Rsvp, Person.name, Organisation.name)
        .join(Person, Person.id == Rsvp.person_id)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Rsvp.meeting_id == meeting_id)
        .order_by(Person.name, Person.id)
    )
    guests = [
        Guest(rsvp.person_id, name, organisation or "", Answer(rsvp.answer),
              rsvp.sequence < meeting.sequence)
        for rsvp, name, organisation in rows
    ]  # fmt: skip

    def those(said: Answer) -> tuple[Guest, ...]:
        return tuple(guest for guest in guests if guest.answer == said)

    return Coming(those(Answer.YES), those(Answer.MAYBE), those(Answer.NO))
