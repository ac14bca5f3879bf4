"""Moderation: asks the moderators of a list to look at a post that waits."""

from sqlalchemy.orm import Session

from archive import authority
from archive.models import Post, PostState
from core import links
from core.events import PostHeld
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from subscribers import audience
from subscribers.audience import Audience

#: Why a post waits, said to those who decide.
WHY = {
    authority.NOT_A_MEMBER: "it does not come from a member of the list.",
    authority.NOT_PROVED: "we could not tell for certain that this person sent it.",
    authority.ANNOUNCEMENTS: "the list is for announcements.",
}
OTHERWISE = "it needs a decision."


def occasion(session: Session, event: PostHeld) -> Occasion | None:
    """Each held post once, as long as nobody has decided."""
    post = session.get(Post, event.post)
    if post is None or post.state != PostState.HELD:
        return None
    return Occasion(post.id, post.list_id)


def recipients(session: Session, mailing: Mailing) -> Audience:
    """The moderators of the list, else the coordinators."""
    return audience.moderators_of(session, mailing.list_id or 0)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Who wrote, about what, and how it begins."""
    post = session.get_one(Post, mailing.about)
    return Facts(
        words={
            "title": post.subject or "(no subject)",
            "author": wording.with_organisation(post.author, post.organisation),
            "why": _why(post.held_why or ""),
            "words": wording.extract(post.own_words) or "(no text)",
            "desk": links.desk("/held"),
        }
    )


def _why(held_why: str) -> str:
    reason, _, detail = held_why.partition(": ")
    said = WHY.get(reason, OTHERWISE)
    return f"{said.removesuffix('.')} ({detail})." if detail and reason in WHY else said


KIND = Kind(
    name="moderation", trigger=PostHeld, occasion=occasion, audience=recipients, facts=facts
)
