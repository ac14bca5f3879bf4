"""A mailing on the desk: why copies were left out, what is wrong with it, and its time."""

import datetime as dt

import pytest

from core import clock, database
from mailer.models import Mailing, MailingState, Trouble
from mailings import approval
from tests.web.conftest import Place


def test_the_reasons_are_counted(place: Place) -> None:
    """Below the totals, by state and reason."""
    text = place.browser(place.network.coordinator).get(f"/desk/mailings/{place.mailing}").text
    assert "Left out, suspended: 1" in text
    assert "Refused, no reason given: 1" in text


@pytest.mark.parametrize("trouble", list(Trouble))
def test_what_is_wrong_is_shown(place: Place, trouble: Trouble) -> None:
    """On the page of the mailing, and on the dashboard; gone when it has passed."""
    browser, path = place.browser(place.network.coordinator), f"/desk/mailings/{place.mailing}"
    words = approval.TROUBLES[trouble]
    assert words not in browser.get(path).text
    with database.transaction() as session:
        found = session.get_one(Mailing, place.mailing)
        found.trouble, found.trouble_at = trouble, clock.now()
    assert words in browser.get(path).text
    assert words in browser.get("/desk").text
    assert browser.post(f"{path}/pause").status == 303  # somebody has looked
    assert words not in browser.get("/desk").text


def test_a_late_newsletter_is_a_draft_that_says_so(place: Place) -> None:
    """The coordinator finds it among the drafts, with the reason."""
    with database.transaction() as session:
        found = session.get_one(Mailing, place.draft)
        found.trouble, found.trouble_at = Trouble.LATE, clock.now()
    browser = place.browser(place.network.coordinator)
    assert approval.TROUBLES[Trouble.LATE] in browser.get(f"/desk/mailings/{place.draft}").text
    assert browser.post(f"/desk/mailings/{place.draft}/send").status == 303
    with database.reading() as session:
        assert session.get_one(Mailing, place.draft).trouble is None


def test_a_time_that_occurs_twice(place: Place) -> None:
    """The first of the two is taken, and the page says so."""
    browser, path = place.browser(place.network.coordinator), f"/desk/mailings/{place.draft}"
    later = {"when": "later", "day-day": "31", "day-month": "10", "day-year": "2027"}
    assert browser.post(f"{path}/send", later | {"time": "01:30"}).status == 303
    with database.reading() as session:
        found = session.get_one(Mailing, place.draft)
    assert found.state == MailingState.APPROVED
    assert found.not_before == dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC)
    assert "occurs twice on Sunday 31 October 2027" in browser.get(path).text
