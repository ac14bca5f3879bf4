"""Pages for members: who sees what, discussions that read well, files, search, meetings."""

import itertools
import re
from html.parser import HTMLParser

import pytest

from archive.models import Post
from core import clock, database
from mailer.models import Incoming
from meetings import rsvp
from subscribers import people
from subscribers.models import Mode, Organisation, OrganisationKind, Standing
from tests.web.conftest import CANARY, Place, add_attachment, add_post
from tests.web.test_guards import READING, paths
from tests.web.test_public_pages import standing


def test_w12_a_closed_list_is_not_there_for_others(place: Place) -> None:
    """Members of other lists, and nobody: no page of any route shows the canary."""
    for browser in (place.browser(), place.browser(place.anna), place.browser(place.mod)):
        for route in READING:
            for path in paths(place, route):
                assert CANARY not in browser.get(path).text, path
        for path in (
            f"/threads/{place.closed_thread}", f"/posts/{place.closed_post}",
            f"/attachments/{place.closed_attachment}", f"/meetings/{place.closed_meeting}",
            "/lists/copilot", "/lists/copilot/membership", f"/search?q={CANARY}",
            f"/search?q={CANARY}&list=copilot", "/search?q=licences", "/meetings", "/lists",
        ):  # fmt: skip
            answer = browser.get(path)
            assert CANARY not in answer.text.replace(f'value="{CANARY}"', "").replace(
                f"{CANARY} – Search", ""
            ), path


def test_w12_changes_act_at_once(place: Place) -> None:
    """A member of the closed list sees it until the organisation is no council any more."""
    browser = place.browser(place.ben)
    path = f"/threads/{place.closed_thread}"
    assert CANARY in browser.get(path).text
    assert browser.get(f"/attachments/{place.closed_attachment}").status == 200
    with database.transaction() as session:
        ben = people.by_address(session, "ben@bexhill.example")
        assert ben is not None
        session.get_one(Organisation, ben.organisation_id).kind = OrganisationKind.OTHER
    assert browser.get(path).status == 404
    assert browser.get(f"/attachments/{place.closed_attachment}").status == 404


def test_w31_members_only_and_no_addresses(place: Place) -> None:
    """Anonymous visitors are sent to sign in; pages of members show no address of a person."""
    nobody, anna = place.browser(), place.browser(place.anna)
    for path in ("/lists", f"/threads/{place.thread}", f"/posts/{place.post}", "/search?q=a",
                 "/meetings", f"/attachments/{place.attachment}"):  # fmt: skip
        answer = nobody.get(path)
        assert answer.status == 303
        assert answer.headers["location"].startswith("/sign-in?way=%2F")
        assert not re.search(r"@(?:ashford|bexhill|calder)\.example", anna.get(path).text)


def test_held_posts_are_for_moderators(place: Place) -> None:
    """A held post is not there for a member, and is for the moderator of its list."""
    path = f"/posts/{place.held}"
    assert place.browser(place.anna).get(path).status == 404
    assert "waits for a moderator" in place.browser(place.mod).get(path).text


