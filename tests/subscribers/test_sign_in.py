"""Signing in: once, for ten minutes, in the browser that asked, not too often."""

import datetime as dt

import pytest
from sqlalchemy import func, select

from core import clock, database, tokens
from core.events import SignInRequested
from core.outbox import EventRow
from core.tokens import Purpose
from subscribers import sign_in
from subscribers.models import Person, Reach, SignIn, Standing, Subscription
from tests.conftest import Network

CAROL = "Carol@host.example"
BROWSER = "a secret of the browser"


def ask(address: str = CAROL, browser: str = BROWSER) -> None:
    """Ask for a link."""
    with database.transaction() as session:
        sign_in.ask(session, address, browser)


def links_sent() -> int:
    """How many links were asked for in events."""
    with database.reading() as session:
        wanted = select(func.count(EventRow.id)).where(EventRow.name == SignInRequested.__name__)
        return session.scalar(wanted) or 0


def the_token() -> str:
    """The token of the last link."""
    with database.reading() as session:
        number = session.scalar(select(func.max(SignIn.id)))
    assert number is not None
    return tokens.make(Purpose.SIGN_IN, number)


def redeem(token: str, browser: str = BROWSER) -> int:
    """Follow a link; returns the person's id."""
    with database.transaction() as session:
        return sign_in.redeem(session, token, browser).id


def test_w6_a_link_signs_in_once(network: Network, moment: dt.datetime) -> None:
    """The second time it says so; the browser's secret is not in the database."""
    ask()
    token = the_token()
    assert redeem(token) == network.coordinator
    with pytest.raises(sign_in.CannotSignIn, match="used"):
        redeem(token)
    with database.reading() as session:
        assert BROWSER not in session.scalars(select(SignIn.browser)).one()


@pytest.mark.parametrize(("minutes", "good"), [(9, True), (11, False)])
def test_w6_a_link_lives_ten_minutes(
    network: Network, moment: dt.datetime, minutes: int, good: bool
) -> None:
    """Eleven minutes are too many."""
    ask()
    token = the_token()
    with clock.turned(moment + dt.timedelta(minutes=minutes)):
        if good:
            assert redeem(token) == network.coordinator
        else:
            with pytest.raises(sign_in.CannotSignIn, match="10 minutes"):
                redeem(token)


def test_w6_a_link_is_bound_to_the_browser(network: Network) -> None:
    """In another browser it does nothing, and still works in the right one."""
    ask()
    token = the_token()
    with pytest.raises(sign_in.CannotSignIn, match="browser"):
        redeem(token, "another browser")
    assert redeem(token) == network.coordinator


@pytest.mark.parametrize("token", ["", "x", "nonsense", None])
def test_w6_other_tokens_do_not_sign_in(network: Network, token: str | None) -> None:
    """Neither nonsense nor a genuine token of another purpose with the same number."""
    ask()
    with pytest.raises(sign_in.CannotSignIn):
        redeem(tokens.make(Purpose.CONFIRM, 1) if token is None else token)


def test_w5_unknown_addresses_get_nothing(network: Network) -> None:
    """And nothing is raised either."""
    for address in ("nobody@host.example", "", "no address"):
        ask(address)
    assert links_sent() == 0


def test_links_are_limited(network: Network, moment: dt.datetime) -> None:
    """Three in ten minutes, ten a day, and again the next day."""
    for _ in range(10):
        ask()
    assert links_sent() == sign_in.IN_TEN_MINUTES
    for number in range(1, 80):
        with clock.turned(moment + dt.timedelta(minutes=11 * number)):
            ask()
    assert links_sent() == sign_in.A_DAY
    with clock.turned(moment + dt.timedelta(days=2)):
        ask()
    assert links_sent() == sign_in.A_DAY + 1


def test_signing_in_proves_that_mail_gets_through(network: Network) -> None:
    """A suspended member who reads our mail is a member like others."""
    anna = network.person("Anna", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.get_one(Person, anna).addresses[0].reach = Reach.DEAD
        session.scalars(select(Subscription)).one().state = Standing.SUSPENDED
    ask("anna@ashford.example")
    redeem(the_token())
    with database.reading() as session:
        assert session.get_one(Person, anna).addresses[0].reach == Reach.OK
        assert session.scalars(select(Subscription)).one().state == Standing.ACTIVE
