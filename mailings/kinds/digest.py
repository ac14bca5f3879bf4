"""Digest: what happened on a list since the last one, with an address to answer each item."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import reading
from archive.models import Post, Thread
from archive.targets import Item
from core import clock, links
from core.events import DigestDue
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from meetings import agenda, contributions, minutes
from meetings.models import Contribution, Meeting
from message import markdown
from message import subject as subjects
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import MailingList, Mode

#: Who gets this digest; daily and weekly ones come later, and nobody shall be left without.
MODES = frozenset({Mode.MONTHLY, Mode.WEEKLY, Mode.DAILY})
#: The first digest of a list looks back so far.
FIRST = dt.timedelta(days=31)
#: More would hide the rest; the web has them all.
MOST_DISCUSSIONS = 25


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of the digest: its words for the template, and where answers to it belong."""

    title: str
    words: str = ""
    quoted: bool = False  # whether the words are somebody's own
    by: str = ""
    url: str = ""
    label: str = ""
    meeting: dict[str, object] | None = None
    thread_id: int | None = None
    post_id: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Items of one sort under a heading."""

    title: str
    entries: Sequence[Entry]


def occasion(session: Session, event: DigestDue) -> Occasion | None:
    """Each time that it is due, unless there is nothing to tell. `source` keeps up to when."""
    since = _last(session, event.list, event.until)
    if not any(section.entries for section in _sections(session, event.list, since, event.until)):
        return None
    return Occasion(event.list, event.list, since=event.until, source=event.until.isoformat())


def _last(session: Session, list_id: int, until: dt.datetime) -> dt.datetime:
    """Up to when the digest before told."""
    sources = session.scalars(
        select(Mailing.source).where(Mailing.kind == "digest", Mailing.list_id == list_id)
    )
    earlier = [dt.datetime.fromisoformat(source) for source in sources]
    return max((at for at in earlier if at < until), default=until - FIRST)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The members who chose a digest."""
    return audience.members_of(session, mailing.list_id or 0, MODES)


def facts(session: Session, mailing: Mailing) -> Facts:
    """The sections, their items numbered through, and a target for answers to each."""
    list_ = session.get_one(MailingList, mailing.list_id)
    until = dt.datetime.fromisoformat(mailing.source)
    since = _last(session, list_.id, until)
    sections, items, number = [], [], 0
    for section in _sections(session, list_.id, since, until):
        entries = []
        for entry in section.entries:
            number += 1
            entries.append(_entry_words(number, entry))
            items.append(_item(number, list_.id, entry))
        if entries:
            sections.append({"title": section.title, "entries": entries})
    return Facts(
        words={
            "month": wording.spoken_month(until),
            "since": wording.spoken_day(since),
            "gist": _gist([item.title for item in items]),
            "sections": sections,
        },
        items=tuple(items),
    )


def _entry_words(number: int, entry: Entry) -> dict[str, object]:
    return {
        "number": number,
        "title": entry.title,
        "words": entry.words,
        "quoted": entry.quoted,
        "by": entry.by,
        "url": entry.url,
        "label": entry.label,
        "meeting": entry.meeting,
    }


def _item(number: int, list_id: int, entry: Entry) -> Item:
    return Item(number, list_id, entry.thread_id, entry.post_id, entry.title, entry.words)


def _gist(titles: Sequence[str]) -> str:
    """What a subject line says of the contents."""
    shown = [wording.extract(title, 60) for title in titles[:2]]
    more = len(titles) - len(shown)
    return wording.joined([*shown, f"{more} more"] if more else shown)


def _sections(
    session: Session, list_id: int, since: dt.datetime, until: dt.datetime
) -> list[Section]:
    meetings = agenda.coming(session, list_id, max(until, clock.now()))
    discussions = reading.digest_items(session, list_id, since, until)[:MOST_DISCUSSIONS]
    updates = contributions.updates_between(session, list_id, since, until)
    summaries = minutes.summaries_between(session, list_id, since, until)
    return [
        Section("Coming meetings", [_coming(session, one) for one in meetings]),
        Section("Discussions", [_discussion(session, one) for one in discussions]),
        Section("Updates from partners", [_update(one) for one in updates]),
        Section("What was said at past meetings", [_summary(session, one) for one in summaries]),
    ]


def _coming(session: Session, meeting: Meeting) -> Entry:
    opening = _announcement(session, meeting)
    return Entry(
        title=meeting.title,
        words=wording.extract(meeting.description),
        url=links.meeting(meeting.id),
        label="About this meeting",
        meeting=wording.meeting_words(meeting),
        thread_id=opening.thread_id if opening else None,
        post_id=opening.id if opening else None,
    )


def _announcement(session: Session, meeting: Meeting) -> Post | None:
    """The post with which the discussion of a meeting began."""
    return session.scalars(
        select(Post)
        .join(Mailing, Mailing.id == Post.mailing_id)
        .where(Mailing.kind == "invitation", Mailing.about == meeting.id)
        .order_by(Post.id)
        .limit(1)
    ).first()


def _discussion(session: Session, found: reading.Discussion) -> Entry:
    """A discussion by its newest post: what was said last is what one answers."""
    latest = found.posts[-1]
    people = list(
        dict.fromkeys(
            wording.with_organisation(post.author, post.organisation) for post in found.posts
        )
    )
    new = wording.counted(len(found.posts), "new post")
    return Entry(
        title=_title(found.thread),
        words=wording.extract(latest.own_words),
        quoted=True,
        by=f"{_by(people)}, {new}",
        url=links.thread(found.thread.id),
        label="Read the discussion",
        thread_id=found.thread.id,
        post_id=latest.id,
    )


def _title(thread: Thread) -> str:
    plain = subjects.prefixed(thread.subject, "").strip()
    return plain or "(no subject)"


def _by(people: Sequence[str]) -> str:
    if len(people) <= 2:
        return wording.joined(people)
    return wording.joined([people[0], wording.counted(len(people) - 1, "other")])


def _update(part: Contribution) -> Entry:
    return Entry(
        title=f"Update from {wording.with_organisation(part.who, part.organisation)}",
        words=wording.extract(part.words, 800),
    )


def _summary(session: Session, meeting: Meeting) -> Entry:
    opening = _announcement(session, meeting)
    day = wording.spoken_day(meeting.starts_at)
    return Entry(
        title=meeting.title,
        words=wording.extract(markdown.to_text(meeting.summary), 800),
        by=f"{day}. Theme: {meeting.theme}" if meeting.theme else day,
        url=links.meeting(meeting.id),
        label="Read the whole summary",
        thread_id=opening.thread_id if opening else None,
        post_id=opening.id if opening else None,
    )


KIND = Kind(
    name="digest", trigger=DigestDue, occasion=occasion, audience=recipients, facts=facts,
    bulk=True, discussion=True, priority=6,
)  # fmt: skip
