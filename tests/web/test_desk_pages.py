"""The coordinator's desk: newsletters, what became of them, sign-ups, held posts, meetings."""

import pytest
from sqlalchemy import select

from archive.models import Post, PostState
from core import clock, database, outbox
from core.events import DigestDue, MeetingAnnounced, PostFiled
from core.outbox import EventRow, Receipt
from mailer.models import Incoming, Mailing, MailingState
from mailer.trial import NOT_READ
from meetings.models import Meeting, MeetingState
from subscribers.models import JoinRequest, MailingList, RequestState
from tests.servers.web import Answer, Browser
from tests.web.conftest import CANARY, Place
from tests.web.test_guards import CHANGING, READING, paths

MEETING = {
    "list": "ai-network", "title": "Roundtable", "theme": "Skills", "day-day": "9",
    "day-month": "3", "day-year": "2027", "start": "10am", "end": "11.30", "place": "Teams",
    "join_link": "https://teams.example/x", "description": "About skills.",
}  # fmt: skip


def desk(place: Place) -> Browser:
    """The coordinator's browser."""
    return place.browser(place.network.coordinator)


def mailing(number: int) -> Mailing:
    """A mailing as it stands."""
    with database.reading() as session:
        return session.get_one(Mailing, number)


def number_in(answer: Answer) -> int:
    """The id in the address that a form led to."""
    assert answer.status == 303, answer.text
    return int(answer.headers["location"].partition("?")[0].rpartition("/")[2])


def recorded(name: str) -> list[EventRow]:
    """The events of a name."""
    with database.reading() as session:
        return list(session.scalars(select(EventRow).where(EventRow.name == name)))


def test_the_desk_is_for_coordinators(place: Place) -> None:
    """Nobody is sent to sign in, members are refused; moderators see held posts only."""
    nobody, anna, mod = place.browser(), place.browser(place.anna), place.browser(place.mod)
    for route in [route for route in READING if route.path.startswith("/desk")]:
        for path in paths(place, route):
            assert nobody.get(path).status == 303
            assert anna.get(path).status == 403
            assert mod.get(path).status == (200 if path == "/desk/held" else 403)
    for route in [route for route in CHANGING if route.path.startswith("/desk")]:
        for path in paths(place, route):
            assert nobody.post(path).headers["location"] == "/sign-in"
            assert anna.post(path).status == 403


def test_w12_a_moderator_decides_about_own_lists_only(place: Place) -> None:
    """The moderator of one list cannot touch a held post of another."""
    with database.transaction() as session:
        session.get_one(Post, place.closed_post).state = PostState.HELD
    mod = place.browser(place.mod)
    assert CANARY not in mod.get("/desk/held").text
    assert mod.post(f"/desk/held/{place.closed_post}/approve").status == 403
    assert mod.post(f"/desk/held/{place.held}/approve").status == 303
    assert len(recorded(PostFiled.__name__)) == 1


def test_a_newsletter_from_draft_to_approval_and_back(place: Place) -> None:
    """Written, looked at, checked, approved with the count, called back."""
    browser = desk(place)
    faulty = browser.post("/desk/newsletters/new", {"list": "x"})
    assert faulty.status == 422
    for words in ("Select who gets", "Enter a subject", "Write the newsletter"):
        assert words in faulty.text
    facts = {"list": "ai-network", "subject": "April", "body": "Hello\r\n\r\n## Copilot\r\n"}
    number = number_in(browser.post("/desk/newsletters/new", facts))
    page = browser.get(f"/desk/mailings/{number}")
    assert "3 members get it" in page.text
    assert "COPILOT" in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    framed = browser.get(f"/desk/mailings/{number}/preview")
    assert "sandbox" in framed.headers["content-security-policy"]
    assert "Copilot" in framed.text
    edited = browser.post(f"/desk/mailings/{number}/edit", facts | {"subject": "April news"})
    assert edited.status == 303
    assert "Send to 3 members" in browser.get(f"/desk/mailings/{number}/check").text
    assert browser.post(f"/desk/mailings/{number}/send").status == 303
    assert mailing(number).state == MailingState.APPROVED
    assert mailing(number).approved_by == place.network.coordinator
    assert browser.post(f"/desk/mailings/{number}/send").status == 303  # a second click
    assert len(recorded("MailingApproved")) == 1
    assert browser.post(f"/desk/mailings/{number}/cancel").status == 303
    assert mailing(number).state == MailingState.CANCELLED


def test_a_newsletter_for_later(place: Place) -> None:
    """A time ahead is kept; a past one, or the hour that does not exist, is said at the field."""
    browser, path = desk(place), f"/desk/mailings/{place.draft}/send"
    later = {"when": "later", "day-day": "28", "day-month": "3", "day-year": "2027"}
    assert "does not exist" in browser.post(path, later | {"time": "01:30"}).text
    past = browser.post(path, later | {"day-year": "2020", "time": "10am"})
    assert "This time is past" in past.text
    assert "Enter the time" in browser.post(path, later).text
    assert mailing(place.draft).state == MailingState.DRAFT
    assert browser.post(path, later | {"time": "10am"}).status == 303
    due = mailing(place.draft).not_before
    assert due is not None
    assert due.isoformat() == "2027-03-28T09:00:00+00:00"