class Outline(HTMLParser):
    """The headings and articles of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w36_a_thread_reads_well_aloud(place: Place) -> None:
    """One h1, each post an article named by its heading, depth in words, quotes folded, <time>."""
    text = place.browser(place.anna).get(f"/threads/{place.thread}").text
    outline = Outline()
    outline.feed(text)
    tags = [tag for tag, _ in outline.tags]
    assert tags.count("h1") == 1
    assert tags.count("article") == 3
    main = text.partition("<main")[2].partition("</main>")[0]
    levels = [int(level) for level in re.findall(r"<h([1-6])", main)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = {attrs["id"] for tag, attrs in outline.tags if tag == "h2" and "id" in attrs}
    for tag, attrs in outline.tags:
        if tag == "article":
            assert attrs["aria-labelledby"] in names
    assert "Answers Ben Baker</a>, level 2" in text
    assert "Answers Anna Archer</a>, level 3" in text
    folded = text.partition("<details")[2]
    assert "Quoted text (2 lines)" in text
    assert "Really?" in folded
    assert text.count("<time datetime=") >= 4
    assert 'href="#main-content"' in text
    assert re.search(r'href="mailto:ai-network@lists\.example\.org\?subject=Re%3A%20Simply', text)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_is_answered_between_its_lines_is_open(place: Place) -> None:
    """The question above each of several answers; what is quoted once, or is long, is folded."""
    parts = [
        ("own", "My answers below.\n"), ("quoted", "From: Ben\n\nWho reads it?\n"),
        ("own", "Nobody.\n"), ("quoted", "> For how long?\n"), ("own", "A month.\n"),
        ("quoted", "Regards\nBen\n"),
    ]  # fmt: skip
    once = [("quoted", "> Who reads it?\n"), ("own", "Nobody.\n")]
    long = [("own", "See below."), ("quoted", "line\n" * 9), ("own", "Nobody.\n")]
    browser = place.browser(place.anna)
    opened = []
    for said in (parts, once, long):
        text = browser.get(f"/posts/{add_post(place.network.main, 'Open', said).id}").text
        opened.append((text.count("Quoted text ("), len(re.findall(r"<details[^>]* open>", text))))
    assert opened == [(3, 2), (1, 0), (1, 0)]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w13_content_of_others_is_shown_and_not_obeyed(place: Place) -> None:
    """Markup in words, names and subjects is text; HTML of a newsletter is sanitised, lowered."""
    nasty = '<script>alert(1)</script><img src=x onerror=alert(1)>"><b>'
    post = add_post(
        place.network.main, f"Subject {nasty}",
        [("own", f"{nasty} {'long' * 200}\n"), ("quoted", f"> {nasty}\n")], author=f"Eve {nasty}",
        organisation=nasty,
    )  # fmt: skip
    letter = add_post(
        place.network.main, "News", [("own", "News")], mailing_id=place.mailing,
        html='<h1>Big</h1><h2 style="x">Next</h2><script>x</script><a href="javascript:x">y</a>'
        '<img src="https://evil.example/p.gif"><p onclick="x">Words</p>',
    )  # fmt: skip
    browser = place.browser(place.anna)
    for path in (f"/threads/{post.thread_id}", f"/posts/{post.id}", "/search?q=alert",
                 "/lists/ai-network"):  # fmt: skip
        text = browser.get(path).text
        assert "<script" not in text
        assert "<img" not in text
    shown = browser.get(f"/threads/{letter.thread_id}").text
    for piece in ("<script", "<img", "javascript:", "onclick", "<h1>Big", "evil.example"):
        assert piece not in shown
    assert "<h3>Next</h3>" in shown
    assert shown.count("<h1") == 1


def test_w16_files_are_saved_never_opened(place: Place) -> None:
    """Neutral type, attachment, sandbox, and a name that breaks nothing (RFC 6266 §4)."""
    answer = place.browser(place.anna).get(f"/attachments/{place.attachment}")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="prices__1_.html"; ')
    assert "filename*=UTF-8''prices%20%3C1%3E.html" in disposition


@pytest.mark.parametrize("name", ['a"b\r\nX: y.html', "Übersicht – März.pdf", "../../etc/passwd"])
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w16_names_of_files_are_encoded(place: Place, name: str) -> None:
    """Whatever the name, there is one header line of ASCII."""
    number = add_attachment(add_post(place.network.main, "File", [("own", "See")]), name, b"x")
    answer = place.browser(place.anna).get(f"/attachments/{number}")
    assert answer.status == 200
    assert "x" not in answer.headers or answer.headers["x"] != "y.html"
    assert answer.headers["content-disposition"].isascii()
    assert "/" not in answer.headers["content-disposition"]


def test_search(place: Place) -> None:
    """Hits lead to the post; what is marked is marked; strange queries are no error."""
    browser = place.browser(place.anna)
    found = browser.get("/search?q=anybody")
    assert f"#post-{place.post}" in found.text
    assert "<mark>anybody</mark>" in found.text.lower()
    for query in ("%00", "%22", "AND+OR+NOT", "%27%29%3B--", "*", "a" * 3000):
        assert browser.get(f"/search?q={query}").status == 200
    assert "Nothing was found" in browser.get("/search?q=zebra").text


def test_lists_and_how_their_posts_come(place: Place) -> None:
    """The member's own lists, lists to join, and the mode, which can be changed."""
    browser = place.browser(place.anna)
    text = browser.get("/lists").text
    assert "You get a monthly digest" in text
    assert "/join/copilot" in text  # Anna's council could join it
    path = "/lists/ai-network/membership"
    assert 'value="monthly" checked' in browser.get(path).text
    assert browser.post(path, {"mode": Mode.EACH}).status == 303
    assert 'value="each" checked' in browser.get(path).text
    browser.post(path, {"mode": "nonsense"})
    assert 'value="each" checked' in browser.get(path).text
    assert browser.post("/lists/ai-network/leave").headers["location"] == "/lists?said=left"
    assert standing(place.anna, place.network.main) == Standing.LEFT
    assert browser.get("/lists/ai-network").status == 404


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_pages_of_a_long_list(place: Place) -> None:
    """Thirty discussions a page; the ends have no further page."""
    for number in range(40):
        add_post(place.network.main, f"Topic {number}", [("own", "Words")])
    browser = place.browser(place.anna)
    first, second = browser.get("/lists/ai-network"), browser.get("/lists/ai-network?page=2")
    assert first.text.count("folkmoot-entry") == 30
    assert 'rel="next"' in first.text
    assert 'rel="prev"' in second.text
    assert 'rel="next"' not in second.text
    for page in ("99", "x", "-1", "9" * 50):
        assert browser.get(f"/lists/ai-network?page={page}").status in (200, 404)


