"""The post office for trying out: read the mail of others, answer it in words and by calendar."""

import datetime as dt
from collections.abc import Iterator

import pytest

from core import settings
from message import itip
from message.parse import Message, parse
from tests.servers.smtp import SmtpSink, smtp_server
from tests.web.conftest import Place
from tests.web.test_in_browser import KEY, LETTER
from web.post_office import caught

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
PAGE = f"/post-office/{KEY}"


@pytest.fixture
def office(place: Place) -> Iterator[SmtpSink]:
    """An open post office with two letters; what is sent to it is kept."""
    with smtp_server() as server:
        settings.use(
            settings.current().model_copy(
                update={"post_office": True, "smtp_host": "127.0.0.1", "smtp_port": server.port}
            )
        )
        caught.folder().mkdir(parents=True)
        (caught.folder() / f"{KEY}.eml").write_bytes(LETTER)
        other = LETTER.replace(b"anna@ashford", b"ben@bexhill").replace(b"March", b"April")
        (caught.folder() / "20270203T090000000000-000002.eml").write_bytes(other)
        yield server


def test_letters_are_listed_newest_first_and_by_recipient(place: Place, office: SmtpSink) -> None:
    """Everybody's mail without signing in, or that of one person."""
    browser = place.browser()
    text = browser.get("/post-office").text
    assert text.index("April news") < text.index("March news")
    only = browser.get("/post-office?to=Anna@Ashford.example").text
    assert "March news" in only
    assert "April news" not in only
    for key in ("..", "nothing", "..%2F..%2Fsecret"):
        assert browser.get(f"/post-office/{key}").status == 404


def test_a_letter_as_its_receiver_sees_it(place: Place, office: SmtpSink) -> None:
    """Header, text with live links, the invitation's facts, and a reply that quotes."""
    text = place.browser().get(PAGE).text
    for words in ("anna@ashford.example", "Procurement, buying",
                  "Tuesday 2 March 2027, 10am to 11:30am (UK time)",
                  'href="https://network.example.org/leave/x"', "&gt; Hello Anna.",
                  'value="Re: March news"', "On 2 February 2027 at 09:00, AI Network wrote:",
                  "ai-network+abc@lists.example.org"):  # fmt: skip
        assert words in text, words
    framed = place.browser().get(f"{PAGE}/html")
    assert "color:#12436d" in framed.text
    for piece in ("<script", "<form", "<img", "onclick", "evil.example", "<style"):
        assert piece not in framed.text


def test_a_reply_goes_where_a_mail_program_sends_it(place: Place, office: SmtpSink) -> None:
    """From the receiver, to Reply-To, threaded, with what was written and what is quoted."""
    got = _sent(
        place, office, "reply", {"subject": "Re: March news", "text": "Yes.\r\n\r\n> Hello\r\n"}
    )
    assert got.from_ is not None
    assert (got.from_.name, got.from_.address) == ("Anna Archer", "anna@ashford.example")
    assert [box.address for box in got.to] == ["ai-network+abc@lists.example.org"]
    assert got.in_reply_to == ("one@lists.example.org",)
    assert got.references == ("one@lists.example.org",)
    assert got.subject == "Re: March news"
    assert got.text.startswith("Yes.")
    assert "> Hello" in got.text
    assert got.message_id


@pytest.mark.parametrize(
    ("said", "partstat"), [("yes", "ACCEPTED"), ("maybe", "TENTATIVE"), ("no", "DECLINED")]
)
def test_the_buttons_of_a_calendar(
    place: Place, office: SmtpSink, said: str, partstat: str
) -> None:
    """RFC 5546 §3.2.3: a REPLY with the same UID and SEQUENCE, and one ATTENDEE."""
    got = _sent(place, office, "rsvp", {"answer": said})
    assert [box.address for box in got.to] == ["ai-network+rsvp@lists.example.org"]
    (part,) = got.calendars
    answer = itip.read_answer(part.text)
    assert part.method == "REPLY"
    assert answer is not None
    assert (answer.uid, answer.sequence) == ("abc", 1)
    assert (answer.attendee, answer.partstat) == ("anna@ashford.example", partstat)
    assert answer.stamp is not None
    assert answer.stamp - dt.datetime(2027, 2, 2, 9, 30, tzinfo=dt.UTC) < dt.timedelta(minutes=5)


def _sent(place: Place, office: SmtpSink, what: str, fields: dict[str, str]) -> Message:
    answer = place.browser().post(f"{PAGE}/{what}", fields)
    assert answer.status == 303, answer.text
    (one,) = office.received()
    assert one.sender == "anna@ashford.example"
    return parse(one.data)


def test_what_cannot_be_sent_is_said_and_kept(place: Place, office: SmtpSink) -> None:
    """An empty reply, a subject that breaks the header, a closed office: the text is kept."""
    browser = place.browser()
    assert "Write a reply" in browser.post(f"{PAGE}/reply", {"text": " "}).text
    assert browser.post(f"{PAGE}/rsvp", {"answer": "x"}).status == 422
    settings.use(settings.current().model_copy(update={"smtp_port": 1}))
    closed = browser.post(f"{PAGE}/reply", {"text": "My long answer", "subject": "Re: x"})
    assert closed.status == 422
    assert "does not answer" in closed.text
    assert "My long answer" in closed.text


def test_trying_out_says_where_the_mail_is(place: Place, office: SmtpSink) -> None:
    """After asking for a link, the page leads to the post office."""
    text = place.browser().post("/sign-in", {"email": "anna@ashford.example"}).text
    assert "/post-office?to=anna%40ashford.example" in text


def test_it_is_off_otherwise(place: Place) -> None:
    """Without its setting there is no such page, and nothing can be sent through it."""
    browser = place.browser(place.network.coordinator)
    assert browser.get("/post-office").status == 404
    assert browser.get(PAGE).status == 404
    assert browser.post(f"{PAGE}/reply", {"text": "x"}).status == 404
