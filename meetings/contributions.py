"""Who speaks at a meeting, and what partners have to tell."""

import datetime as dt
import enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from meetings.models import Contribution, Meeting

_LONGEST_LINE = 200


class Part(enum.StrEnum):
    """What a contribution is."""

    SPEAKER = "speaker"
    UPDATE = "update"


class BadContribution(ValueError):
    """A contribution cannot be like this; the text says why."""


def add_speaker(
    session: Session, meeting_id: int, who: str, *, organisation: str = "", words: str = ""
) -> Contribution:
    """Note who speaks at a meeting, and about what (`words`). Raises BadContribution."""
    meeting = _meeting(session, meeting_id)
    return _add(session, Part.SPEAKER, meeting.list_id, meeting_id, who, organisation, words)


def add_update(
    session: Session,
    list_id: int,
    who: str,
    *,
    organisation: str = "",
    words: str = "",
    meeting_id: int | None = None,
) -> Contribution:
    """Note a partner's update, for a meeting or else for the next digest.

    Raises BadContribution.
    """
    if meeting_id is not None and _meeting(session, meeting_id).list_id != list_id:
        raise BadContribution("This meeting belongs to another list.")
    if not words.strip():
        raise BadContribution("An update needs a text.")
    return _add(session, Part.UPDATE, list_id, meeting_id, who, organisation, words)


def _meeting(session: Session, meeting_id: int) -> Meeting:
    meeting = session.get(Meeting, meeting_id)
    if meeting is None:
        raise BadContribution(f"There is no meeting {meeting_id}.")
    return meeting


def _add(
    session: Session, kind: Part, list_id: int, meeting_id: int | None, who: str,
    organisation: str, words: str,
) -> Contribution:  # fmt: skip
    named, of = " ".join(who.split()), " ".join(organisation.split())
    if not named or max(len(named), len(of)) > _LONGEST_LINE:
        raise BadContribution(f"Say who it is, with {_LONGEST_LINE} characters or fewer.")
    made = Contribution(
        kind=kind, list_id=list_id, meeting_id=meeting_id, who=named, organisation=of,
        words=words.strip(), at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def remove(session: Session, contribution_id: int) -> None:
    """Take a contribution back; one that is gone already is no trouble."""
    found = session.get(Contribution, contribution_id)
    if found is not None:
        session.delete(found)
        session.flush()


def of_meeting(session: Session, meeting_id: int, kind: Part) -> list[Contribution]:
    """The speakers or updates of a meeting, in the order in which they were entered."""
    wanted = select(Contribution).where(
        Contribution.meeting_id == meeting_id, Contribution.kind == kind
    )
    return list(session.scalars(wanted.order_by(Contribution.id)))


def updates_between(
    session: Session, list_id: int, since: dt.datetime, until: dt.datetime
) -> list[Contribution]:
    """The updates for the digest (those of no meeting) that came after `since`, up to `until`."""
    wanted = select(Contribution).where(
        Contribution.list_id == list_id,
        Contribution.kind == Part.UPDATE,
        Contribution.meeting_id.is_(None),
        Contribution.at > since,
        Contribution.at <= until,
    )
    return list(session.scalars(wanted.order_by(Contribution.at, Contribution.id)))
