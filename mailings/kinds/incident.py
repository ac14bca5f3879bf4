"""Incident: tells the coordinators that a whole mail domain refuses us, and whom to write to."""

from sqlalchemy.orm import Session

from core import clock, links, settings
from core.events import IncidentOpened
from mailer.models import Mailing
from mailings import remedies
from mailings.kind import Facts, Kind, Occasion
from message.refusals import Reason
from subscribers import audience, incidents
from subscribers.audience import Audience
from subscribers.models import Incident


def occasion(session: Session, event: IncidentOpened) -> Occasion | None:
    """Once for each incident, unless it is closed already."""
    incident = session.get(Incident, event.incident)
    if incident is None or incident.closed_at is not None:
        return None
    return Occasion(incident.id)


def recipients(session: Session, _mailing: Mailing) -> Audience:
    """All coordinators."""
    return audience.coordinators(session)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Which domain, what its server said, what that means, and what to send to its people."""
    incident = session.get_one(Incident, mailing.about)
    who = remedies.called(session, incident)
    addresses = [address.mailbox for address in incidents.addresses_of(session, incident.id)]
    return Facts(
        words={
            "who": who,
            "domain": incident.domain,
            "what": remedies.WHAT[Reason(incident.reason)],
            "do": remedies.DO[Reason(incident.reason)],
            "since": clock.spoken(incident.opened_at, settings.current().zone),
            "said": incident.words,
            "addresses": addresses,
            "letter": remedies.letter(incident),
            "desk": links.desk("/incidents"),
        }
    )


KIND = Kind(
    name="incident", trigger=IncidentOpened, occasion=occasion, audience=recipients, facts=facts
)
