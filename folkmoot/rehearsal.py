"""Rehearses the arrival of a message: all that would happen here does, and is taken back.

It is the same code that runs when the message really comes, so what it says is what then happens.
"""

import contextlib
from dataclasses import asdict, dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive import reading
from archive.models import Post, Thread
from core import database
from core.events import CATALOGUE, MailArrived
from core.outbox import EventRow
from mailer import inbox, trial, vouching
from mailer.models import Delivery, Incoming, Mailing, State
from subscribers.models import MailingList
from workers import reactions

_MAILBOX = "rehearsal"


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal."""


@dataclass(frozen=True, slots=True)
class Place:
    """A post that a message becomes: where, why there, with which words.

    `thread` is the number of the discussion it joins; None where it opens one. `answers` is the
    Message-ID of the post above, `held` why it waits for a moderator.
    """

    list: str
    thread: int | None
    title: str
    why: str
    answers: str | None
    own: str
    held: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a message: what it is, its state, the reason, its posts, what happens then.

    `events` are the names of what is recorded, `copies` how many copies of which kind of mailing
    are planned.
    """

    verdict: str | None
    state: str
    why: str
    posts: tuple[Place, ...]
    events: tuple[str, ...]
    copies: dict[str, int]

    def as_found(self) -> dict[str, object]:
        """The same for JSON."""
        return asdict(self)


def rehearse(raw: bytes) -> Outcome:
    """What would become of a message that arrives now; nothing of it stays."""
    tried = trial.read({0: raw})
    unread = tried.unread.get(0)
    finding = None if unread else vouching.look_at(raw)
    outcome = Outcome("known", "known", "it has arrived before", (), (), {})
    with contextlib.suppress(_TakenBack), database.transaction() as session:
        before = _marks(session)
        number = inbox.keep(session, _MAILBOX, 1, 1, raw, finding, unread)
        if number is not None:
            _react(session, before)
            outcome = outcome_of(session, number, before)
        raise _TakenBack
    return outcome


@dataclass(frozen=True, slots=True)
class Marks:
    """The last event, mailing and thread before something happened."""

    event: int
    mailing: int
    thread: int


def _marks(session: Session) -> Marks:
    last = (session.scalar(select(func.max(table.id))) for table in (EventRow, Mailing, Thread))
    return Marks(*(number or 0 for number in last))


def marks() -> Marks:
    """Where the network stands now."""
    with database.reading() as session:
        return _marks(session)


def _react(session: Session, before: Marks) -> None:
    """Have every reaction to what is recorded happen, as workers would, in this transaction."""
    last = before.event
    while True:
        recorded = select(EventRow).where(EventRow.id > last).order_by(EventRow.id)
        rows = session.scalars(recorded).all()
        if not rows:
            return
        for row in rows:
            event = CATALOGUE[row.name].from_json(row.facts)
            for name in reactions.names(type(event)):
                reactions.find(name)(session, event)
        last = rows[-1].id


def outcome_of(session: Session, incoming_id: int, before: Marks) -> Outcome:
    """What has become of a message that was kept, and has happened since `before`."""
    session.flush()
    incoming = session.get_one(Incoming, incoming_id, populate_existing=True)
    posts = select(Post).where(Post.incoming_id == incoming_id).order_by(Post.id)
    events = select(EventRow.name).where(
        EventRow.id > before.event, EventRow.name != MailArrived.__name__
    )
    copies = (
        select(Mailing.kind, func.count(Delivery.id))
        .join(Delivery, Delivery.mailing_id == Mailing.id)
        .where(Mailing.id > before.mailing, Delivery.state != State.EXCLUDED)
        .group_by(Mailing.kind)
    )
    return Outcome(
        verdict=incoming.verdict,
        state=incoming.state,
        why=incoming.why or "",
        posts=tuple(_place(session, post, before) for post in session.scalars(posts)),
        events=tuple(session.scalars(events.order_by(EventRow.id))),
        copies={row[0]: row[1] for row in session.execute(copies)},
    )


def _place(session: Session, post: Post, before: Marks) -> Place:
    parent = session.get(Post, post.parent_id) if post.parent_id else None
    return Place(
        list=session.get_one(MailingList, post.list_id).name,
        thread=post.thread_id if post.thread_id <= before.thread else None,
        title=post.thread.subject,
        why=reading.why_here(post),
        answers=parent.message_id if parent else None,
        own=post.own_words,
        held=post.held_why,
    )


def in_words(outcome: Outcome) -> str:
    """The same for people to read."""
    lines = [f"  here: {outcome.state}" + (f" ({outcome.why})" if outcome.why else "")]
    for place in outcome.posts:
        where = f"discussion {place.thread}" if place.thread else "a new discussion"
        lines.append(f'  filed in {place.list}, {where}: "{place.title}". {place.why}')
        if place.held:
            lines.append(f"  held for a moderator: {place.held}")
    for kind, count in outcome.copies.items():
        lines.append(f"  then {count} {'copy' if count == 1 else 'copies'}: {kind}")
    return "\n".join(lines)
