"""What stands before every page: walked over the table of routes, not over a list of favourites."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from starlette.routing import Route

from core import database, settings
from core.database import Base
from tests.servers.web import Browser
from tests.web.conftest import Place
from web.app import ROUTES
from web.letters import POLICY
from web.public import feeds

ALL = [route for route in ROUTES if isinstance(route, Route)]
READING = [route for route in ALL if "GET" in (route.methods or ())]
CHANGING = [route for route in ALL if "POST" in (route.methods or ())]
EVIL = {"Content-Type": "application/x-www-form-urlencoded"}


def paths(place: Place, route: Route) -> Iterator[str]:
    """Real addresses of a route: its ids and tokens are those of rows that exist."""
    known = {
        "/threads": place.thread, "/posts": place.post, "/attachments": place.attachment,
        "/meetings": place.meeting, "/desk/mailings": place.draft, "/desk/held": place.held,
        "/desk/sign-ups": place.waiting, "/desk/stuck": place.stuck, "/desk/receipts": 1,
        "/desk/incidents": 1, "/desk/leavers": 1, "/edits": 1,
        "/desk/meetings": place.planned, "/join": "ai-network", "/lists": "ai-network",
        "/desk/digests": "ai-network", "/post-office": "20270101T000000-000001",
        "/confirm": place.confirm_path().rpartition("/")[2],
        "/leave": place.leave_path(place.anna).rpartition("/")[2],
        "/rsvp": place.rsvp_path(place.anna).rpartition("/")[2], "/sign-in": "abcdefgh",
        "/feeds": feeds.address(place.anna, place.network.main).rpartition("/")[2],
    }  # fmt: skip
    start, sign, rest = route.path.partition("/{")
    if not sign:
        yield route.path
        return
    tail = rest.partition("}")[2]
    yield f"{start}/{known[start]}{tail}"
    if start == "/desk/mailings":
        yield f"{start}/{place.mailing}{tail}"


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with database.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(table.select())), key=repr)
            for table in Base.metadata.sorted_tables
        }


def test_w1_no_get_head_or_options_changes_anything(place: Place) -> None:
    """Scanners open every link: all pages by all safe methods, by nobody and by a coordinator."""
    browsers = place.browser(), place.browser(place.network.coordinator)
    before = everything()
    for browser in browsers:
        for route in READING:
            for path in paths(place, route):
                for method in ("GET", "HEAD", "OPTIONS"):
                    answer = browser.get(path, method)
                    assert answer.status < 500, (method, path, answer.text)
        for route in CHANGING:
            for path in paths(place, route):
                assert browser.get(path, "HEAD").status < 500
    assert everything() == before


def test_pages_are_there_for_a_coordinator(place: Place) -> None:
    """Every page that is read answers with itself; only those that depend on a state may not."""
    browser = place.browser(place.network.coordinator)
    missing = {
        path: answer.status
        for route in READING
        for path in paths(place, route)
        if (answer := browser.get(path)).status != 200
    }
    off = {path for path in missing if path.startswith("/post-office")}
    not_a_draft = {
        f"/desk/mailings/{place.mailing}/{what}" for what in ("edit", "preview", "check")
    }
    # The coordinator is on no list, and goes from the front page to the lists.
    assert set(missing) - off - not_a_draft == {"/", "/lists/ai-network/membership"}


def test_w9_forms_of_strangers_are_refused(place: Place) -> None:
    """A cross-site POST to each route changes nothing, whatever cookies come with it."""
    browser = place.browser(place.network.coordinator)
    before = everything()
    said = [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": settings.current().base_url},
        {"Sec-Fetch-Site": "none"},
        {},
    ]
    for route in CHANGING:
        for path in paths(place, route):
            for headers in said:
                answer = browser.send("POST", path, b"answer=yes&agree=yes", EVIL | headers)
                assert answer.status == 403, (path, headers)
                assert "did not come from our pages" in answer.text
    assert everything() == before


def test_w9_a_null_origin_counts_only_where_a_token_is_the_proof(place: Place) -> None:
    """A page without referrer sends `Origin: null` in browsers that do not say Sec-Fetch-Site."""
    browser = place.browser()
    null = EVIL | {"Origin": "null"}
    assert browser.send("POST", place.rsvp_path(place.anna), b"answer=yes", null).status == 200
    assert browser.send("POST", "/sign-in", b"email=a@b.example", null).status == 403


def test_an_origin_that_is_the_host_counts(place: Place) -> None:
    """Who tries the network out under another name of the machine can use forms, too."""
    host = f"127.0.0.1:{place.port}"
    mine = EVIL | {"Origin": f"http://{host}"}
    assert place.browser().send("POST", "/sign-in", b"email=a@b.example", mine).status == 200


def test_w15_w19_headers_on_every_answer(place: Place) -> None:
    """Pages, errors, downloads, redirects and refusals: each has the whole set."""
    browser, nobody = place.browser(place.network.coordinator), place.browser()
    answers = [browser.get(path) for route in READING for path in paths(place, route)]
    answers += [nobody.get(path) for path in ("/", "/lists", "/nothing", "/static/folkmoot.css")]
    answers += [nobody.send("POST", "/sign-in", b"", EVIL), nobody.get("/sign-out")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy == POLICY or "unsafe-inline" not in policy
        for part in ("default-src 'none'", "frame-ancestors"):
            assert part in policy
        if policy != POLICY and "sandbox" not in policy:
            for part in ("script-src 'none'", "style-src 'self'", "form-action 'self'",
                         "base-uri 'none'", "object-src 'none'"):  # fmt: skip
                assert part in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "max-age=31536000; includeSubDomains" in answer.headers["strict-transport-security"]


def test_w10_pages_with_tokens_keep_them_to_themselves(place: Place) -> None:
    """No referrer, no storing, and nothing in the page that loads from elsewhere."""
    browser = place.browser()
    for path in (place.confirm_path(), place.leave_path(place.anna), place.rsvp_path(place.anna),
                 "/sign-in/abc"):  # fmt: skip
        answer = browser.get(path)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r'(?:src|href)="(?:https?:)?//(?!teams\.example)', answer.text)


def test_w31_only_public_pages_are_for_search_engines(place: Place) -> None:
    """Members' pages, and pages with tokens, say noindex."""
    browser = place.browser()
    for path in ("/", "/join/ai-network", "/privacy", "/accessibility"):
        assert "x-robots-tag" not in browser.get(path).headers
    for path in ("/lists", "/sign-in", place.leave_path(place.anna), "/threads/1"):
        assert "noindex" in browser.get(path).headers["x-robots-tag"]


