"""What tests of mailings share: events acted on, and the copies as their readers get them."""

import datetime as dt
import email.message
import itertools
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.models import Post, PostState, Thread
from core import clock, database
from core.events import Event
from mailer import copies, inbox
from mailer.models import Delivery, Incoming, Mailing, State
from mailings import planning
from message.parse import Message, parse
from subscribers.models import MailingList, Person

_numbers = itertools.count(1)


def react(kind: str, event: Event, times: int = 2) -> None:
    """Let a kind react to an event, by default twice: that must be as once."""
    for _ in range(times):
        with database.transaction() as session:
            planning.start(kind)(session, event)


def mailings(kind: str) -> list[Mailing]:
    """All mailings of a kind, oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(Mailing).where(Mailing.kind == kind)))


def letters(kind: str) -> dict[str, Message]:
    """The copies of the latest mailing of a kind, by address, as they go on the wire."""
    with database.reading() as session:
        latest = select(Mailing).where(Mailing.kind == kind).order_by(Mailing.id.desc())
        mailing = session.scalars(latest).first()
        if mailing is None:
            return {}
        list_ = session.get(MailingList, mailing.list_id) if mailing.list_id else None
        rows = select(Delivery).where(
            Delivery.mailing_id == mailing.id, Delivery.state == State.PLANNED
        )
        made = [
            copies.Press(mailing, list_.name if list_ else None).copy(row)
            for row in session.scalars(rows)
        ]
    return {copy.rcpt_to: parse(copy.data) for copy in made}


def arrived(
    raw: bytes | email.message.EmailMessage,
    *,
    list_id: int | None = None,
    command: str | None = None,
    token: str | None = None,
) -> int:
    """Keep a message as the listener and the sorting would; returns its number."""
    content = raw if isinstance(raw, bytes) else raw.as_bytes()
    with database.transaction() as session:
        number = inbox.keep(session, "test", 1, next(_numbers), content)
        assert number is not None
        incoming = session.get_one(Incoming, number)
        incoming.list_id, incoming.command, incoming.token = list_id, command, token
        incoming.state = "sorted"
        return number


def letter(sender: str, subject: str, text: str, **fields: str) -> email.message.EmailMessage:
    """A message as somebody writes it."""
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "x@lists.example.org", subject
    message["Date"] = "Tue, 02 Feb 2027 09:30:00 +0000"
    message["Message-ID"] = f"<{next(_numbers)}@letters.example>"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


Write = Callable[..., int]


@pytest.fixture
def write_post() -> Write:
    """Put a post into the archive, as if it had come by mail; returns its number."""
    return _write_post


def _write_post(
    list_id: int,
    person_id: int | None,
    subject: str,
    words: str,
    *,
    parent: int | None = None,
    state: PostState = PostState.FILED,
    held_why: str | None = None,
    parts: Sequence[tuple[str, str]] | None = None,
) -> int:
    number = arrived(letter("someone@ashford.example", subject, words), list_id=list_id)
    with database.transaction() as session:
        above = session.get(Post, parent) if parent else None
        thread = session.get_one(Thread, above.thread_id) if above else _thread(list_id, subject)
        session.add(thread)
        session.flush()
        thread.posts += 1
        post = _post(session, list_id, thread.id, person_id, subject, words, parts)
        post.parent_id, post.incoming_id = parent, number
        post.state, post.held_why = state, held_why
        session.add(post)
        session.flush()
        return post.id


def _thread(list_id: int, subject: str) -> Thread:
    return Thread(
        list_id=list_id, subject=subject, started_at=clock.now(), last_at=clock.now(), posts=0
    )


def _post(
    session: Session,
    list_id: int,
    thread_id: int,
    person_id: int | None,
    subject: str,
    words: str,
    parts: Sequence[tuple[str, str]] | None,
) -> Post:
    import json

    person = session.get(Person, person_id) if person_id else None
    now = clock.now()
    return Post(
        list_id=list_id,
        thread_id=thread_id,
        reason="new",
        message_id=f"{next(_numbers)}@posts.example",
        person_id=person_id,
        author=person.name if person else "A Stranger",
        organisation=person.organisation.name if person and person.organisation else "",
        subject=subject,
        is_reply=subject.startswith("Re:"),
        sent_at=now - dt.timedelta(seconds=1),
        received_at=now - dt.timedelta(seconds=1),
        own_words=words,
        parts=json.dumps(list(parts or [("own", words)])),
    )
