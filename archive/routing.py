"""Where an answer belongs: by reply address, by Message-ID, by what it quotes, numbers or names.

The ladder, best evidence first: the reply token of the address written to; In-Reply-To and
References (`archive.threading` takes those); for a digest its items (`archive.items`); a visible
`[#123]`; the subject. Nothing goes into a list that the sender may not see.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, union_all, update
from sqlalchemy.orm import Session

from archive import access, authority, items, sections, targets
from archive.letters import Letter, another_id, known_id
from archive.models import Post, PostState, Reference, ReplyTarget, Thread
from archive.targets import Item
from core.among import among
from mailer.models import Delivery, Incoming, Mailing, MessageAlias
from message import quoting
from message import subject as subjects
from subscribers.models import Person

TOKEN = "reply token"  # noqa: S105
ANSWERED = "answered"
#: Mailings whose Message-ID is that of the post which opens their discussion.
OPENS_DISCUSSION = frozenset({"newsletter", "invitation"})
#: An answer without any reference may be to one of so many digests.
MOST_DIGESTS = 60
VISIBLE = re.compile(r"\[#(\d{1,9})\]")


@dataclass(frozen=True, slots=True)
class Place:
    """A list, what is to be filed there, and the target that it answers, if any."""

    list_id: int
    letter: Letter
    target: ReplyTarget | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes, in parts if it answers several items.

    `ask`: it answers a digest, but which item cannot be told; the places are then those it would
    go to as a discussion of its own.
    """

    places: tuple[Place, ...]
    ask: bool = False


def route(
    session: Session, list_id: int, viewer: access.Viewer, incoming: Incoming, letter: Letter
) -> Route:
    """Find the place of a message that was written to a list or to a reply address."""
    token = authority.reply_token(incoming)
    mailing, item = None, 0
    if token is not None:
        delivery = session.get(Delivery, token.ids[0])
        mailing, item = (delivery.mailing if delivery else None), token.ids[1]
    resolved, answered = _resolve(session, list_id, letter)
    by_token = mailing is not None
    mailing = mailing or answered or named_by_subject(session, list_id, resolved)
    if mailing is not None:
        marks = targets.targets_of(session, mailing.id)
        marked = next((mark for mark in marks if mark.item == item), None) if item else None
        if marked is not None and access.may_read_list(session, viewer, marked.list_id):
            return _to_target(session, resolved, marked, TOKEN)
        if any(mark.item for mark in marks):
            copy = token.ids[0] if token is not None else None
            return _by_items(session, list_id, viewer, resolved, mailing, copy)
        if by_token:
            return _to_mailing(session, list_id, viewer, resolved, mailing)
    return _by_number(session, list_id, resolved)


def list_of(session: Session, incoming: Incoming) -> int | None:
    """The list that a message is for: that of the item it answers, or the one written to."""
    token = authority.reply_token(incoming)
    delivery = session.get(Delivery, token.ids[0]) if token else None
    if token is None or delivery is None:
        return incoming.list_id
    item = select(ReplyTarget.list_id).where(
        ReplyTarget.mailing_id == delivery.mailing_id, ReplyTarget.item == token.ids[1]
    )
    return session.scalar(item) or delivery.mailing.list_id or incoming.list_id


def to_item(
    session: Session, viewer: access.Viewer, letter: Letter, digest: Mailing, number: int
) -> Route | None:
    """The route to the item that the sender named; None if there is none that they may see."""
    for target in _readable_targets(session, viewer, digest):
        if target.item == number and number:
            return _to_target(session, letter, target, ANSWERED)
    return None


def digest_answered(session: Session, incoming: Incoming, letter: Letter) -> Mailing | None:
    """The mailing of ours that a message replies to.

    By its reply address, its nearest known id, or the subject of a digest.
    """
    token = authority.reply_token(incoming)
    delivery = session.get(Delivery, token.ids[0]) if token else None
    if delivery is not None:
        return delivery.mailing
    list_id = incoming.list_id or 0
    known = mailings_of(session, letter.references) if letter.references else {}
    nearest = _nearest(session, list_id, letter, known)
    return nearest or named_by_subject(session, list_id, letter)


def items_of(session: Session, digest: Mailing) -> list[Item]:
    """The items of a digest."""
    return [
        Item(mark.item, mark.list_id, mark.thread_id, mark.post_id, mark.title, mark.words)
        for mark in targets.targets_of(session, digest.id)
        if mark.item
    ]


def choices(session: Session, person: Person | None, digest: Mailing) -> list[ReplyTarget]:
    """The items of a digest among which somebody may choose: those of lists that they read."""
    viewer = access.Viewer(person.id, person.role) if person else access.ANYBODY
    return [mark for mark in _readable_targets(session, viewer, digest) if mark.item]


