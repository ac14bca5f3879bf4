"""Trouble: tells the coordinators that a mailing does not go on by itself, once for each time."""

from sqlalchemy.orm import Session

from core import clock, links, settings
from core.events import MailingInTrouble
from mailer import ledger
from mailer.models import Mailing, Trouble
from mailings.kind import Facts, Kind, Occasion
from subscribers import audience
from subscribers.audience import Audience

#: What is wrong and what can be done, by the trouble.
WHAT = {
    Trouble.STALLED: "has stopped: copies wait to be sent, and none has gone out for a while.",
    Trouble.LATE: "is late. It is held until you decide whether it still goes out.",
    Trouble.UNBALANCED: "cannot be finished: what became of its copies does not add up.",
}
DO = {
    Trouble.STALLED: "Ask whoever runs the system to look. It goes on by itself once the cause is"
    " gone; until then you can pause or cancel it.",
    Trouble.LATE: "Read it again: does it still say the right day? Then send it, or cancel it.",
    Trouble.UNBALANCED: "Ask whoever runs the system to look at the copies of this mailing.",
}


def occasion(session: Session, event: MailingInTrouble) -> Occasion | None:
    """Once for each time, unless it has passed meanwhile."""
    mailing = session.get(Mailing, event.mailing)
    if mailing is None or mailing.trouble is None or mailing.trouble_at != event.since:
        return None
    return Occasion(mailing.id, since=event.since, source=mailing.trouble)


def recipients(session: Session, _mailing: Mailing) -> Audience:
    """All coordinators."""
    return audience.coordinators(session)


def facts(session: Session, mailing: Mailing) -> Facts:
    """Which mailing, since when, how far it came, and where to decide."""
    concerned = session.get_one(Mailing, mailing.about)
    trouble, counts = Trouble(mailing.source), ledger.totals(session, concerned.id)
    since = concerned.trouble_at or mailing.created_at
    return Facts(
        words={
            "title": concerned.subject or "(no subject)",
            "what": WHAT[trouble],
            "do": DO[trouble],
            "since": clock.spoken(since, settings.current().zone),
            "sent": counts.accepted,
            "planned": counts.planned - counts.excluded,
            "desk": links.desk(f"/mailings/{concerned.id}"),
        }
    )


KIND = Kind(
    name="trouble", trigger=MailingInTrouble, occasion=occasion, audience=recipients, facts=facts
)
