"""Posts that wait for a moderator: who sees them, and what becomes of them, once."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from archive import access, leaves, routing, search, weaving
from archive.access import NotAllowed, Viewer
from archive.models import Post, PostState
from core import outbox
from core.events import PostFiled


def held(session: Session, viewer: Viewer) -> list[Post]:
    """The posts that wait on lists which the viewer moderates, oldest first."""
    wanted = select(Post).where(
        Post.state == PostState.HELD, Post.list_id.in_(access.moderated_lists(viewer))
    )
    return list(session.scalars(wanted.order_by(Post.received_at, Post.id)))


def approve(session: Session, post_id: int, by: int) -> bool:
    """File a held post in its thread and record PostFiled.

    Returns whether it was waiting: when two moderators act at once, one acts. Raises NotAllowed
    if `by` (a person) does not moderate the list.
    """
    post = _decide(session, post_id, by, PostState.FILED)
    if post is None:
        return False
    weave_in(session, post)
    return True


def weave_in(session: Session, post: Post) -> None:
    """Give a post that is held no more its place, and record PostFiled."""
    weaving.take_turns(session, post.list_id)
    leaf = leaves.leaf_of(session, post)
    woven = weaving.weave(session, post.list_id, [leaf])
    places = weaving.places(woven, {post.message_id: post.id})
    post.thread_id, post.parent_id, post.reason = places[post.message_id]
    session.flush()
    weaving.settle(session, woven, places)
    session.refresh(post)
    search.index(session, post)
    routing.note_answer(session, post)
    outbox.record(session, PostFiled(post.id), key=f"post-filed:{post.id}")


def reject(session: Session, post_id: int, by: int, why: str) -> bool:
    """Put a held post away; it is kept, and moderators still see it.

    Returns whether it was waiting. Raises NotAllowed if `by` does not moderate the list.
    """
    post = _decide(session, post_id, by, PostState.REJECTED)
    if post is None:
        return False
    post.held_why = f"{post.held_why}; rejected: {why}" if why else post.held_why
    return True


def _decide(session: Session, post_id: int, by: int, state: PostState) -> Post | None:
    post = session.get(Post, post_id)
    if post is None or not access.may_moderate(session, access.viewer(session, by), post.list_id):
        raise NotAllowed("Only moderators of the list may decide about its posts.")
    taken = session.execute(
        update(Post)
        .where(Post.id == post_id, Post.state == PostState.HELD)
        .values(state=state)
        .returning(Post.id)
    ).scalar()
    if taken is None:
        return None
    session.refresh(post)
    return post