def note_answer(session: Session, post: Post) -> None:
    """An item that had no thread has one as soon as an answer to it is filed."""
    number = session.scalar(
        select(Reference.message_id).where(Reference.post_id == post.id, Reference.position == 0)
    )
    item, mailing = targets.numbers_in(number or "")
    if mailing:
        session.execute(
            update(ReplyTarget)
            .where(ReplyTarget.mailing_id == mailing, ReplyTarget.item == item)
            .where(ReplyTarget.list_id == post.list_id, ReplyTarget.thread_id.is_(None))
            .values(thread_id=post.thread_id)
        )


# --- Message-IDs ------------------------------------------------------------------------------


def mailings_of(session: Session, ids: Sequence[str]) -> dict[str, Mailing]:
    """The mailings that were sent, or seen on the wire, under these Message-IDs."""
    named = ids_of_ours(session, ids)
    if not named:
        return {}
    wanted = select(Mailing).where(Mailing.id.in_(set(named.values())))
    mailings = {mailing.id: mailing for mailing in session.scalars(wanted)}
    return {message_id: mailings[number] for message_id, number in named.items()}


# Two questions in one; each finds its index.
_OURS = union_all(
    select(Mailing.message_id, Mailing.id).where(among(Mailing.message_id, "ids")),
    select(MessageAlias.message_id, MessageAlias.mailing_id).where(
        among(MessageAlias.message_id, "ids")
    ),
)


def ids_of_ours(session: Session, ids: Sequence[str]) -> dict[str, int]:
    """Those of the Message-IDs under which mailings were sent, or seen on the wire, by mailing."""
    if not ids:
        return {}
    return {row[0]: row[1] for row in session.connection().execute(_OURS, {"ids": ids})}


def _resolve(session: Session, list_id: int, letter: Letter) -> tuple[Letter, Mailing | None]:
    """References to mailings of ours turned into those of the posts they carried.

    Also the mailing that is answered, when the nearest reference is one with items.
    """
    mailings = mailings_of(session, letter.references) if letter.references else {}
    if not mailings:
        return letter, None
    ids: list[str] = []
    nearest = _nearest(session, list_id, letter, mailings)
    for message_id in letter.references:
        mailing = mailings.get(message_id)
        if mailing is None:
            ids.append(message_id)
        elif mailing.kind == "post":
            post = session.get(Post, mailing.about) if mailing.about else None
            if post is not None and post.list_id == list_id:
                ids.append(post.message_id)
        elif mailing.kind in OPENS_DISCUSSION:
            ids.append(known_id(mailing.message_id))
    carries = nearest is not None and (nearest.kind == "post" or nearest.kind in OPENS_DISCUSSION)
    return replace(letter, references=tuple(dict.fromkeys(ids))), None if carries else nearest


def _nearest(
    session: Session, list_id: int, letter: Letter, mailings: Mapping[str, Mailing]
) -> Mailing | None:
    """The mailing among the references, unless a post of the list is nearer.

    What else is nearer (one's own letter, a colleague's who passed it on) never came to us.
    """
    place = next((at for at, one in enumerate(letter.references) if one in mailings), None)
    if place is None:
        return None
    nearer = select(Post.id).where(
        Post.list_id == list_id, Post.message_id.in_(letter.references[:place])
    )
    if place and session.scalar(nearer.limit(1)) is not None:
        return None
    return mailings[letter.references[place]]


def named_by_subject(session: Session, list_id: int, letter: Letter) -> Mailing | None:
    """The digest whose subject an answer without any reference has."""
    topic = subjects.base_subject(letter.subject)
    if letter.references or not letter.is_reply or not topic:
        return None
    with_items = select(ReplyTarget.mailing_id).where(ReplyTarget.item > 0)
    sent = (
        select(Mailing)
        .where(Mailing.list_id == list_id, Mailing.id.in_(with_items))
        .order_by(Mailing.id.desc())
        .limit(MOST_DIGESTS)
    )
    same = (one for one in session.scalars(sent) if subjects.base_subject(one.subject) == topic)
    return next(same, None)


# --- targets ----------------------------------------------------------------------------------


def _readable_targets(
    session: Session, viewer: access.Viewer, mailing: Mailing
) -> list[ReplyTarget]:
    """The targets of a mailing on lists that the sender may read: no others exist for them."""
    return [
        target
        for target in targets.targets_of(session, mailing.id)
        if access.may_read_list(session, viewer, target.list_id)
    ]


def _to_target(session: Session, letter: Letter, target: ReplyTarget, reason: str) -> Route:
    pinned = replace(letter, references=_pin(session, target), reason=reason)
    return Route((Place(target.list_id, pinned, target),))