def test_what_is_too_long_or_broken_is_refused(place: Place) -> None:
    """A form of two megabytes, and a multipart body that is none."""
    browser = place.browser()
    long = browser.post("/sign-in", {"email": "a" * 2_000_000})
    assert long.status == 413
    broken = browser.send(
        "POST", "/sign-in", b"nonsense",
        {"Content-Type": "multipart/form-data; boundary=x", "Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    assert broken.status == 400


def test_w11_too_many_forms_are_slowed_down(place: Place) -> None:
    """After sixty forms in ten minutes an address has to wait; pages can still be read."""
    browser = place.browser()
    answers = {browser.post("/join/ai-network").status for _ in range(61)}
    assert answers == {422, 429}
    assert browser.get("/join/ai-network").status == 200


def test_an_error_is_a_page_and_a_line_without_texts(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """What fails inside gives a page of status 500, and the log has place and class only."""
    with database.transaction() as session:
        session.execute(text("ALTER TABLE thread RENAME TO thread_gone"))
    answer = place.browser(place.anna).get("/lists/ai-network?secret=jane@example.org")
    assert answer.status == 500
    assert "Sorry, there is a problem" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    lines = [record for record in caplog.records if record.getMessage() == "page_failed"]
    assert len(lines) == 1
    assert "jane@example.org" not in repr(vars(lines[0]))


def test_health(place: Place) -> None:
    """Alive, and ready while the database answers."""
    browser = place.browser()
    assert browser.get("/health/live").status == 200
    assert browser.get("/health/ready").status == 200
    with database.transaction() as session:
        session.execute(text("ALTER TABLE list RENAME TO list_gone"))
    assert browser.get("/health/live").status == 200
    assert browser.get("/health/ready").status == 503


def test_no_page_shows_the_office_without_its_setting(place: Place) -> None:
    """The post office is for trying out only."""
    assert isinstance(place.browser(), Browser)
    assert place.browser(place.network.coordinator).get("/post-office").status == 404
