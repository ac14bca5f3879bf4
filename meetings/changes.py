"""Planning a meeting, announcing it, changing it, cancelling it: in wall time, with SEQUENCE."""

import datetime as dt
import logging
import re
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, outbox, settings, tokens
from core.events import MeetingAnnounced
from meetings.models import Meeting, MeetingState
from subscribers.models import MailingList

log = logging.getLogger(__name__)

WALL = "%Y-%m-%dT%H:%M"
_LONGEST_LINE = 200
_TEXTS = ("title", "theme", "description", "place", "join_link")
#: What sends everybody a new invitation when it changes (RFC 5546 §2.1.4 names the times; a
#: person who goes to the old link or place misses the meeting as well).
_MATTERS = ("starts_at", "ends_at", "place", "join_link")


class BadMeeting(ValueError):
    """A meeting cannot be like this; the text says why and what to do."""


def create(
    session: Session,
    list_: MailingList,
    title: str,
    starts: dt.datetime,
    ends: dt.datetime,
    *,
    theme: str = "",
    description: str = "",
    place: str = "Microsoft Teams",
    join_link: str = "",
    by: int | None,
) -> Meeting:
    """Plan a meeting; `starts` and `ends` are naive: what the clock on the wall will show.

    Nobody is told before `announce`. Raises NoSuchTime or AmbiguousTime in the nights when the
    clocks change, BadMeeting for what else is wrong.
    """
    meeting = Meeting(
        list_id=list_.id, uid=_new_uid(), sequence=0, state=MeetingState.PLANNED,
        zone=settings.current().zone,
    )  # fmt: skip
    _put_times(meeting, starts, ends)
    texts = {"title": title, "theme": theme, "description": description, "place": place,
             "join_link": join_link}  # fmt: skip
    _put_texts(meeting, texts)
    session.add(meeting)
    session.flush()
    log.info("meeting_planned", extra={"meeting": meeting.id, "by": by})
    return meeting


def _new_uid() -> str:
    """A UID without host or person in it (RFC 7986 §5.3)."""
    return str(uuid.UUID(hex=tokens.random_secret()))


def _put_times(meeting: Meeting, starts: dt.datetime, ends: dt.datetime) -> None:
    starts, ends = (wall.replace(second=0, microsecond=0) for wall in (starts, ends))
    starts_at = clock.to_instant(starts, meeting.zone)
    ends_at = clock.to_instant(ends, meeting.zone)
    if ends_at <= starts_at:
        raise BadMeeting("The meeting ends before it starts: check both times.")
    meeting.starts_wall, meeting.ends_wall = starts.strftime(WALL), ends.strftime(WALL)
    meeting.starts_at, meeting.ends_at = starts_at, ends_at


