"""What only a real browser shows: reflow, focus, nothing loaded from elsewhere, and pictures."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page

from core import database, settings, tokens
from core.tokens import Purpose
from subscribers.models import SignIn
from tests.servers.browser import ARTEFACTS, browser
from tests.web.conftest import Place
from web.post_office import caught

LETTER = (
    b"X-Post-Office-Rcpt: anna@ashford.example\r\n"
    b"From: AI Network <ai-network@lists.example.org>\r\nTo: Anna Archer <anna@ashford.example>\r\n"
    b"Reply-To: ai-network+abc@lists.example.org\r\nSubject: March news\r\n"
    b"Date: Tue, 02 Feb 2027 09:00:00 +0000\r\nMessage-ID: <one@lists.example.org>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nHello Anna. https://network.example.org/leave/x\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<html><head><script>document.title='run'</script>"
    b"<style>body{background:url(https://evil.example/s)}</style></head>"
    b'<body><table style="width:100%;color:#12436d"><tr><td><h1>Hello Anna</h1>'
    b'<img src="https://evil.example/pixel.gif"><form action="https://evil.example"><input></form>'
    b'<a href="https://network.example.org/leave/x" onclick="run()">Leave</a>'
    b'<a href="//evil.example/x">Slash</a></td></tr></table>'
    b"</body></html>\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:abc\r\nSEQUENCE:1\r\n"
    b"DTSTART:20270302T100000Z\r\nDTEND:20270302T113000Z\r\nSUMMARY:Procurement\\, buying\r\n"
    b"LOCATION:Microsoft Teams\r\nORGANIZER:mailto:ai-network+rsvp@lists.example.org\r\n"
    b"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@ashford.example\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n--b--\r\n"
)
KEY = "20270202T090000000000-000001"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests here."""
    with browser() as running:
        yield running


@pytest.fixture
def only_here(place: Place) -> Place:
    """The place over plain http, as when trying out, with a letter in its post office."""
    settings.use(
        settings.current().model_copy(
            update={"base_url": f"http://127.0.0.1:{place.port}", "post_office": True}
        )
    )
    caught.folder().mkdir(parents=True)
    (caught.folder() / f"{KEY}.eml").write_bytes(LETTER)
    return place


def context_of(
    chromium: Chromium, place: Place, person: int | None = None, width: int = 1280
) -> BrowserContext:
    """A browser without scripts, signed in as a person."""
    made = chromium.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=False, locale="en-GB"
    )
    for name, value in place.browser(person).cookies.items():
        if not name.startswith("__Host-"):
            made.add_cookies(
                [{"name": name, "value": value, "url": f"http://127.0.0.1:{place.port}"}]
            )
    return made


