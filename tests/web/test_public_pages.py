"""Pages without signing in: joining, confirming, leaving by button and by one click, answering."""

import re

import pytest
from sqlalchemy import select

from core import clock, database, tokens
from core.events import Left
from core.outbox import EventRow
from core.tokens import Purpose
from meetings import changes, rsvp
from subscribers import joining
from subscribers.models import JoinRequest, RequestState, Standing, Subscription
from tests.servers.web import Browser
from tests.web.conftest import Place

FILLED = {"name": "Jane Doe", "email": "jane@ashford.example", "agree": "yes"}


def requests_of(address: str) -> list[JoinRequest]:
    """The requests of an address."""
    with database.reading() as session:
        return list(session.scalars(select(JoinRequest).where(JoinRequest.mailbox == address)))


def standing(person: int, list_id: int) -> str:
    """How a person stands to a list."""
    with database.reading() as session:
        wanted = select(Subscription.state).where(
            Subscription.person_id == person, Subscription.list_id == list_id
        )
        return session.scalars(wanted).one()


def test_joining_asks_for_a_confirmation_and_names_the_address(place: Place) -> None:
    """W39: the page after the form says which address was written to and what happens next."""
    answer = place.browser().post("/join/ai-network", FILLED)
    assert answer.status == 200
    assert "jane@ashford.example" in answer.text
    assert "What happens next" in answer.text
    (asked,) = requests_of("jane@ashford.example")
    assert (asked.state, asked.source, asked.wording) == ("asked", "form", joining.WORDING)


def test_w5_same_answer_for_everybody(place: Place) -> None:
    """A member, a stranger, somebody who asked before, and a program in the trap: same bytes."""
    browser = place.browser()
    texts = set()
    for email, more in (
        ("anna@ashford.example", {}),
        ("jane@ashford.example", {}),
        ("jane@ashford.example", {}),
        ("robot@ashford.example", {"website": "https://spam.example"}),
    ):
        answer = browser.post("/join/ai-network", FILLED | {"email": email} | more)
        assert answer.status == 200
        texts.add(answer.text.replace(email, "X").replace(email.replace("@", "%40"), "X"))
    assert len(texts) == 1
    assert requests_of("robot@ashford.example") == []
    signs = {
        browser.post("/sign-in", {"email": email}).text.replace(email, "X")
        for email in ("anna@ashford.example", "nobody@nowhere.example")
    }
    assert len(signs) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ["Enter your name", "Enter your email address", "Select that you agree"]),
        (FILLED | {"agree": ""}, ["Select that you agree"]),
        (FILLED | {"email": "jane"}, ["email address"]),
        (FILLED | {"email": "x" * 300 + "@a.example"}, ["254 characters or fewer"]),
        (FILLED | {"email": "ai-network@lists.example.org"}, ["address of the network itself"]),
        (FILLED | {"name": "x" * 300}, ["200 characters or fewer"]),
    ],
)
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w37_w38_faults_stand_above_and_at_the_field(
    place: Place, fields: dict[str, str], words: list[str]
) -> None:
    """The same words in the summary and at the field, a title that says so, entries kept."""
    answer = place.browser().post("/join/ai-network", fields)
    assert answer.status == 422
    assert "<title>Error: " in answer.text
    summary, _, rest = answer.text.partition("<h1")
    for sentence in words:
        assert sentence in summary
        assert sentence in rest
    if fields.get("email"):
        assert f'value="{fields["email"]}"' in rest
    assert " required" not in rest
    assert requests_of(fields.get("email", "")) == []


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w37_w21_the_form_itself(place: Place) -> None:
    """Visible labels, autocomplete, novalidate, no pre-ticked box, the words of the consent."""
    text = place.browser().get("/join/ai-network").text
    for piece in ('type="email"', 'autocomplete="email"', 'autocomplete="name"', "novalidate",
                  'spellcheck="false"', joining.WORDING, 'href="/privacy"'):  # fmt: skip
        assert piece in text
    assert "checked" not in text
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', text))
    fields = set(re.findall(r'<(?:input|textarea|select)[^>]* id="([^"]+)"', text))
    assert fields <= labelled
    assert place.browser().get("/join/no-such-list").status == 404


