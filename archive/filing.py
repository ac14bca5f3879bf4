"""Filing: a message that arrived becomes a post in its thread; a mailing opens a discussion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from archive import access, authority, claiming, mentions, routing, shelves, targets
from archive.letters import Letter, known_id, letter_of, readable, topic_of
from archive.models import Post
from archive.routing import Place, Route
from archive.targets import Item
from core import outbox, settings
from core.events import (
    MailingPlanned,
    MailNotUnderstood,
    PlaceAsked,
    PostArrived,
    PostFiled,
    PostHeld,
)
from mailer import inbox
from mailer.models import Incoming, Mailing
from message import markdown, sanitise
from message.parse import Message
from message.quoting import Passage
from subscribers.models import MailingList, Person

_OPENS = routing.OPENS_DISCUSSION
#: A choice stands in the first lines, and is short.
_FIRST_LINES, _SHORT = 2, 6


def file_post(session: Session, event: PostArrived) -> None:
    """File what a person wrote, hold it for a moderator, or ask where it belongs; once.

    Records PostFiled, PostHeld or PlaceAsked; what is for no list of ours, or answers a question
    with something else than a choice, goes to the coordinator (MailNotUnderstood).
    """
    incoming = session.get_one(Incoming, event.incoming)
    if _is_filed(session, incoming):
        return
    mail = read(incoming, inbox.message_of(incoming))
    answered = routing.digest_answered(session, incoming, mail.letter)
    if answered is not None and answered.kind == "question":
        _file_chosen(session, mail, answered)
        return
    if answered is not None and answered.kind == "whose":
        _hear_whose(session, mail, answered)
        return
    list_id = routing.list_of(session, incoming)
    if list_id is None:
        _give_up(session, incoming, "written to no list")
        return
    letter, right = _judged(session, list_id, mail)
    # Whose it is may be told later; a reply address says where it belongs all the same.
    writer = right.person or claiming.owner(session, incoming)
    found = routing.route(session, list_id, _viewer(writer), incoming, letter)
    if found.ask and right.held_why is None:
        incoming.why = "which item of the digest?"
        outbox.record(session, PlaceAsked(incoming.id), key=f"place-asked:{incoming.id}")
        return
    _file(session, incoming, found, right)


def file_mailing(session: Session, event: MailingPlanned) -> None:
    """Open the discussion of a newsletter or an announcement, so that answers have a place."""
    file_mailings(session, [event])


def file_mailings(session: Session, events: Sequence[MailingPlanned]) -> None:
    """The same for several mailings: most are copies of posts, which have their discussion."""
    opening = select(Mailing).where(
        Mailing.id.in_([event.mailing for event in events]), Mailing.kind.in_(_OPENS),
        Mailing.list_id.is_not(None), Mailing.bulk,
    )  # fmt: skip
    for mailing in session.scalars(opening.order_by(Mailing.id)).all():
        _open_discussion(session, mailing, mailing.list_id or 0)


def _open_discussion(session: Session, mailing: Mailing, list_id: int) -> None:
    (filed,) = shelves.put(session, list_id, [_letter_of_mailing(session, mailing)])
    post = session.get_one(Post, filed.post_id)
    whole = Item(0, post.list_id, post.thread_id, post.id, post.subject, post.own_words)
    targets.leave_targets(session, mailing.id, [whole])
    for target in targets.targets_of(session, mailing.id):
        if target.item == 0 and target.post_id is None:
            target.post_id, target.thread_id = post.id, post.thread_id


# --- what arrives -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that arrived, and what of it goes into the archive."""

    incoming: Incoming
    message: Message
    letter: Letter


def read(incoming: Incoming, message: Message) -> Mail:
    """A message that was kept, taken apart for the archive."""
    letter = letter_of(message, incoming.sha256, incoming.arrived_at, incoming.id)
    return Mail(incoming, message, letter)


def _is_filed(session: Session, incoming: Incoming) -> bool:
    of_incoming = select(Post.id).where(Post.incoming_id == incoming.id).limit(1)
    return session.scalar(of_incoming) is not None


def _judged(session: Session, list_id: int, mail: Mail) -> tuple[Letter, authority.Authority]:
    list_ = session.get_one(MailingList, list_id)
    right = authority.judge(session, list_, mail.incoming, mail.message)
    return decided(mail.letter, right), right


def decided(letter: Letter, right: authority.Authority) -> Letter:
    """The letter under the name of its author, with the reason to hold it if there is one."""
    if right.person is None:
        return replace(letter, held_why=right.held_why) if right.held_why else letter
    return signed(letter, right.person, right.held_why)


def signed(letter: Letter, person: Person, held_why: str | None = None) -> Letter:
    """The letter under the name and the organisation that its author has now."""
    organisation = person.organisation.name if person.organisation else ""
    return replace(
        letter, person_id=person.id, author=person.name or letter.author,
        organisation=organisation, held_why=held_why,
    )  # fmt: skip


def _viewer(person: Person | None) -> access.Viewer:
    return access.Viewer(person.id, person.role) if person else access.ANYBODY


