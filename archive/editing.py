"""What moderators say of places: discussions joined, split at a post, posts moved; each undone.

Each edit is one sentence about one Message-ID: it stands below that one, or it opens a discussion.
`archive.threading` obeys these sentences whenever it draws a discussion, so they hold whatever
arrives later, and undoing one leaves what the messages themselves say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive import access, leaves, targets, threading, weaving
from archive.access import NotAllowed, Viewer
from archive.leaves import Leaf
from archive.models import Edit, EditKind, Post, PostState, Reference, ReplyTarget, Thread
from core import clock, outbox
from core.events import DiscussionEdited

LONGEST_TITLE = 200


class NotPossible(Exception):
    """The edit cannot be made; the text says why, in a sentence for the moderator."""


def merge(session: Session, viewer: Viewer, thread: Thread, into: Thread) -> Edit:
    """Join a discussion to another of the same list: all of it, below the post that opens that one.

    Raises NotAllowed or NotPossible.
    """
    _begin(session, viewer, thread.list_id, into.list_id)
    if thread.id == into.id:
        raise NotPossible("That is the same discussion. Choose another one.")
    opening, below = _opening(session, thread), _opening(session, into)
    ground = _Ground.around(session, thread.list_id, opening, below)
    top = ground.top(opening)
    first = ground.leaves[opening.message_id]
    said = Edit(kind=EditKind.MERGE, message_id=top, below=below.message_id, topic=first.topic)
    return _say(session, viewer, ground, said, first)


def split(session: Session, viewer: Viewer, post: Post, title: str) -> Edit:
    """Make a post and its answers a discussion of their own, under a title.

    Without a title it is called after the post's subject. Raises NotAllowed or NotPossible.
    """
    _begin(session, viewer, post.list_id, post.list_id)
    _see(post)
    ground = _Ground.around(session, post.list_id, post)
    if ground.branch(post.message_id) == ground.discussion(post):
        raise NotPossible("This post opens its discussion already.")
    called = " ".join(title.split())[:LONGEST_TITLE]
    leaf = ground.leaves[post.message_id]
    said = Edit(kind=EditKind.SPLIT, message_id=post.message_id, title=called, topic=leaf.topic)
    return _say(session, viewer, ground, said, leaf)


def move(session: Session, viewer: Viewer, post: Post, below: Post | Thread) -> Edit:
    """Put a post and its answers below another post, or below the one that opens a discussion.

    Raises NotAllowed or NotPossible.
    """
    _begin(session, viewer, post.list_id, below.list_id)
    target = _opening(session, below) if isinstance(below, Thread) else below
    _see(post)
    _see(target)
    ground = _Ground.around(session, post.list_id, post, target)
    branch = ground.branch(post.message_id)
    if target.id == post.id:
        raise NotPossible("A post cannot stand below itself. Choose another post.")
    if target.message_id in branch:
        raise NotPossible("That post is an answer to the one you move. Choose another post.")
    if post.parent_id == target.id:
        raise NotPossible("The post stands there already.")
    # Who moves all of a discussion moves what is missing at its top too, and its later answers.
    whole = branch == ground.discussion(post)
    leaf = ground.leaves[post.message_id]
    said = Edit(
        kind=EditKind.MOVE, message_id=ground.top(post) if whole else post.message_id,
        below=target.message_id, topic=leaf.topic,
    )  # fmt: skip
    return _say(session, viewer, ground, said, leaf)


def undo(session: Session, viewer: Viewer, edit: Edit) -> None:
    """Take an edit back: all stands as it stood before, and as what came since says.

    Raises NotAllowed, or NotPossible if a later edit has to be undone first.
    """
    _begin(session, viewer, edit.list_id, edit.list_id)
    session.refresh(edit)
    if edit.undone_at is not None:
        raise NotPossible("This was undone already.")
    standing = leaves.standing_edits(session, edit.list_id)
    ids = {edit.message_id, edit.below, edit.was_below} - {""}
    ground = _Ground(weaving.around(session, edit.list_id, ids), standing)
    branch = ground.branch(edit.message_id)
    if standing[edit.message_id].id != edit.id or edit.was_below in branch:
        raise NotPossible("The post was moved again since. Undo the later change first.")
    edit.undone_at, edit.undone_by = clock.now(), viewer.person_id
    session.flush()
    _remember(session, ground, edit)
    back = sorted((ground.leaves[one] for one in branch), key=_age)
    claims = ground.claims(branch) + [(leaf.message_id, edit.was_in) for leaf in back[:1]]
    _weave(session, edit.list_id, ground, claims)
    event = DiscussionEdited(edit.id, undone=True)
    outbox.record(session, event, key=f"discussion-edited:{edit.id}:undone")


@dataclass(frozen=True, slots=True)
class _Ground:
    """The discussions that an edit is about, and all that depend on them."""

    leaves: dict[str, Leaf]
    edits: dict[str, Edit]

    @classmethod
    def around(cls, session: Session, list_id: int, *posts: Post) -> "_Ground":
        """The ground around posts."""
        ids = {post.message_id for post in posts}
        found = weaving.around(session, list_id, ids)
        return cls(found, leaves.standing_edits(session, list_id))

    def branch(self, message_id: str) -> set[str]:
        """The Message-IDs of a post and its answers; the post may be missing."""
        came = leaves.arrived(self.leaves.values(), self.edits)
        found = threading.branch(came, leaves.moved(self.edits), message_id)
        return {str(key) for key in found}

    def discussion(self, post: Post) -> set[str]:
        """The Message-IDs of all posts of the discussion of a post."""
        number = self.leaves[post.message_id].thread_id
        return {one.message_id for one in self.leaves.values() if one.thread_id == number}

    def top(self, post: Post) -> str:
        """The Message-ID above all of a discussion, whether or not that message is there."""
        came = leaves.arrived(self.leaves.values(), self.edits)
        return threading.arrange(came, leaves.moved(self.edits))[post.message_id].top or ""

    def claims(self, branch: set[str]) -> list[tuple[str, int]]:
        """Of each thread the first post that stays: it keeps the thread's number."""
        stays: dict[int, Leaf] = {}
        for leaf in sorted(self.leaves.values(), key=_age):
            if leaf.thread_id is not None and leaf.message_id not in branch:
                stays.setdefault(leaf.thread_id, leaf)
        return [(leaf.message_id, number) for number, leaf in sorted(stays.items())]


