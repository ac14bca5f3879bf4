"""The network's lists: created, found by name."""

import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses, clock, settings
from subscribers.models import MailingList, Mode

#: With the separator and a token of 43 characters it fits a local part (RFC 5321 §4.5.3.1.1).
LONGEST_NAME = 20
#: Mailboxes that others expect to mean something else (RFC 2142 §§1, 3-5).
RESERVED = addresses.COMMANDS | {
    addresses.OFFICE, "abuse", "bounces", "hostmaster", "mailer-daemon", "noc", "postmaster",
    "root", "security", "webmaster",
}  # fmt: skip


class BadList(ValueError):
    """A list cannot be created like this; the text says why and what to do."""


def create(
    session: Session,
    name: str,
    title: str,
    *,
    description: str = "",
    parent_id: int | None = None,
    closed: bool = False,
    announce_only: bool = False,
    default_mode: Mode = Mode.MONTHLY,
) -> MailingList:
    """Create a list; `name` is what stands before the @. Raises BadList."""
    wanted = _good_name(name)
    words = " ".join(title.split())
    if not words or len(words) > 200:
        raise BadList("Give the list a title with 200 characters or fewer.")
    if by_name(session, wanted) is not None:
        raise BadList(f"There is a list {wanted} already: choose another name.")
    if parent_id is not None and session.get(MailingList, parent_id) is None:
        raise BadList("The list of which it is to be a subgroup does not exist.")
    made = MailingList(
        name=wanted, title=words, description=" ".join(description.split()),
        parent_id=parent_id, closed=closed, announce_only=announce_only,
        default_mode=default_mode, created_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _good_name(text: str) -> str:
    name = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", name) or len(name) > LONGEST_NAME:
        raise BadList(
            f"{text} cannot be the name of a list: use up to {LONGEST_NAME} of the letters a to z, "
            "digits and hyphens, beginning and ending with a letter or digit."
        )
    if name in RESERVED:
        raise BadList(f"The address {name} is kept for something else: choose another name.")
    if settings.current().separator in name:
        raise BadList(f"The name must not contain the separator {settings.current().separator}.")
    return name


def by_name(session: Session, name: str) -> MailingList | None:
    """The list of that name, in whatever case it is written."""
    return session.scalar(select(MailingList).where(MailingList.name == name.strip().lower()))


def named(session: Session, names: Collection[str]) -> list[MailingList]:
    """The lists of these names, which are in lower case."""
    return list(session.scalars(select(MailingList).where(MailingList.name.in_(names))))


def all_lists(session: Session) -> list[MailingList]:
    """All lists, main ones first, by title."""
    order = (MailingList.parent_id.is_not(None), MailingList.title, MailingList.id)
    return list(session.scalars(select(MailingList).order_by(*order)))
