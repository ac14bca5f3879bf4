"""Post: what a member wrote, to the members who take each post of the list."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import reading
from archive.models import Post, PostState
from archive.targets import Item
from core import addresses, database, links, settings
from core.events import Event, PostFiled
from mailer.models import Mailing
from mailings import wording
from mailings.answered import answered
from mailings.kind import Facts, Kind, Occasion, Origin
from message import redact
from message import subject as subjects
from subscribers import audience
from subscribers.audience import Audience
from subscribers.models import MailingList, Mode, Subscription


def occasion(session: Session, event: PostFiled) -> Occasion | None:
    """Each post that came by mail, once; what we sent ourselves everybody has had."""
    post = session.get(Post, event.post)
    database.hold(session, post)
    if post is None or post.state != PostState.FILED:
        return None
    if post.mailing_id is not None or post.incoming_id is None:
        return None
    return Occasion(post.id, post.list_id)


def wanted(session: Session, events: Sequence[PostFiled]) -> Sequence[Event]:
    """Those about posts of lists of which anybody takes each post."""
    posts = select(Post.id, Post.list_id).where(Post.id.in_([event.post for event in events]))
    list_of = {row.id: row.list_id for row in session.execute(posts)}
    taken = select(Subscription.list_id).where(
        Subscription.list_id.in_(set(list_of.values())), Subscription.mode == Mode.EACH
    )
    lists = set(session.scalars(taken.distinct()))
    return [event for event in events if list_of.get(event.post) in lists]


def recipients(session: Session, mailing: Mailing) -> Audience:
    """Who takes each post; the author too, who sees by it that it went out."""
    return audience.members_of(session, mailing.list_id or 0, {Mode.EACH})


def facts(session: Session, mailing: Mailing) -> Facts:
    """The words of the post, what it answers, and its files."""
    post = session.get_one(Post, mailing.about)
    list_ = session.get_one(MailingList, post.list_id)
    database.hold(session, list_)
    above = answered(session, post)
    author = wording.with_organisation(post.author, post.organisation)
    files = reading.attachments_of(session, [post.id]).get(post.id, [])
    page = links.post(post.id)
    return Facts(
        words={
            "title": title_of(post),
            "author": author,
            "text": _text(post),
            "url": page,
            "files": [
                {"name": file.name, "size": wording.size_of_file(file.size)} for file in files
            ],
        },
        # RFC 9989 §7.4: From is ours, whatever the author's domain says; the name is theirs.
        sender=f"{author} via {list_.title}",
        sender_address=addresses.of_author(list_.name, post.person_id, list_.id)
        if post.person_id is not None
        else "",
        answers=above.ids(),
        index=above.index(),
        items=(Item(0, post.list_id, post.thread_id, post.id, post.subject, post.own_words),),
        archived_at=page,
    )


def title_of(post: Post) -> str:
    """The subject as it was written, with at most one "Re:" before it."""
    subject = post.subject.strip() or post.thread.subject or "(no subject)"
    is_answer = post.is_reply or subjects.is_reply(subject)
    return subjects.prefixed(subject) if is_answer else subject


def _text(post: Post) -> str:
    text = wording.own_and_quoted(reading.parts_of(post))
    setting = settings.current()
    return redact.strip_secrets(text, setting.domain, setting.separator, setting.base_url)


KIND = Kind(
    name="post", trigger=PostFiled, occasion=occasion, audience=recipients, facts=facts,
    origin=Origin.PERSON, bulk=True, discussion=True, priority=4, wanted=wanted,
)  # fmt: skip