def _file(
    session: Session, incoming: Incoming, found: Route, right: authority.Authority
) -> list[Post]:
    """Put the parts of a message on their shelves and tell; copies of known posts stay away."""
    posts: list[Post] = []
    for place in found.places:
        letter = place.letter
        if posts:
            letter = replace(letter, reason=f"{letter.reason}; with {posts[0].id}")
        (filed,) = shelves.put(session, place.list_id, [letter])
        if filed.outcome == "duplicate":
            incoming.why = f"copy of post {filed.post_id}"
            continue
        post = session.get_one(Post, filed.post_id)
        posts.append(post)
        if right.held_why is None:
            routing.note_answer(session, post)
            outbox.record(session, PostFiled(post.id), key=f"post-filed:{post.id}")
        else:
            outbox.record(session, PostHeld(post.id), key=f"post-held:{post.id}")
    return posts


def _file_chosen(session: Session, mail: Mail, question: Mailing) -> None:
    """The sender says where an earlier answer belongs: file that one."""
    asked = session.get(Incoming, question.about) if question.about else None
    if asked is None:
        _give_up(session, mail.incoming, "answers a question that is not there")
        return
    if _is_filed(session, asked):
        mail.incoming.why = "answered before"
        return
    found, right = _chosen(session, mail, read(asked, inbox.message_of(asked)))
    if found is None:
        _give_up(session, mail.incoming, "no choice that we understand")
        return
    mail.incoming.why, asked.why = f"chose for {asked.id}", "the sender chose"
    _file(session, asked, found, right)


def _hear_whose(session: Session, mail: Mail, asked: Mailing) -> None:
    """A member says whether a post is theirs that came from an address we do not know."""
    why = claiming.hear(session, mail.incoming, mail.letter.own_words(), asked)
    if why is None:
        mail.incoming.why = "says whose an answer is"
    else:
        _give_up(session, mail.incoming, f"asked whose an answer is: {why}")


def _chosen(session: Session, mail: Mail, asked: Mail) -> tuple[Route | None, authority.Authority]:
    """Where the author of an earlier answer wants it; no route if it is somebody else's wish."""
    nobody = authority.Authority(None, authority.NOT_PROVED)
    person = authority.author_of(session, mail.message)
    list_id = routing.list_of(session, asked.incoming)
    digest = routing.digest_answered(session, asked.incoming, asked.letter)
    choice = _choice(session, mail.letter, digest)
    if choice is None or person is None or list_id is None:
        return None, nobody
    letter, right = _judged(session, list_id, asked)
    same = right.person is not None and right.person.id == person.id
    if not same or not authority.proved(session, person, mail.incoming, mail.message):
        return None, nobody
    if choice == 0:
        return Route((Place(list_id, replace(letter, references=())),)), right
    if digest is None:
        return None, nobody
    return routing.to_item(session, _viewer(right.person), letter, digest, choice), right


def _choice(session: Session, letter: Letter, digest: Mailing | None) -> int | None:
    """The item that somebody chose, by its number or its title; 0 for NEW; None if it is not clear.

    Who writes a sentence has not chosen: "I do not have 2 minutes for this".
    """
    lines = [line for line in letter.own_words().splitlines() if line.strip()]
    for line in lines[:_FIRST_LINES]:
        words = re.findall(r"\w+", line.casefold())
        said = {word for word in words if word == "new" or re.fullmatch(r"\d{1,3}", word)}
        if said and len(said) < 2 and len(words) <= _SHORT:
            word = said.pop()
            return 0 if word == "new" else int(word)
        if said:
            return None
    if digest is None or not lines or len(lines[0].split()) > _SHORT:
        return None
    return mentions.mentioned(routing.items_of(session, digest), lines[0])


def _give_up(session: Session, incoming: Incoming, why: str) -> None:
    incoming.why, incoming.state = why, "stuck"
    event = MailNotUnderstood(incoming.id)
    outbox.record(session, event, key=f"not-understood:{incoming.id}")


# --- what we send -----------------------------------------------------------------------------


def _letter_of_mailing(session: Session, mailing: Mailing) -> Letter:
    subject, source = mailing.subject, mailing.source
    if mailing.kind == "invitation" and mailing.about is not None:
        title, description = _meeting(session, mailing.about)
        subject, source = subject or title, source or description
    text = markdown.to_text(source) if source else ""
    at = mailing.planned_at or mailing.created_at
    return Letter(
        message_id=known_id(mailing.message_id), references=(), sent_at=at, received_at=at,
        dated=True, subject=readable(subject), topic=topic_of(subject), is_reply=False,
        author=settings.current().network_name, address="",
        passages=(Passage("own", readable(text)),),
        html=sanitise.clean(markdown.to_html(source)) if source else None,
        attachments=(), reason="mailing", mailing_id=mailing.id,
    )  # fmt: skip


def _meeting(session: Session, meeting_id: int) -> tuple[str, str]:
    # The room of meetings stands beside this one and is not imported; its table is read.
    meeting: Any = table("meeting", column("id"), column("title"), column("description"))
    wanted = select(meeting.c.title, meeting.c.description).where(meeting.c.id == meeting_id)
    row = session.execute(wanted).first()
    return (row.title, row.description) if row else ("", "")
