"""Filing many posts at once: ordinary ones together, those that need a closer look one by one.

Ordinary is what was written to a list, answers no mailing of ours and names no thread by number:
for such a message the list and the references in it decide, and many can be woven in together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from archive import access, authority, filing, routing, shelves
from archive.authority import Authority
from archive.filing import Mail
from archive.letters import Letter
from archive.models import Post
from core import outbox
from core.among import among
from core.events import Event, PostArrived, PostFiled, PostHeld
from mailer import inbox
from mailer.models import Incoming
from message.address import normal_form
from subscribers.models import MailingList, Person


@dataclass(frozen=True, slots=True)
class _Judged:
    mail: Mail
    letter: Letter
    right: Authority


_FILED = select(Post.id).where(Post.incoming_id == Incoming.id)
_WAITING = (
    select(Incoming)
    .where(among(Incoming.id, "numbers"), ~_FILED.exists())
    .options(defer(Incoming.raw))
    .order_by(Incoming.id)
)


def file_posts(session: Session, events: Sequence[PostArrived]) -> None:
    """File what people wrote, with the same outcome as `filing.file_post` for each."""
    numbers = [event.incoming for event in events]
    waiting = session.scalars(_WAITING, {"numbers": numbers}).all()
    messages = inbox.messages_of(session, waiting)
    mails = [filing.read(one, messages[one.id]) for one in waiting]
    ordinary = _ordinary(session, mails)
    for mail in mails:
        if mail.incoming.id not in ordinary:
            filing.file_post(session, PostArrived(mail.incoming.id))
    together = [mail for mail in mails if mail.incoming.id in ordinary]
    together.sort(key=lambda mail: (mail.incoming.list_id or 0, mail.incoming.id))
    for list_id, some in groupby(together, lambda mail: mail.incoming.list_id or 0):
        _file(session, session.get_one(MailingList, list_id), list(some))


def _ordinary(session: Session, mails: Sequence[Mail]) -> set[int]:
    """The ids of messages that need no closer look."""
    plain = [
        mail
        for mail in mails
        if mail.incoming.list_id is not None
        and not mail.incoming.token
        and not routing.VISIBLE.search(mail.letter.subject)
    ]
    named = {one for mail in plain for one in mail.letter.references}
    ours = routing.ids_of_ours(session, sorted(named)).keys()
    return {
        mail.incoming.id
        for mail in plain
        if not ours & set(mail.letter.references)
        and routing.named_by_subject(session, mail.incoming.list_id or 0, mail.letter) is None
    }


def _file(session: Session, list_: MailingList, mails: Sequence[Mail]) -> None:
    judged = _judged(session, list_, mails)
    filed = shelves.put(session, list_.id, [one.letter for one in judged])
    told: list[tuple[Event, str]] = []
    for one, outcome in zip(judged, filed, strict=True):
        if outcome.outcome == "duplicate":
            one.mail.incoming.why = f"copy of post {outcome.post_id}"
        elif one.right.held_why is None:
            told.append((PostFiled(outcome.post_id), f"post-filed:{outcome.post_id}"))
        else:
            told.append((PostHeld(outcome.post_id), f"post-held:{outcome.post_id}"))
    outbox.record_many(session, told)


def _judged(session: Session, list_: MailingList, mails: Sequence[Mail]) -> list[_Judged]:
    """Who wrote, whether that is proved, and whether they may; for all with few questions."""
    boxes = [mail.message.from_.address for mail in mails if mail.message.from_]
    authors = authority.authors_of(session, boxes)
    readers = access.readers_among(session, list_, [person.id for person in authors.values()])
    judged = []
    for mail in mails:
        person = _author(mail, authors)
        reads = person is not None and person.id in readers
        right = authority.decide(session, list_, mail.incoming, mail.message, person, reads=reads)
        judged.append(_Judged(mail, filing.decided(mail.letter, right), right))
    return judged


def _author(mail: Mail, authors: Mapping[str, Person]) -> Person | None:
    box = mail.message.from_
    return authors.get(normal_form(box.address)) if box else None