def test_a_faulty_newsletter_is_not_sent(place: Place) -> None:
    """Preflight's problems stand on the page, and sending refuses."""
    with database.transaction() as session:
        session.get_one(Mailing, place.draft).source = "![logo](https://example.org/logo.png)"
    browser = desk(place)
    assert "It holds a picture" in browser.get(f"/desk/mailings/{place.draft}/check").text
    assert "It cannot be sent yet" in browser.post(f"/desk/mailings/{place.draft}/send").text
    assert mailing(place.draft).state == MailingState.DRAFT


def test_did_they_get_it(place: Place) -> None:
    """Totals, every copy with the server's words, by name, address and state; and by person."""
    browser, path = desk(place), f"/desk/mailings/{place.mailing}"
    text = browser.get(path).text
    for words in ("anna@ashford.example", "250 2.0.0 queued as 4F2", "550 5.1.1 no such user",
                  "suspended", "Taken by their mail server"):  # fmt: skip
        assert words in text
    only = browser.get(f"{path}?q=baker").text
    assert "ben@bexhill.example" in only
    assert "anna@ashford.example" not in only
    assert "mo@calder.example" in browser.get(f"{path}?state=excluded").text
    assert "No copy is like this" in browser.get(f"{path}?q=zz%25_").text
    traced = browser.get("/desk/trace?address=BEN@bexhill.example").text
    assert "550 5.1.1 no such user" in traced
    assert "February news" in traced
    assert "No member has this address" in browser.get("/desk/trace?address=x").text


def test_pausing_and_going_on(place: Place) -> None:
    """The brakes of a mailing; what cannot be done now is said."""
    browser, path = desk(place), f"/desk/mailings/{place.mailing}"
    assert browser.post(f"{path}/pause").status == 303
    assert mailing(place.mailing).state == MailingState.PAUSED
    assert browser.post(f"{path}/pause").status == 409
    assert browser.post(f"{path}/resume").status == 303
    assert "Sending goes on" in browser.get(f"{path}?said=resumed").text
    assert browser.post("/desk/mailings/999999/pause").status == 404


def test_sign_ups(place: Place) -> None:
    """The coordinator lets somebody in, once; closed lists stay closed to strangers."""
    browser, path = desk(place), f"/desk/sign-ups/{place.waiting}"
    page = browser.get("/desk/sign-ups").text
    assert "olly@elsewhere.example" in page
    assert f'action="{path}/admit"' in page
    for _ in range(2):
        assert browser.post(f"{path}/admit").status == 303
    with database.reading() as session:
        found = session.get_one(JoinRequest, place.waiting)
    assert (found.state, found.decided_by) == (RequestState.JOINED, place.network.coordinator)
    refused = browser.post(f"{path}/refuse")
    assert refused.status == 409
    assert "has joined already" in refused.text


def test_a_refused_sign_up(place: Place) -> None:
    """Refusing takes it off the page; an unconfirmed one cannot be decided about."""
    browser = desk(place)
    assert browser.post(f"/desk/sign-ups/{place.waiting}/refuse").status == 303
    assert "Nobody is waiting" in browser.get("/desk/sign-ups").text
    assert browser.post(f"/desk/sign-ups/{place.join}/admit").status == 409


def test_held_posts(place: Place) -> None:
    """Rejected with a reason; somebody who comes later is told that it was decided."""
    browser = desk(place)
    assert "Held because: sender not proved" in browser.get("/desk/held").text
    path = f"/desk/held/{place.held}"
    assert browser.post(f"{path}/reject", {"why": "advertising"}).status == 303
    assert browser.post(f"{path}/approve").headers["location"].endswith("decided")
    with database.reading() as session:
        post = session.get_one(Post, place.held)
    assert post.state == PostState.REJECTED
    assert "advertising" in (post.held_why or "")


