"""Private answer: what a member wrote to an author alone, passed on without their addresses."""

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive import access, authority, letters
from core import addresses, clock, outbox, tokens
from core.events import MailNotUnderstood, PrivateAnswerArrived
from core.tokens import BadToken, Purpose
from mailer import inbox
from mailer.models import Incoming, Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion, Origin
from message import subject as subjects
from message import thread_index
from message.address import Mailbox
from message.parse import Attachment
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import MailingList, Person

#: So many private answers a day are passed on for one member.
MOST_A_DAY = 20
#: Octets of files that are passed on with one.
MOST_OF_FILES = 10 << 20


def occasion(session: Session, event: PrivateAnswerArrived) -> Occasion | None:
    """Each message once; what may not be passed on is shown to the coordinator."""
    incoming = session.get_one(Incoming, event.incoming)
    told = _token(incoming)
    why = _why_not(session, incoming, *told) if told else "the address of an author is not whole"
    if told is None or why is not None:
        incoming.state, incoming.why = "stuck", why
        key = f"not-understood:{incoming.id}"
        outbox.record(session, MailNotUnderstood(incoming.id), key=key)
        return None
    return Occasion(incoming.id, told[1])


def _token(incoming: Incoming) -> tuple[int, int] | None:
    """The author whose address it was written to, and the list."""
    try:
        author, list_id = tokens.read(incoming.token or "", Purpose.AUTHOR).ids
    except (BadToken, ValueError):
        return None
    return author, list_id


def _why_not(session: Session, incoming: Incoming, author: int, list_id: int) -> str | None:
    list_ = session.get(MailingList, list_id)
    message = inbox.message_of(incoming)
    sender = authority.author_of(session, message)
    if list_ is None or author not in access.readers_among(session, list_, [author]):
        return "a private answer to somebody who has left the list"
    if sender is None or sender.id not in access.readers_among(session, list_, [sender.id]):
        return "a private answer of somebody who is not on the list"
    if not authority.proved(session, sender, incoming, message):
        return "a private answer whose sender is not proved"
    if _sent_today(session, sender.id, but=incoming.id) >= MOST_A_DAY:
        return f"more than {MOST_A_DAY} private answers in a day"
    return None


def _sent_today(session: Session, sender: int, but: int) -> int:
    """How many others of theirs were passed on: this one may be looked at twice."""
    since = clock.now() - dt.timedelta(days=1)
    passed_on = (
        select(func.count())
        .select_from(Mailing)
        .join(Incoming, Incoming.id == Mailing.about)
        .where(Mailing.kind == KIND.name, Mailing.created_at > since)
        .where(Incoming.person_id == sender, Incoming.id != but)
    )
    return session.scalar(passed_on) or 0


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The author, at their own address."""
    told = _token(session.get_one(Incoming, mailing.about))
    return audience.one(told[0]) if told else audience.named(())


def facts(session: Session, mailing: Mailing) -> Facts:
    """The words and the files as they came, without anybody's tokens, from an address of ours."""
    incoming = session.get_one(Incoming, mailing.about)
    message = inbox.message_of(incoming)
    letter = letters.letter_of(message, incoming.sha256, incoming.arrived_at)
    list_ = session.get_one(MailingList, mailing.list_id)
    sender = authority.author_of(session, message)
    called = _called(sender)
    alias = addresses.of_author(list_.name, sender.id, list_.id) if sender else ""
    passages = [(one.kind, one.text) for one in letter.passages]
    files, left_out = _files(letter.attachments)
    return Facts(
        words={
            "title": subjects.prefixed(letter.subject).strip(),
            "author": called,
            "text": wording.own_and_quoted(passages) or "(no text)",
            "left_out": left_out,
        },
        sender=f"{called} via {list_.title}",
        sender_address=alias,
        reply_to=Mailbox(called, alias),
        answers=tuple(
            one for one in reversed(letter.references) if thread_index.of_id(one) is None
        ),
        files=files,
    )


def _called(sender: Person | None) -> str:
    if sender is None:
        return "A member"
    organisation = sender.organisation.name if sender.organisation else ""
    return wording.with_organisation(sender.name or "A member", organisation)


def _files(files: tuple[Attachment, ...]) -> tuple[tuple[Attachment, ...], list[str]]:
    """The files that are passed on, the smallest first, and the names of the others."""
    taken: list[Attachment] = []
    for file in sorted(files, key=lambda one: one.size):
        if sum(one.size for one in taken) + file.size <= MOST_OF_FILES:
            taken.append(file)
    kept = [file for file in files if file in taken]
    return tuple(kept), [file.name for file in files if file not in taken]


KIND = Kind(
    name="private_answer", trigger=PrivateAnswerArrived, occasion=occasion, audience=recipients,
    facts=facts, origin=Origin.PERSON, priority=2,
)  # fmt: skip