def _age(leaf: Leaf) -> tuple[bool, object, str]:
    return (leaf.parent_id is not None, leaf.sent_at, leaf.message_id)


def _begin(session: Session, viewer: Viewer, *lists: int) -> None:
    if not access.may_moderate(session, viewer, lists[0]):
        raise NotAllowed("Only moderators of the list may change its discussions.")
    if len(set(lists)) > 1:
        raise NotPossible("That is on another list. Choose a discussion of the same list.")
    weaving.take_turns(session, lists[0])


def _see(post: Post) -> None:
    if post.state != PostState.FILED:
        raise NotPossible("That post is not in the archive.")


def _opening(session: Session, thread: Thread) -> Post:
    posts = select(Post).where(Post.thread_id == thread.id, Post.state == PostState.FILED)
    first = session.scalar(
        posts.order_by(Post.parent_id.is_not(None), Post.sent_at, Post.message_id).limit(1)
    )
    if first is None:
        raise NotPossible("There is nothing in that discussion.")
    return first


def _say(session: Session, viewer: Viewer, ground: _Ground, said: Edit, leaf: Leaf) -> Edit:
    """Keep an edit, obey it, and record that it happened; `leaf` is the first of what moves."""
    before = ground.edits.get(said.message_id)
    own = ground.leaves.get(said.message_id)
    said.reason = before.reason if before else (own.reason if own and own.told else "")
    above = {one.post_id: one.message_id for one in ground.leaves.values()}
    said.was_below = above[leaf.parent_id] if leaf.parent_id is not None else ""
    assert leaf.thread_id is not None
    assert viewer.person_id is not None
    said.list_id = session.get_one(Thread, leaf.thread_id).list_id
    said.was_in, said.person_id, said.at = leaf.thread_id, viewer.person_id, clock.now()
    branch = ground.branch(said.message_id)
    session.add(said)
    session.flush()
    _weave(session, said.list_id, ground, ground.claims(branch))
    event = DiscussionEdited(said.id, undone=False)
    outbox.record(session, event, key=f"discussion-edited:{said.id}")
    return said


def _remember(session: Session, ground: _Ground, edit: Edit) -> None:
    """Give a post back what was known of its place, if nobody's word on it stands any more."""
    leaf = ground.leaves.get(edit.message_id)
    if leaf is None or edit.message_id in leaves.standing_edits(session, edit.list_id):
        return
    reason = edit.reason or threading.NEW
    session.execute(update(Post).where(Post.id == leaf.post_id).values(reason=reason))
    ground.leaves[edit.message_id] = replace(leaf, reason=reason)


def _weave(
    session: Session, list_id: int, ground: _Ground, claims: Sequence[tuple[str, int]]
) -> None:
    weaving.weave_around(session, list_id, ground.leaves, claims)
    touched = {leaf.thread_id for leaf in ground.leaves.values()} | {one for _, one in claims}
    _follow(session, list_id, touched)


def _follow(session: Session, list_id: int, threads: set[int | None]) -> None:
    """Items without a post lead to where the answers to them stand that nobody has moved."""
    loose = select(ReplyTarget).where(
        ReplyTarget.list_id == list_id, ReplyTarget.post_id.is_(None),
        ReplyTarget.thread_id.is_not(None),
    )  # fmt: skip
    edits = leaves.standing_edits(session, list_id)
    for target in session.scalars(loose):
        answers = (
            select(Post.message_id, Post.thread_id)
            .join(Reference, Reference.post_id == Post.id)
            .where(Reference.message_id == targets.number_of(target), Reference.position == 0)
            .where(Post.list_id == list_id, Post.state == PostState.FILED)
            .order_by(Post.sent_at, Post.message_id)
        )
        rows = [row for row in session.execute(answers) if row.message_id not in edits]
        if rows and rows[0].thread_id in threads | {target.thread_id}:
            target.thread_id = rows[0].thread_id
    session.flush()
