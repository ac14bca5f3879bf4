"""Who may read what: the one decision that pages, search, feeds, digests and routing share."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session

from archive.models import Post, PostState
from core.among import among
from subscribers.models import (
    MailingList,
    Organisation,
    OrganisationKind,
    Person,
    Role,
    Standing,
    Subscription,
)

#: A closed list is for these; leaving a council ends access at once.
SECTOR = (OrganisationKind.COUNCIL, OrganisationKind.HOST)
_EVERYWHERE = (Role.COORDINATOR, Role.OPERATOR)


class NotAllowed(Exception):
    """The person may not do this; the text says what they may not do."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks; a person, or nobody known."""

    person_id: int | None = None
    role: str = Role.MEMBER


ANYBODY = Viewer()


def viewer(session: Session, person_id: int | None) -> Viewer:
    """The viewer that a person is; an unknown or missing id is anybody."""
    person = session.get(Person, person_id) if person_id is not None else None
    return Viewer(person.id, person.role) if person else ANYBODY


def may_read(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `list` rows that the viewer may read; for use inside a query."""
    if viewer.person_id is None:
        return false()
    if viewer.role in _EVERYWHERE:
        return true()
    return MailingList.id.in_(_lists_of(viewer.person_id))


def _lists_of(person_id: int) -> Select[int]:
    sector = select(Person.id).where(Person.id == person_id, _in_sector())
    return (
        select(Subscription.list_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            Subscription.person_id == person_id,
            _takes_part(),
            or_(MailingList.closed.is_(False), sector.exists()),
        )
    )


def _in_sector() -> ColumnElement[bool]:
    """The condition on `person` rows of those for whom closed lists are."""
    return Person.organisation_id.in_(select(Organisation.id).where(Organisation.kind.in_(SECTOR)))


def _takes_part() -> ColumnElement[bool]:
    """The condition on `subscription` rows: a suspended mailbox is dead, its owner is not."""
    return Subscription.state.in_((Standing.ACTIVE, Standing.SUSPENDED))


def readable_lists(viewer: Viewer) -> Select[int]:
    """The ids of the lists that the viewer may read, as a query to put into another."""
    return select(MailingList.id).where(may_read(viewer))


def may_read_list(session: Session, viewer: Viewer, list_: MailingList | int) -> bool:
    """Whether the viewer may read a list."""
    list_id = list_ if isinstance(list_, int) else list_.id
    return session.scalar(readable_lists(viewer).where(MailingList.id == list_id)) is not None


def readers_among(session: Session, list_: MailingList, people: Collection[int]) -> set[int]:
    """Who of these people may read a list: the same decision, for many at once."""
    on_it = Person.id.in_(
        select(Subscription.person_id).where(
            Subscription.list_id == list_.id, among(Subscription.person_id, "people"), _takes_part()
        )
    )
    reads = and_(on_it, _in_sector()) if list_.closed else on_it
    them = select(Person.id).where(
        among(Person.id, "people"), or_(Person.role.in_(_EVERYWHERE), reads)
    )
    return set(session.scalars(them, {"people": people}))


def visible_lists(session: Session, viewer: Viewer) -> list[MailingList]:
    """The lists that the viewer may read, the main ones first."""
    wanted = select(MailingList).where(may_read(viewer))
    order = (MailingList.parent_id.is_not(None), MailingList.title)
    return list(session.scalars(wanted.order_by(*order)))


def may_read_post(session: Session, viewer: Viewer, post: Post) -> bool:
    """Whether the viewer may read a post; what is held or rejected only moderators see."""
    if post.state == PostState.FILED:
        return may_read_list(session, viewer, post.list_id)
    return may_moderate(session, viewer, post.list_id)


def moderated_lists(viewer: Viewer) -> Select[int]:
    """The ids of the lists that the viewer moderates, as a query to put into another."""
    if viewer.person_id is None:
        return select(MailingList.id).where(false())
    if viewer.role in _EVERYWHERE:
        return select(MailingList.id)
    return select(Subscription.list_id).where(
        Subscription.person_id == viewer.person_id,
        Subscription.state == Standing.ACTIVE,
        Subscription.moderator.is_(True),
        Subscription.list_id.in_(_lists_of(viewer.person_id)),
    )


def may_moderate(session: Session, viewer: Viewer, list_: MailingList | int) -> bool:
    """Whether the viewer may decide about posts of a list."""
    list_id = list_ if isinstance(list_, int) else list_.id
    lists = moderated_lists(viewer).subquery()
    return session.scalar(select(lists).where(lists.c[0] == list_id)) is not None
