"""Answers that calendar clients send: whose they are, and whether they are to be believed."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import tokens
from core.tokens import BadToken, Purpose
from mailer import vouching
from mailer.models import Incoming
from meetings.models import Answer, Meeting
from message import itip
from message.itip import CalendarAnswer
from message.parse import Message
from subscribers import people
from subscribers.models import Person

PARTSTAT = {"ACCEPTED": Answer.YES, "TENTATIVE": Answer.MAYBE, "DECLINED": Answer.NO}


class NotBelieved(ValueError):
    """A calendar answer is not applied; the text tells the coordinator why."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a calendar answer says, and who says it about which meeting."""

    meeting: Meeting
    person_id: int
    said: Answer
    answer: CalendarAnswer


def judge(session: Session, incoming: Incoming, message: Message) -> Heard:
    """What a message answers to which of our invitations; raises NotBelieved.

    RFC 5546 §1.4: attendees only REPLY; whoever sends a REQUEST or CANCEL with our UID changes
    nothing. A REPLY is the answer of the member whose token is in the address that it was sent
    to, whatever alias their client calls them by; if it names another member, or has no token,
    then only if its sender is that member, and proved to be (RFC 6047 §§2.2, 3). A delegate is no
    alias of the member.
    """
    answer = _reply(message)
    meeting = session.scalar(select(Meeting).where(Meeting.uid == answer.uid))
    if meeting is None:
        raise NotBelieved("it answers an invitation that is not ours")
    said = PARTSTAT.get(answer.partstat or "")
    if said is None:
        raise NotBelieved("it says neither yes, maybe nor no")
    named = people.by_address(session, answer.attendee) if answer.attendee else None
    if answer.delegate and named is None:
        raise NotBelieved("it comes from somebody to whom a member has passed the invitation on")
    invited = _invited(incoming, meeting)
    if invited is not None and (named is None or named.id == invited):
        return Heard(meeting, invited, said, answer)
    if named is None:
        raise NotBelieved("nobody whom we know is called by the address in it")
    _check_sender(session, named, meeting, incoming, message)
    return Heard(meeting, named.id, said, answer)


def _reply(message: Message) -> CalendarAnswer:
    for part in message.calendars:
        answer = itip.read_answer(part.text)
        if answer is not None and (answer.method or part.method) == "REPLY":
            return answer
    raise NotBelieved("there is no answer to an invitation in it")


def _invited(incoming: Incoming, meeting: Meeting) -> int | None:
    """The person to whom the invitation went that this answers, told by the token."""
    try:
        token = tokens.read(incoming.token or "", Purpose.RSVP)
    except BadToken:
        return None
    if len(token.ids) != 2 or token.ids[1] != meeting.id:
        return None
    return token.ids[0]


def _check_sender(
    session: Session, named: Person, meeting: Meeting, incoming: Incoming, message: Message
) -> None:
    sender = people.by_address(session, message.from_.address) if message.from_ else None
    if sender is None or sender.id != named.id:
        raise NotBelieved("it was sent by somebody else than the member it names")
    if all(each.id != meeting.list_id for each in people.lists_of(session, named.id)):
        raise NotBelieved("the member it names is not on the list of this meeting")
    if not vouching.vouched_for(incoming, message):
        raise NotBelieved("sender not proved")
