"""The desk's pages about refused mail: what they show, and that their buttons do it."""

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select

from core import clock, database
from core.events import AddressRefused
from subscribers import leaving, reachability
from subscribers.models import Incident, Leaver, Person, Refusal, Standing, Subscription
from tests.servers.browser import ARTEFACTS, browser
from tests.web.conftest import Place
from tests.web.test_in_browser import context_of, only_here

__all__ = ["only_here"]
DAY = dt.timedelta(days=1)
WORDS = "550 5.7.1 <script>alert(1)</script> poor reputation"


def refuse(person: int, at: dt.datetime, reason: str, words: str = WORDS) -> None:
    """A server refuses mail to somebody at an instant."""
    with clock.turned(at), database.transaction() as session:
        address = session.get_one(Person, person).addresses[0]
        address.verified_at = min(address.verified_at or at, at)
        row = Refusal(address_id=address.id, reason=reason, permanent=True, at=at, words=words)
        session.add(row)
        session.flush()
        reachability.judge(session, AddressRefused(address.id, reason, True, row.id))


@pytest.fixture
def troubled(place: Place) -> Place:
    """Calder refuses three people; Ben's mailbox is gone; Anna complained."""
    now = clock.now()
    for name in ("Cara", "Cem", "Cleo"):
        person = place.network.person(name, f"{name.lower()}@calder.example", place.network.main)
        refuse(person, now, "policy")
    place.network.person("Bea Bright", "bea@bexhill.example", place.network.main)
    for day in (5, 3, 1):
        refuse(place.ben, now - day * DAY, "mailbox", "550 5.1.1 no such user here")
    with database.transaction() as session:
        leaving.leave(session, place.anna, place.network.main, "complaint")
    return place


def standing(person: int) -> set[tuple[str, str | None]]:
    """How somebody stands on their lists."""
    with database.reading() as session:
        rows = session.scalars(select(Subscription).where(Subscription.person_id == person))
        return {(row.state, row.left_how) for row in rows}


def numbers() -> tuple[int, int]:
    """The number of the incident and that of the leaver."""
    with database.reading() as session:
        return session.query(Incident).one().id, session.query(Leaver).one().id


def test_the_desk_says_that_something_waits(troubled: Place) -> None:
    """Two numbers that lead to the pages."""
    page = troubled.browser(troubled.network.coordinator).get("/desk").text
    assert '<a class="govuk-link govuk-link--no-visited-state" href="/desk/leavers">' in page
    assert "seems to have left" in page
    assert "refusing domain<" in page.replace("</a>", "<")


def test_an_incident_is_shown_and_closed(troubled: Place) -> None:
    """Who, the server's words as text, what to do, the people; a button closes it, once."""
    browser, (incident, _) = troubled.browser(troubled.network.coordinator), numbers()
    page = browser.get("/desk/incidents").text
    assert "Calder Council" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; poor reputation" in page
    assert "<script>" not in page
    assert all(f"{name}@calder.example" in page for name in ("cara", "cem", "cleo"))
    assert "return path are at lists.example.org" in page
    for _ in range(2):
        answer = browser.post(f"/desk/incidents/{incident}/close")
        assert answer.headers["location"] == "/desk/incidents?said=incident-closed"
    page = browser.get("/desk/incidents?said=incident-closed").text
    assert "No organisation refuses our mail." in page
    assert "by a coordinator" in page


def test_complaints_are_shown_with_their_share(troubled: Place) -> None:
    """Who complained about which list; too many of them are a warning."""
    page = troubled.browser(troubled.network.coordinator).get("/desk/incidents").text
    assert "Anna Archer, Ashford Council" in page
    assert "1 of " in page


def test_a_leaver_is_shown_with_colleagues_and_tried_again(troubled: Place) -> None:
    """Bea can be asked; after "try again" Ben gets mail, and nobody waits."""
    browser, (_, leaver) = troubled.browser(troubled.network.coordinator), numbers()
    page = browser.get("/desk/leavers").text
    assert "Ben Baker, Bexhill Council" in page
    assert 'href="mailto:bea@bexhill.example">Bea Bright</a>' in page
    assert "550 5.1.1 no such user here" in page
    assert standing(troubled.ben) == {(Standing.SUSPENDED, None)}
    said = [browser.post(f"/desk/leavers/{leaver}/again").headers["location"] for _ in range(2)]
    assert said == ["/desk/leavers?said=tried-again", "/desk/leavers?said=decided"]
    assert standing(troubled.ben) == {(Standing.ACTIVE, None)}
    assert "Nobody is waiting for a decision." in browser.get("/desk/leavers").text


def test_a_leaver_is_removed(troubled: Place) -> None:
    """Off all lists, with the reason."""
    browser, (_, leaver) = troubled.browser(troubled.network.coordinator), numbers()
    answer = browser.post(f"/desk/leavers/{leaver}/remove")
    assert answer.headers["location"] == "/desk/leavers?said=gone"
    assert standing(troubled.ben) == {(Standing.LEFT, "gone")}


def test_i22_forged_reports_are_seen_by_the_coordinator(troubled: Place) -> None:
    """What changes nothing is still shown to a person, with why."""
    from tests.mailer.test_bouncing import react
    from tests.mailer.test_sorting import report

    row = react(report("mo@calder.example"))
    page = troubled.browser(troubled.network.coordinator).get("/desk/stuck").text
    assert f'href="/desk/stuck/{row.id}"' in page
    assert "a report about no copy of ours" in page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests here."""
    with browser() as running:
        yield running


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", [1280, 320])
def test_w42_pictures_and_reflow(
    chromium: Chromium, only_here: Place, troubled: Place, width: int
) -> None:
    """With something on them the pages fit a narrow screen too; pictures go to artefacts/web."""
    context = context_of(chromium, only_here, troubled.network.coordinator, width=width)
    page = context.new_page()
    for name in ("incidents", "leavers"):
        page.goto(f"http://127.0.0.1:{only_here.port}/desk/{name}")
        for summary in page.locator("summary").all():
            summary.click()
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=ARTEFACTS / "web" / f"{name}-full-{width}.png", full_page=True)
    page.goto(f"http://127.0.0.1:{only_here.port}/desk")
    page.screenshot(path=ARTEFACTS / "web" / f"desk-full-{width}.png", full_page=True)
    context.close()