def test_confirming_by_the_button(place: Place) -> None:
    """The page shows a masked address and a button; the button confirms, twice is as once."""
    browser, path = place.browser(), place.confirm_path()
    page = browser.get(path)
    assert "n…w@calder.example" in page.text
    assert "new@calder.example" not in page.text
    for _ in range(2):
        assert browser.post(path).status == 200
    (asked,) = requests_of("new@calder.example")
    assert asked.state == RequestState.CONFIRMED
    assert "button at" in asked.evidence


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w39_links_that_cannot_be_used_say_why_and_offer_a_new_one(place: Place) -> None:
    """Forged, too old, replaced by a newer mail: each says so, and leads to the form."""
    browser, path = place.browser(), place.confirm_path()
    assert "not complete" in browser.get("/confirm/abc").text
    assert browser.post("/confirm/abc").status == 404
    with database.transaction() as session:
        session.get_one(JoinRequest, place.join).asked_at = clock.now() - joining.LIFE * 2
    for answer in (browser.get(path), browser.post(path)):
        assert answer.status == 410
        assert "more than 7 days old" in answer.text
        assert "/join/ai-network" in answer.text
    with database.transaction() as session:
        session.get_one(JoinRequest, place.join).state = RequestState.REPLACED
    assert "newer email" in browser.post(path).text
    wrong = f"/confirm/{tokens.make(Purpose.LEAVE, place.anna, place.network.main)}"
    assert browser.post(wrong).status == 404


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=x1",
            b'--x1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click'
            b"\r\n--x1--\r\n",
        ),
    ],
)
def test_w2_one_click_leaves_without_cookie_origin_or_redirect(
    place: Place, kind: str, body: bytes
) -> None:
    """RFC 8058 §3.1: both encodings, no cookie is needed or set, 200, again and again."""
    browser, path = Browser(place.port), place.leave_path(place.anna)
    for _ in range(2):
        answer = browser.send("POST", path, body, {"Content-Type": kind})
        assert answer.status == 200
        assert answer.cookies == ()
    assert standing(place.anna, place.network.main) == Standing.LEFT
    with database.reading() as session:
        left = session.scalars(select(EventRow).where(EventRow.name == Left.__name__)).all()
    assert len(left) == 1


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=one-click", b"a=b"])
def test_w2_anything_else_does_not_leave(place: Place, body: bytes) -> None:
    """Another body without proof of our page changes nothing, nor does opening the page."""
    browser, path = Browser(place.port), place.leave_path(place.anna)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.send("POST", path, body, kind).status == 403
    assert browser.get(f"{path}?List-Unsubscribe=One-Click").status == 200
    assert standing(place.anna, place.network.main) == Standing.ACTIVE


def test_leaving_by_the_button_and_undoing_it(place: Place) -> None:
    """A masked address, a button, the goodbye with undo, and back again."""
    browser, path = place.browser(), place.leave_path(place.anna)
    page = browser.get(path)
    assert "a…a@ashford.example" in page.text
    assert "anna@ashford.example" not in page.text
    goodbye = browser.post(path)
    assert goodbye.status == 200
    assert f'action="{path}/undo"' in goodbye.text
    assert standing(place.anna, place.network.main) == Standing.LEFT
    assert "You have left" in browser.get(path).text
    assert browser.post(f"{path}/undo").status == 200
    assert standing(place.anna, place.network.main) == Standing.ACTIVE
    for broken in ("/leave/abc", f"/leave/{tokens.make(Purpose.REPLY, 1, 2)}"):
        assert browser.post(broken).status == 404


def test_answering_an_invitation(place: Place) -> None:
    """Three choices; the answer is noted and can be changed; nothing is chosen beforehand."""
    browser, path = place.browser(), place.rsvp_path(place.anna)
    page = browser.get(path)
    assert "Procurement roundtable" in page.text
    assert "checked" not in page.text
    assert 'value="yes" checked' in browser.get(f"{path}?answer=yes").text
    for said in ("yes", "no"):
        answer = browser.post(path, {"answer": said})
        assert answer.status == 200
        assert "We have noted" in answer.text
        with database.reading() as session:
            noted = rsvp.of(session, place.meeting, place.anna)
        assert noted is not None
        assert (noted.answer, noted.source) == (said, "page")
    assert "Select whether you are coming" in browser.post(path, {"answer": "x"}).text
    assert browser.post("/rsvp/abc", {"answer": "yes"}).status == 404


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_cancelled_meeting_takes_no_answer(place: Place) -> None:
    """The page says that it is cancelled, and has no form."""
    with database.transaction() as session:
        changes.cancel(session, place.meeting, None)
    page = place.browser().get(place.rsvp_path(place.anna))
    assert "This meeting is cancelled" in page.text
    assert "<form" not in page.text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_everybody_may_see(place: Place) -> None:
    """The front page names open lists only; privacy and accessibility are linked everywhere."""
    browser = place.browser()
    front = browser.get("/")
    assert "/join/ai-network" in front.text
    assert "Copilot subgroup" not in front.text
    for path in ("/", "/sign-in", "/nothing", place.leave_path(place.anna)):
        text = browser.get(path).text
        assert 'href="/privacy"' in text
        assert 'href="/accessibility"' in text