def test_meetings(place: Place) -> None:
    """Coming and past ones with theme and summary; a plan is for coordinators; one answers here."""
    browser = place.browser(place.anna)
    index = browser.get("/meetings").text
    for words in ("Procurement roundtable", "Productivity", "Theme: Buying well", "What we heard"):
        assert words.lower() in index.lower()
    assert "Not announced" not in index
    assert browser.get(f"/meetings/{place.planned}").status == 404
    assert place.browser(place.network.coordinator).get(f"/meetings/{place.planned}").status == 200
    past = browser.get(f"/meetings/{place.past}").text
    assert "<strong>Contracts</strong>" in past
    assert past.count("<h1") == 1
    path = f"/meetings/{place.meeting}/answer"
    assert browser.post(path, {}).status == 422
    assert browser.post(path, {"answer": "maybe"}).status == 303
    with database.reading() as session:
        noted = rsvp.of(session, place.meeting, place.anna)
    assert noted is not None
    assert noted.answer == "maybe"
    assert browser.post(f"/meetings/{place.closed_meeting}/answer", {"answer": "yes"}).status == 404


def test_parts_of_one_message_lead_to_each_other(place: Place) -> None:
    """An answer to several items is several posts: each names the others, if one may see them."""
    main, closed = place.network.main, place.network.sub
    here = add_post(main, "Costs", [("own", "On costs.")])
    there = add_post(main, "Parking", [("own", "On parking.")])
    hidden = add_post(closed, "Secret plans", [("own", CANARY)])
    with database.transaction() as session:
        incoming = Incoming(
            mailbox="m", uidvalidity=1, uid=991, raw=b"", sha256="0" * 64, size=0,
            arrived_at=clock.now(), state="sorted",
        )  # fmt: skip
        session.add(incoming)
        session.flush()
        for post in (here, there, hidden):
            session.get_one(Post, post.id).incoming_id = incoming.id
    browser = place.browser(place.anna)
    for path in (f"/posts/{here.id}", f"/threads/{here.thread_id}"):
        text = browser.get(path).text
        assert f'also answers <a class="govuk-link" href="/posts/{there.id}">Parking</a>' in text
        assert "Secret plans" not in text
    assert f'href="/posts/{here.id}">Costs</a>' in browser.get(f"/posts/{there.id}").text