def pages_of(place: Place) -> dict[str, tuple[int | None, str]]:
    """One page of each type: its name, who looks, the address."""
    boss, anna, ben = place.network.coordinator, place.anna, place.ben
    return {
        "front": (None, "/"), "join": (None, "/join/ai-network"),
        "join-closed": (None, "/join/copilot"),
        "confirm": (None, place.confirm_path()), "leave": (None, place.leave_path(anna)),
        "rsvp": (None, place.rsvp_path(anna)), "sign-in": (None, "/sign-in"),
        "sign-in-button": (None, "/sign-in/abc"), "privacy": (None, "/privacy"),
        "accessibility": (None, "/accessibility"), "not-there": (None, "/nothing"),
        "bad-confirm": (None, "/confirm/abc"),
        "lists": (anna, "/lists"), "list": (ben, "/lists/ai-network"),
        "membership": (anna, "/lists/ai-network/membership"),
        "thread": (anna, f"/threads/{place.thread}"), "post": (anna, f"/posts/{place.post}"),
        "search": (anna, "/search?q=readable"), "meetings": (anna, "/meetings"),
        "meeting": (anna, f"/meetings/{place.meeting}"),
        "past-meeting": (anna, f"/meetings/{place.past}"),
        "not-yours": (anna, "/desk"), "desk": (boss, "/desk"),
        "newsletter-new": (boss, "/desk/newsletters/new"),
        "draft": (boss, f"/desk/mailings/{place.draft}"),
        "check": (boss, f"/desk/mailings/{place.draft}/check"),
        "mailing": (boss, f"/desk/mailings/{place.mailing}"),
        "sign-ups": (boss, "/desk/sign-ups"), "held": (boss, "/desk/held"),
        "held-moderator": (place.mod, "/desk/held"),
        "stuck": (boss, "/desk/stuck"), "stuck-letter": (boss, f"/desk/stuck/{place.stuck}"),
        "desk-meetings": (boss, "/desk/meetings"), "meeting-new": (boss, "/desk/meetings/new"),
        "desk-meeting": (boss, f"/desk/meetings/{place.meeting}"),
        "desk-past": (boss, f"/desk/meetings/{place.past}"),
        "digests": (boss, "/desk/digests"),
        "incidents": (boss, "/desk/incidents"), "leavers": (boss, "/desk/leavers"),
        "trace": (boss, "/desk/trace?address=anna@ashford.example"),
        "post-office": (None, "/post-office"), "letter": (None, f"/post-office/{KEY}"),
    }  # fmt: skip


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w42_reflow_at_320_pixels_and_w22_nothing_foreign(
    chromium: Chromium, only_here: Place
) -> None:
    """No page is wider than a screen of 320 px, and none asks another site for anything."""
    wide, foreign = [], []
    for person in {who for who, _ in pages_of(only_here).values()}:
        context = context_of(chromium, only_here, person, width=320)
        context.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(f"http://127.0.0.1:{only_here.port}/")
                else foreign.append(request.url)
            ),
        )
        page = context.new_page()
        for name, (who, path) in pages_of(only_here).items():
            if who == person:
                _open(page, only_here, path)
                width = page.evaluate("document.documentElement.scrollWidth")
                if width > 320:
                    wide.append((name, width))
                page.screenshot(path=ARTEFACTS / "web" / f"{name}-320.png", full_page=True)
        context.close()
    assert wide == []
    assert foreign == []


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_pictures_of_every_page(chromium: Chromium, only_here: Place) -> None:
    """One picture of each type of page goes to artefacts/web; each has one h1 and a title."""
    for name, (person, path) in pages_of(only_here).items():
        context = context_of(chromium, only_here, person)
        page = context.new_page()
        if name in {"letter", "draft"}:  # frames below the fold are not painted
            page.set_viewport_size({"width": 1280, "height": 2900})
        _open(page, only_here, path)
        page.screenshot(path=ARTEFACTS / "web" / f"{name}.png", full_page=True)
        assert page.locator("h1").count() == 1, name
        assert page.locator("main#main-content").count() == 1, name
        assert page.title().endswith(f"– {settings.current().network_name}"), name
        context.close()


def _open(page: Page, place: Place, path: str) -> None:
    answer = page.goto(f"http://127.0.0.1:{place.port}{path}")
    assert answer is not None
    assert answer.status < 500, path


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w38_focus_moves_to_the_error_summary(chromium: Chromium, only_here: Place) -> None:
    """Sent empty, without scripts: the title says so, focus is on the summary, a link per field."""
    context = context_of(chromium, only_here)
    page = context.new_page()
    _open(page, only_here, "/join/ai-network")
    page.get_by_label("Your organisation").fill("Ashford")
    page.get_by_role("button", name="Join").click()
    assert page.title().startswith("Error: ")
    summary = page.locator(".govuk-error-summary")
    assert summary.evaluate("node => node === document.activeElement")
    assert summary.get_by_role("link").count() == 3
    assert page.get_by_label("Your organisation").input_value() == "Ashford"
    page.screenshot(path=ARTEFACTS / "web" / "join-errors.png", full_page=True)
    for link in summary.get_by_role("link").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        assert page.locator(f"[id='{target}']").count() == 1
    context.close()


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w13_w14_a_framed_letter_runs_and_loads_nothing(
    chromium: Chromium, only_here: Place
) -> None:
    """With scripts switched on: no script of the letter runs, nothing foreign is asked for."""
    context = chromium.new_context(locale="en-GB")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    _open(page, only_here, f"/post-office/{KEY}")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Hello Anna").wait_for()
    assert frame.locator("script, form, img, input").count() == 0
    assert frame.get_by_role("link", name="Leave").get_attribute("target") is None
    assert not [url for url in asked if "evil" in url]
    page.get_by_text("Tuesday 2 March 2027, 10am to 11:30am (UK time)").wait_for()
    context.close()


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_signing_in_and_out_without_scripts(chromium: Chromium, only_here: Place) -> None:
    """A whole journey in a browser: ask for a link, press its button, read, sign out."""
    context = context_of(chromium, only_here)
    page = context.new_page()
    _open(page, only_here, f"/threads/{only_here.thread}")
    assert re.search(r"/sign-in\?way=", page.url)
    page.get_by_label("Your email address").fill("anna@ashford.example")
    page.get_by_role("button", name="Send me a link").click()
    page.get_by_role("heading", name="Check your email").wait_for()
    page.screenshot(path=ARTEFACTS / "web" / "sign-in-asked.png", full_page=True)
    with database.reading() as session:
        asked = session.query(SignIn).one()
    _open(page, only_here, f"/sign-in/{tokens.make(Purpose.SIGN_IN, asked.id)}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/threads/{only_here.thread}")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You have signed out").wait_for()
    context.close()
