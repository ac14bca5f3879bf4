"""Signing in by a mailed link: once, for ten minutes, in the browser that asked for it."""

import datetime as dt
import hmac
import logging

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from core import clock, outbox, tokens
from core.events import SignInRequested
from core.tokens import BadToken, Purpose
from subscribers import brakes, people, reachability
from subscribers.models import Person, SignIn

log = logging.getLogger(__name__)

LIFE = dt.timedelta(minutes=10)
#: So many links a person gets within LIFE and within a day, and all together in an hour.
IN_TEN_MINUTES = 3
A_DAY = 10
AN_HOUR = 200


class CannotSignIn(ValueError):
    """The link does not sign anybody in; the text tells the person what to do."""


def ask(session: Session, address: str, browser_secret: str) -> None:
    """Have a link mailed to a known address (SignInRequested); an unknown one gets nothing.

    The asker must be told the same in both cases, and when the brakes are on.
    """
    person = people.by_address(session, address)
    browser = tokens.digest_of(browser_secret)
    if person is None:
        return
    brakes.one_at_a_time(session, brakes.Brake.SIGNING_IN)
    if _braked(session, person.id):
        log.warning("sign_in_not_sent", extra={"person": person.id})
        return
    wanted = SignIn(person_id=person.id, browser=browser, asked_at=clock.now())
    session.add(wanted)
    session.flush()
    outbox.record(session, SignInRequested(wanted.id))


def _braked(session: Session, person_id: int) -> bool:
    now = clock.now()

    def count(within: dt.timedelta, *which: ColumnElement[bool]) -> int:
        wanted = select(func.count(SignIn.id)).where(SignIn.asked_at > now - within, *which)
        return session.scalar(wanted) or 0

    theirs = SignIn.person_id == person_id
    return (
        count(LIFE, theirs) >= IN_TEN_MINUTES
        or count(dt.timedelta(days=1), theirs) >= A_DAY
        or count(dt.timedelta(hours=1)) >= AN_HOUR
    )


def redeem(session: Session, token: str, browser_secret: str) -> Person:
    """Whom the link of a mail signs in; it is used up by this.

    Raises CannotSignIn for a link that is not genuine, used, older than ten minutes, or opened in
    another browser than that which asked.
    """
    try:
        number = tokens.read(token, Purpose.SIGN_IN).ids[0]
    except (BadToken, IndexError):
        raise CannotSignIn(
            "This link is not complete. Copy all of it, or ask for another."
        ) from None
    wanted = session.get(SignIn, number, with_for_update=True)
    if wanted is None or wanted.used_at is not None:
        raise CannotSignIn("This link has been used. Ask for another.")
    now = clock.now()
    if now - wanted.asked_at > LIFE:
        raise CannotSignIn("This link is older than 10 minutes. Ask for another.")
    if not hmac.compare_digest(wanted.browser, tokens.digest_of(browser_secret)):
        raise CannotSignIn(
            "Open this link in the browser in which you asked for it, or ask for another here."
        )
    wanted.used_at = now
    person = session.get_one(Person, wanted.person_id)
    address = people.preferred_address(person)
    address.verified_at = now  # the mail got there, and its reader is here
    reachability.revive(session, address)
    return person