def _pin(session: Session, target: ReplyTarget) -> tuple[str, ...]:
    """The Message-ID below which an answer to a target hangs, whether or not it is there yet."""
    if target.post_id is not None:
        post = session.get(Post, target.post_id)
        if post is not None:
            return (post.message_id,)
    number = targets.number_of(target)
    if target.thread_id is None:
        return (number,)
    # Without a post, the first answers opened the thread: all stand side by side in it.
    if session.scalar(select(Reference.post_id).where(Reference.message_id == number).limit(1)):
        return (number,)
    return (_opening(session, target.thread_id) or number,)


def _opening(session: Session, thread_id: int) -> str | None:
    """The Message-ID of the post that opened a thread."""
    posts = select(Post.message_id).where(
        Post.thread_id == thread_id, Post.state == PostState.FILED
    )
    return session.scalar(posts.order_by(Post.parent_id.is_not(None), Post.sent_at).limit(1))


def _to_mailing(
    session: Session, list_id: int, viewer: access.Viewer, letter: Letter, mailing: Mailing
) -> Route:
    """An answer to the whole of a newsletter, an announcement or the copy of a post."""
    if mailing.kind == "post":
        post = session.get(Post, mailing.about) if mailing.about else None
        if post is None or not access.may_read_list(session, viewer, post.list_id):
            return _by_number(session, list_id, letter)
        pin, list_id = post.message_id, post.list_id
    elif mailing.kind in OPENS_DISCUSSION:
        pin = known_id(mailing.message_id)
    else:
        return _by_number(session, list_id, letter)
    if not _finer(session, list_id, pin, letter):
        letter = replace(letter, references=(pin,), reason=TOKEN)
    return Route((Place(list_id, letter),))


def _finer(session: Session, list_id: int, pin: str, letter: Letter) -> bool:
    """Whether the nearest reference is another post of the discussion that the token names."""
    if not letter.references or letter.references[0] == pin:
        return False
    there = select(Post.thread_id).where(Post.list_id == list_id, Post.state == PostState.FILED)
    nearest = session.scalar(there.where(Post.message_id == letter.references[0]))
    named = session.scalar(there.where(Post.message_id == pin))
    return nearest is not None and nearest == named


def _by_items(
    session: Session,
    list_id: int,
    viewer: access.Viewer,
    letter: Letter,
    mailing: Mailing,
    copy: int | None,
) -> Route:
    """An answer to a whole digest: its parts go to the items that they are about.

    An item that the sender may not read counts too, lest its answer goes to its neighbour.
    """
    marks = {mark.item: mark for mark in targets.targets_of(session, mailing.id) if mark.item}
    things = items_of(session, mailing)
    said = sections.sections_of(session, mailing, copy, viewer.person_id)
    passages = letter.passages
    if said is not None:
        body = "".join(passage.text for passage in passages)
        passages = tuple(quoting.split(body, said.known, letter.author))
        letter = replace(letter, passages=passages)
    answers = items.sort_out(
        things, letter.subject, mailing.subject, passages, said.words if said else None
    )
    readable = {mark.item for mark in _readable_targets(session, viewer, mailing)}
    if not answers or any(one.number not in readable for one in answers if one.number is not None):
        return Route((Place(list_id, letter),), ask=True)
    return Route(
        tuple(_part(session, list_id, letter, marks, answers, turn) for turn in range(len(answers)))
    )


def _part(
    session: Session,
    list_id: int,
    letter: Letter,
    marks: Mapping[int, ReplyTarget],
    answers: Sequence[items.Answer],
    turn: int,
) -> Place:
    """One of the answers in a message, as a letter of its own."""
    answer = answers[turn]
    target = marks[answer.number] if answer.number is not None else None
    pin = _pin(session, target) if target else ()
    part = replace(letter, references=pin, reason=answer.reason, passages=answer.passages)
    if len(answers) > 1:
        part = replace(part, html=None)  # it cannot be cut as the text can
    if turn:
        name = another_id(letter.message_id, f"item-{turn + 1}")
        part = replace(part, message_id=name, attachments=())
    return Place(target.list_id if target else list_id, part, target)


def _by_number(session: Session, list_id: int, letter: Letter) -> Route:
    """A visible `[#123]` names a thread of the list; else references and subject decide."""
    numbers = {int(number) for number in VISIBLE.findall(letter.subject)}
    if len(numbers) == 1 and not letter.references:
        thread = session.get(Thread, numbers.pop())
        while thread is not None and thread.merged_into is not None:
            thread = session.get(Thread, thread.merged_into)
        if thread is not None and thread.list_id == list_id and thread.posts:
            opening = _opening(session, thread.id)
            if opening is not None:
                letter = replace(letter, references=(opening,), reason=items.VISIBLE)
    return Route((Place(list_id, letter),))
