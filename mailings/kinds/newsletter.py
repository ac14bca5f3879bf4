"""Newsletter: what a coordinator wrote in Markdown, to all members of a list."""

from sqlalchemy.orm import Session

from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Origin
from subscribers import audience
from subscribers.audience import Audience


def recipients(session: Session, mailing: Mailing) -> Audience:
    """All members of the list, however they take posts."""
    return audience.members_of(session, mailing.list_id or 0)


def facts(_session: Session, mailing: Mailing) -> Facts:
    """The text in both forms."""
    return Facts(words={"title": mailing.subject, **wording.written(mailing.source)})


KIND = Kind(
    name="newsletter", audience=recipients, facts=facts, origin=Origin.PERSON, bulk=True,
    discussion=True, priority=5,
)  # fmt: skip
