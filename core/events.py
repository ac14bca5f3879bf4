"""The catalogue: everything that can happen, as frozen facts made of ids, enums and instants.

An event never carries an address or a text: it may pass through brokers and logs. Whoever reacts
reads the facts again from the tables. Which functions react stands in `workers/reactions.py`.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Self

_JSON = json.JSONEncoder(default=lambda at: at.isoformat())


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    def to_json(self) -> str:
        """The event's facts as JSON, instants in ISO 8601."""
        names: tuple[str, ...] = self.__match_args__
        return _JSON.encode({name: getattr(self, name) for name in names})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The event that `to_json` wrote."""
        facts: dict[str, Any] = json.loads(text)
        for name, kind in cls.__annotations__.items():
            if kind is dt.datetime and isinstance(facts.get(name), str):
                facts[name] = dt.datetime.fromisoformat(facts[name])
        return cls(**facts)


CATALOGUE: dict[str, type[Event]] = {}


def _listed(cls: type[Event]) -> type[Event]:
    CATALOGUE[cls.__name__] = cls
    return cls


# --- who takes part -------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class JoinRequested(Event):
    """Someone asked to join a list by form or mail; the address is not confirmed yet."""

    join_request: int


@_listed
@dataclass(frozen=True, slots=True)
class JoinConfirmed(Event):
    """The owner of the address confirmed the request."""

    join_request: int


@_listed
@dataclass(frozen=True, slots=True)
class JoinHeld(Event):
    """A confirmed request waits for the coordinator: the domain is not that of a known council."""

    join_request: int


@_listed
@dataclass(frozen=True, slots=True)
class Joined(Event):
    """A person became a member of a list."""

    subscription: int


@_listed
@dataclass(frozen=True, slots=True)
class Left(Event):
    """A person left a list, by mail, page or one-click."""

    subscription: int


@_listed
@dataclass(frozen=True, slots=True)
class SignInRequested(Event):
    """A known person asked for a link to sign in."""

    sign_in: int


@_listed
@dataclass(frozen=True, slots=True)
class AddressRefused(Event):
    """A mail server would not take mail for an address; `reason` is a message.refusals.Reason."""

    address: int
    reason: str
    permanent: bool
    refusal: int = 0  # the row that was kept of it; 0 if none was


@_listed
@dataclass(frozen=True, slots=True)
class PersonSuspended(Event):
    """Mail to a person's address is paused: its mailbox is dead."""

    person: int


@_listed
@dataclass(frozen=True, slots=True)
class IncidentOpened(Event):
    """A mail domain refuses our mail to several people at once."""

    incident: int


@_listed
@dataclass(frozen=True, slots=True)
class LeaversFound(Event):
    """Coordinators are to be told of those whose mailbox died up to an instant."""

    until: dt.datetime


# --- what is sent ---------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class MailingApproved(Event):
    """A mailing may go out once its undo window has passed."""

    mailing: int


@_listed
@dataclass(frozen=True, slots=True)
class MailingPlanned(Event):
    """The copies of a mailing stand in the ledger."""

    mailing: int


@_listed
@dataclass(frozen=True, slots=True)
class MailingFinished(Event):
    """Every copy of a mailing has its outcome and the totals add up."""

    mailing: int


@_listed
@dataclass(frozen=True, slots=True)
class MailingInTrouble(Event):
    """A mailing does not go on by itself: it stalls, is late, or its sums do not add up."""

    mailing: int
    since: dt.datetime


@_listed
@dataclass(frozen=True, slots=True)
class CopyRefused(Event):
    """A mail server refused one copy for good while it was sent."""

    delivery: int


# --- what arrives ---------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class MailArrived(Event):
    """A message was kept as it came and waits to be sorted."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class PostArrived(Event):
    """A message from a person, for a list or in answer to something of ours."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class PrivateAnswerArrived(Event):
    """A message to an author alone, through us."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class BounceArrived(Event):
    """A report that a copy could not be delivered."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class ReportArrived(Event):
    """A complaint (RFC 5965) about a copy of ours."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class AutomaticReplyArrived(Event):
    """An out-of-office note or another automatic answer."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class RsvpArrived(Event):
    """A calendar client answered an invitation (RFC 5546 REPLY)."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class CommandArrived(Event):
    """A message to one of the command addresses: join, leave, help, confirm."""

    incoming: int


@_listed
@dataclass(frozen=True, slots=True)
class MailNotUnderstood(Event):
    """A message that nobody could make sense of; the coordinator sees it."""

    incoming: int


# --- what was said --------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class PostFiled(Event):
    """A post stands in a thread of the archive."""

    post: int


@_listed
@dataclass(frozen=True, slots=True)
class PostHeld(Event):
    """A post waits for a moderator."""

    post: int


@_listed
@dataclass(frozen=True, slots=True)
class DiscussionEdited(Event):
    """A moderator joined discussions, split one or moved a post, or undid that."""

    edit: int
    undone: bool


@_listed
@dataclass(frozen=True, slots=True)
class PlaceAsked(Event):
    """A reply to a digest fits several items: the sender is asked, once, which one was meant."""

    incoming: int


# --- meetings -------------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class MeetingAnnounced(Event):
    """A meeting is to be announced to its list."""

    meeting: int


@_listed
@dataclass(frozen=True, slots=True)
class AnswerChanged(Event):
    """A person said whether they come to a meeting."""

    rsvp: int


# --- time -----------------------------------------------------------------------------------


@_listed
@dataclass(frozen=True, slots=True)
class DigestDue(Event):
    """The digest of a list is due, for what was said since the last one up to an instant."""

    list: int
    until: dt.datetime


def summary(event: type[Event]) -> str:
    """The one sentence that says what an event means."""
    return (event.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
