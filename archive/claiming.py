"""Whose an answer is that came from an address we do not know to a reply address of a member.

Officers write from shared mailboxes, telephones and new addresses. A reply address was given to one
person only; so that person is asked, and says whether it is theirs.
"""

import re

from sqlalchemy import update
from sqlalchemy.orm import Session

from archive import access, authority, moderation
from archive.models import Post, PostState
from mailer.models import Delivery, Incoming, Mailing
from subscribers.models import MailingList, Person

#: "Yes", as the first word, in languages of these islands and of their neighbours; and what means
#: that only where nothing follows it.
_YES = re.compile(
    r"\W*(?:(?:yes|yep|yeah|ydy|ydi|oui|ja|sì|sí|tá)\b"
    r"|(?:y|ie|si|mine|it is|(?:it|that)(?: is|['’]s) mine)[ \t]*(?:[.,!;]|$))",
    re.I | re.M,
)
#: For these reasons a post is held because of who wrote it, or seems to have.
_WHO = (authority.NOT_A_MEMBER, authority.NOT_PROVED)


def owner(session: Session, incoming: Incoming) -> Person | None:
    """The person who was given the reply address that a message came to, if it was one."""
    token = authority.reply_token(incoming)
    delivery = session.get(Delivery, token.ids[0]) if token else None
    if delivery is None or delivery.person_id is None:
        return None
    return session.get(Person, delivery.person_id)


def to_be_asked(session: Session, post: Post) -> Person | None:
    """Who may say that a held post is theirs; None where nobody need be asked."""
    if post.state != PostState.HELD or not (post.held_why or "").startswith(_WHO):
        return None
    incoming = session.get(Incoming, post.incoming_id) if post.incoming_id else None
    person = owner(session, incoming) if incoming else None
    if person is None or person.id == post.person_id:
        return None
    list_ = session.get_one(MailingList, post.list_id)
    reads = bool(access.readers_among(session, list_, [person.id]))
    return person if reads and not list_.announce_only else None


def hear(session: Session, incoming: Incoming, words: str, asked: Mailing) -> str | None:
    """File a held post as its owner's if these words of theirs say so; else why it still waits.

    Only they have the address to which `incoming` came. Anything but a yes leaves it to the
    moderators.
    """
    post = session.get(Post, asked.about) if asked.about else None
    person = to_be_asked(session, post) if post is not None else None
    if post is None or person is None:
        return "it was decided before"
    if owner(session, incoming) != person:
        return "somebody else says whose an answer is"
    if not _YES.match(words):
        return "it does not say yes"
    organisation = person.organisation.name if person.organisation else ""
    taken = session.execute(
        update(Post)
        .where(Post.id == post.id, Post.state == PostState.HELD)
        .values(
            state=PostState.FILED, held_why=None, person_id=person.id,
            author=person.name or post.author, organisation=organisation,
        )
        .returning(Post.id)
    ).scalar()  # fmt: skip
    if taken is not None:
        session.refresh(post)
        moderation.weave_in(session, post)
    return None
