"""Leavers: tells the coordinators, once a day at most, whose mailbox is gone and whom to ask."""

from sqlalchemy.orm import Session

from core import links
from core.events import LeaversFound
from mailer.models import Mailing
from mailings import wording
from mailings.kind import Facts, Kind, Occasion
from subscribers import audience, leavers, people
from subscribers.audience import Audience
from subscribers.models import Leaver, Person

#: So many colleagues are named.
MOST = 2


def occasion(session: Session, event: LeaversFound) -> Occasion | None:
    """Once for each day, unless all came back meanwhile."""
    found = leavers.told(session, event.until)
    return Occasion(found[-1].id) if found else None


def recipients(session: Session, _mailing: Mailing) -> Audience:
    """All coordinators."""
    return audience.coordinators(session)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Who seems to have left, on which lists they were, and whom one can ask."""
    until = session.get_one(Leaver, mailing.about).told_at
    found = leavers.told(session, until) if until else []
    names = [_named(each.person) for each in found]
    return Facts(
        words={
            "title": names[0] if len(names) == 1 else f"{len(names)} people",
            "verb": "seems" if len(names) == 1 else "seem",
            "people": [_words(session, each) for each in found],
            "desk": links.desk("/leavers"),
        }
    )


def _named(person: Person) -> str:
    organisation = person.organisation.name if person.organisation else ""
    return wording.with_organisation(person.name, organisation)


def _words(session: Session, leaver: Leaver) -> dict[str, object]:
    person = leaver.person
    lists = [list_.title for list_ in people.lists_of(session, person.id)]
    others = leavers.colleagues(session, person)[:MOST]
    return {
        "who": _named(person),
        "address": person.addresses[0].mailbox if person.addresses else "",
        "since": wording.spoken_day(leaver.at),
        "lists": wording.joined(lists),
        "ask": [
            {"name": one.name, "address": people.preferred_address(one).mailbox} for one in others
        ],
    }


KIND = Kind(
    name="leavers", trigger=LeaversFound, occasion=occasion, audience=recipients, facts=facts
)