def _put_texts(meeting: Meeting, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        clean = text.strip() if name == "description" else " ".join(text.split())
        if name != "description" and len(clean) > _LONGEST_LINE and name != "join_link":
            raise BadMeeting(f"The {name} is longer than {_LONGEST_LINE} characters: shorten it.")
        setattr(meeting, name, clean)
    if not meeting.title:
        raise BadMeeting("Give the meeting a title.")
    if meeting.join_link and not re.fullmatch(r"https://[^\s\"<>\x00-\x1f]+", meeting.join_link):
        raise BadMeeting("The link to join must be one address that begins with https://")


def announce(session: Session, meeting_id: int) -> Meeting:
    """Have each member of the list invited (MeetingAnnounced); twice is as once.

    Raises BadMeeting for one that is cancelled or over.
    """
    meeting = _meeting(session, meeting_id)
    if meeting.state == MeetingState.ANNOUNCED:
        return meeting
    if meeting.state == MeetingState.CANCELLED:
        raise BadMeeting("This meeting is cancelled: plan a new one.")
    if meeting.ends_at <= clock.now():
        raise BadMeeting("This meeting is over: nobody can be invited to it.")
    meeting.state = MeetingState.ANNOUNCED
    _tell(session, meeting)
    return meeting


def change(
    session: Session,
    meeting_id: int,
    *,
    starts: dt.datetime | None = None,
    ends: dt.datetime | None = None,
    by: int | None,
    **texts: str,
) -> Meeting:
    """Change times (naive wall times) or texts (title, theme, description, place, join_link).

    If it was announced, and times, place or link are others now, SEQUENCE goes up and everybody
    gets the new invitation; a corrected title or description is shown on the page only. The UID
    stays (RFC 5545 §3.8.4.7). Raises as `create` does, and BadMeeting if it is cancelled or over.
    """
    meeting = _meeting(session, meeting_id)
    if meeting.state == MeetingState.CANCELLED:
        raise BadMeeting("This meeting is cancelled: plan a new one.")
    unknown = set(texts) - set(_TEXTS)
    if unknown:
        raise TypeError(f"a meeting has no {', '.join(sorted(unknown))}")
    before = [getattr(meeting, name) for name in _MATTERS]
    if starts is not None or ends is not None:
        _put_times(meeting, *_new_times(meeting, starts, ends))
    _put_texts(meeting, texts)
    if meeting.state == MeetingState.ANNOUNCED and before != [
        getattr(meeting, name) for name in _MATTERS
    ]:
        if meeting.ends_at <= clock.now():
            raise BadMeeting("The meeting would be over already: check the times.")
        meeting.sequence += 1
        _tell(session, meeting)
    session.flush()
    log.info("meeting_changed", extra={"meeting": meeting.id, "by": by})
    return meeting


def _new_times(
    meeting: Meeting, starts: dt.datetime | None, ends: dt.datetime | None
) -> tuple[dt.datetime, dt.datetime]:
    """Both wall times; one who moves the start only moves the meeting as a whole."""
    old_start, old_end = wall_times(meeting)
    if starts is None:
        starts = old_start
    return starts, ends or starts + (old_end - old_start)


def wall_times(meeting: Meeting) -> tuple[dt.datetime, dt.datetime]:
    """Start and end as the clock on the wall shows them (naive)."""
    starts, ends = (
        dt.datetime.strptime(wall, WALL)  # noqa: DTZ007 - a wall time, its zone stands beside it
        for wall in (meeting.starts_wall, meeting.ends_wall)
    )
    return starts, ends


def follow_zone(session: Session) -> int:
    """Work out the instants of meetings to come again, after the rules of a zone have changed.

    The wall time stays. Those that were announced go out anew. Returns how many moved.
    """
    moved = 0
    ahead = Meeting.ends_at > clock.now(), Meeting.state != MeetingState.CANCELLED
    for meeting in session.scalars(select(Meeting).where(*ahead).with_for_update()):
        before = meeting.starts_at, meeting.ends_at
        _put_times(meeting, *wall_times(meeting))
        if before != (meeting.starts_at, meeting.ends_at):
            moved += 1
            if meeting.state == MeetingState.ANNOUNCED:
                meeting.sequence += 1
                _tell(session, meeting)
    return moved


def cancel(session: Session, meeting_id: int, by: int | None) -> Meeting:
    """Cancel a meeting; twice is as once.

    If it was announced, SEQUENCE goes up and everybody who was invited is told (MeetingAnnounced
    of a meeting whose state is cancelled; RFC 5546 §3.2.5).
    """
    meeting = _meeting(session, meeting_id)
    if meeting.state == MeetingState.CANCELLED:
        return meeting
    told = meeting.state == MeetingState.ANNOUNCED
    meeting.state = MeetingState.CANCELLED
    if told:
        meeting.sequence += 1
        _tell(session, meeting)
    session.flush()
    log.info("meeting_cancelled", extra={"meeting": meeting.id, "by": by})
    return meeting


def _tell(session: Session, meeting: Meeting) -> None:
    session.flush()
    key = f"meeting:{meeting.id}:{meeting.sequence}"
    outbox.record(session, MeetingAnnounced(meeting.id), key=key)


def _meeting(session: Session, meeting_id: int) -> Meeting:
    meeting = session.get(Meeting, meeting_id, with_for_update=True)
    if meeting is None:
        raise BadMeeting(f"There is no meeting {meeting_id}.")
    return meeting
