"""What came out of a meeting: the summary that stands on its page and in the next digest."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from meetings.models import Meeting, MeetingState


class CannotPublish(ValueError):
    """A summary cannot be published; the text says why."""


def publish_summary(session: Session, meeting_id: int, text: str) -> Meeting:
    """Put the summary (Markdown) on the meeting; a second one replaces the first.

    `summary_at` says when the first one was published, so that a correction makes no news.
    Raises CannotPublish for an empty text, or a meeting that has not begun or was cancelled.
    """
    meeting = session.get(Meeting, meeting_id, with_for_update=True)
    if meeting is None:
        raise CannotPublish(f"There is no meeting {meeting_id}.")
    if not text.strip():
        raise CannotPublish("The summary is empty.")
    now = clock.now()
    if meeting.state == MeetingState.CANCELLED or meeting.starts_at > now:
        raise CannotPublish("This meeting did not take place (yet), so it has no summary.")
    meeting.summary = text.strip()
    meeting.summary_at = meeting.summary_at or now
    session.flush()
    return meeting


def summaries_between(
    session: Session, list_id: int, since: dt.datetime, until: dt.datetime
) -> list[Meeting]:
    """The meetings of a list whose summary was published after `since`, up to `until`."""
    wanted = select(Meeting).where(
        Meeting.list_id == list_id, Meeting.summary_at > since, Meeting.summary_at <= until
    )
    return list(session.scalars(wanted.order_by(Meeting.starts_at, Meeting.id)))