def test_a_meeting_from_plan_to_summary(place: Place) -> None:
    """Planned, given a speaker and an update, announced, changed, cancelled."""
    browser = desk(place)
    number = number_in(browser.post("/desk/meetings/new", MEETING))
    path = f"/desk/meetings/{number}"
    with database.reading() as session:
        made = session.get_one(Meeting, number)
    assert (made.starts_wall, made.ends_wall) == ("2027-03-09T10:00", "2027-03-09T11:30")
    assert recorded(MeetingAnnounced.__name__) == []
    speaker = {"kind": "speaker", "who": "Ada", "organisation": "Turing Institute", "field": "who"}
    assert browser.post(f"{path}/parts", speaker).status == 303
    faulty = browser.post(f"{path}/parts", {"kind": "update", "who": "Socitm", "field": "who"})
    assert "An update needs a text" in faulty.text
    assert "Ada, Turing Institute" in browser.get(path).text
    for _ in range(2):
        assert browser.post(f"{path}/announce").status == 303
    assert len(recorded(MeetingAnnounced.__name__)) == 1
    assert browser.post(f"{path}/edit", MEETING | {"start": "11:00", "end": "12:00"}).status == 303
    with database.reading() as session:
        assert session.get_one(Meeting, number).sequence == 1
    assert browser.post(f"{path}/cancel").status == 303
    with database.reading() as session:
        assert session.get_one(Meeting, number).state == MeetingState.CANCELLED
    assert "is cancelled" in browser.post(f"{path}/announce").text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "Enter a title"),
        ({"list": ""}, "Select whose meeting it is"),
        ({"day-day": "31", "day-month": "2"}, "must be a real date"),
        ({"day-day": "", "day-month": "", "day-year": ""}, "Enter the date"),
        ({"start": "25:00"}, "must be a real time"),
        ({"start": "soon"}, "Enter the start time"),
        ({"end": "9am"}, "ends before it starts"),
        ({"join_link": "http://x"}, "begins with https://"),
        ({"day-day": "28", "start": "01:30", "end": "5am"}, "does not exist"),
    ],
)
@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_w38_faults_of_a_meeting(place: Place, change: dict[str, str], words: str) -> None:
    """Each fault is said in the summary, which links to a field that is there."""
    answer = desk(place).post("/desk/meetings/new", MEETING | change)
    assert answer.status == 422
    summary = answer.text.partition('error-summary__list">')[2].partition("</ul>")[0]
    assert words in summary
    target = summary.partition('href="#')[2].partition('"')[0]
    assert f'id="{target}"' in answer.text


def test_a_summary_is_published(place: Place) -> None:
    """The text stands in the form, is replaced, and an empty one is refused."""
    browser, path = desk(place), f"/desk/meetings/{place.past}"
    assert "# What we heard" in browser.get(path).text
    assert browser.post(f"{path}/summary", {"summary": "New words"}).status == 303
    assert "New words" in place.browser(place.anna).get(f"/meetings/{place.past}").text
    faulty = browser.post(f"{path}/summary", {"summary": " ", "field": "summary"})
    assert "The summary is empty" in faulty.text


def test_a_digest_now(place: Place) -> None:
    """The button records that the digest of this list is due."""
    assert desk(place).post("/desk/digests/ai-network").status == 303
    (row,) = recorded(DigestDue.__name__)
    assert f'"list": {place.network.main}' in row.facts
    assert desk(place).post("/desk/digests/nothing").status == 404


def test_what_is_stuck(place: Place) -> None:
    """Mail that nobody understood can be read and saved; work that failed can be tried again."""
    with database.transaction() as session:
        event = outbox.record(session, DigestDue(1, clock.now()))
        assert event is not None
        receipt = Receipt(event_id=event, reaction="mailing.digest", state="stuck", attempts=8,
                          next_try=clock.now(), trouble="KeyError at x:1")  # fmt: skip
        session.add(receipt)
        session.flush()
        number = receipt.id
    browser = desk(place)
    text = browser.get("/desk/stuck").text
    for words in ("What is this?", "no list is meant", "mailing.digest", "KeyError at x:1"):
        assert words in text
    assert "Nobody knows." in browser.get(f"/desk/stuck/{place.stuck}").text
    raw = browser.get(f"/desk/stuck/{place.stuck}/raw")
    assert raw.content.startswith(b"From: Mystery")
    assert raw.headers["content-disposition"].startswith("attachment")
    assert browser.post(f"/desk/receipts/{number}/retry").status == 303
    with database.reading() as session:
        assert session.get_one(Receipt, number).state == "due"


def test_the_dashboard_says_what_waits(place: Place) -> None:
    """Counts of what waits for a person, drafts, and what was sent."""
    text = desk(place).get("/desk").text
    for words in ("sign-up</a>", "held post</a>", "thing stuck</a>", "March news", "February news",
                  "1 of 3 taken, 1 refused, 1 left out"):  # fmt: skip
        assert words in text
    with database.reading() as session:
        assert session.get(MailingList, place.network.main) is not None


@pytest.mark.parametrize("why", [NOT_READ, f"import: {NOT_READ}"])
def test_what_nobody_should_read_is_shown_unread(place: Place, why: str) -> None:
    """Listed with its reason; its page is the file itself, which nobody here opens."""
    with database.transaction() as session:
        stuck = session.get_one(Incoming, place.stuck)
        stuck.why = why
    listed = desk(place).get("/desk/stuck").text
    assert why in listed
    assert "(not read)" in listed
    assert "mystery" not in listed.lower()
    answer = desk(place).get(f"/desk/stuck/{place.stuck}")
    assert answer.headers["content-disposition"].startswith("attachment")
