"""Signing in by a mailed link, what the session allows, and how it ends."""

import datetime as dt

import pytest
from sqlalchemy import select

from core import clock, database, tokens
from core.tokens import Purpose
from subscribers.models import SignIn
from tests.servers.web import Browser
from tests.web.conftest import Place
from web.models import WebSession


def link_of_last() -> str:
    """The page of the link that was mailed last."""
    with database.reading() as session:
        asked = session.scalars(select(SignIn).order_by(SignIn.id.desc()).limit(1)).one()
    return f"/sign-in/{tokens.make(Purpose.SIGN_IN, asked.id)}"


def asked_for(place: Place, email: str = "anna@ashford.example", **more: str) -> Browser:
    """A browser that asked for a link."""
    browser = place.browser()
    assert browser.post("/sign-in", {"email": email} | more).status == 200
    return browser


def test_w6_the_link_works_once_in_the_browser_that_asked(place: Place) -> None:
    """Another browser, and a second time, are told what to do; opening the page does nothing."""
    browser = asked_for(place)
    path = link_of_last()
    stranger = place.browser()
    assert "another browser" in stranger.get(path).text
    refused = stranger.post(path)
    assert refused.status == 403
    assert "in the browser in which you asked" in refused.text
    assert browser.get(path).status == 200
    done = browser.post(path)
    assert (done.status, done.headers["location"]) == (303, "/lists")
    assert browser.get("/lists").status == 200
    again = browser.post(path)
    assert again.status == 403
    assert "has been used" in again.text


def test_w6_eleven_minutes_are_too_long(place: Place) -> None:
    """The link dies after ten minutes, and another one can be asked for there."""
    browser = asked_for(place)
    path = link_of_last()
    with clock.turned(clock.now() + dt.timedelta(minutes=11)):
        late = browser.post(path)
    assert late.status == 403
    assert "older than 10 minutes" in late.text
    assert 'action="/sign-in"' in late.text


@pytest.mark.parametrize(
    ("way", "leads_to"),
    [
        ("/threads/1", "/threads/1"),
        ("/search?q=a%20b", "/search?q=a%20b"),
        ("//evil.example", "/lists"),
        ("https://evil.example", "/lists"),
        ("/\\evil.example", "/lists"),
        ("/lists\r\nSet-Cookie: a=b", "/lists"),
        ("", "/lists"),
    ],
)
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w6_the_way_on_is_ours(place: Place, way: str, leads_to: str) -> None:
    """Who wanted a page before gets there; nobody is led elsewhere."""
    browser = asked_for(place, way=way)
    assert browser.post(link_of_last()).headers["location"] == leads_to


def test_w8_cookies(place: Place) -> None:
    """__Host-, Secure, HttpOnly, SameSite=Lax; the database has only digests."""
    browser = asked_for(place)
    done = browser.post(link_of_last())
    (line,) = [line for line in done.cookies if "folkmoot-session=" in line]
    for part in ("__Host-folkmoot-session=", "Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert part in line
    secret = browser.cookies["__Host-folkmoot-session"]
    assert len(secret) == 32
    with database.reading() as session:
        kept = session.scalars(select(WebSession.digest)).all()
    assert kept == [tokens.digest_of(secret)]


def test_w8_a_session_ends_on_the_server(place: Place) -> None:
    """After signing out the old cookie is worth nothing; a new sign-in has a new secret."""
    browser = asked_for(place)
    browser.post(link_of_last())
    old = browser.cookies["__Host-folkmoot-session"]
    assert browser.post("/sign-out").status == 303
    browser.cookies["__Host-folkmoot-session"] = old
    assert browser.get("/lists").status == 303
    browser = asked_for(place)
    browser.post(link_of_last())
    assert browser.cookies["__Host-folkmoot-session"] != old


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w8_idle_and_whole_limits(place: Place) -> None:
    """A member's session lasts 30 days unused, 90 in all; a coordinator's 12 hours, 7 days."""
    for person, path, idle, whole in (
        (place.anna, "/lists", dt.timedelta(days=30), dt.timedelta(days=90)),
        (place.network.coordinator, "/desk", dt.timedelta(hours=12), dt.timedelta(days=7)),
    ):
        start = clock.now()
        left_alone, used = place.browser(person), place.browser(person)
        with clock.turned(start + idle + dt.timedelta(minutes=1)):
            assert left_alone.get(path).status == 303
        passed = dt.timedelta()
        while passed + idle / 2 < whole:
            passed += idle / 2
            with clock.turned(start + passed):
                assert used.get(path).status == 200
        with clock.turned(start + whole + dt.timedelta(minutes=1)):  # the session began after it
            assert used.get(path).status == 303


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_wrong_address_is_said(place: Place) -> None:
    """What is no address is said at the field; nothing is asked for."""
    answer = place.browser().post("/sign-in", {"email": "anna"})
    assert answer.status == 422
    assert "There is a problem" in answer.text
