"""The inbox and sorting: what comes is kept as it is, gets one verdict, and reaches its room."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from core import addresses, database, events, settings, tokens
from core.outbox import EventRow
from core.tokens import Purpose
from mailer import bouncing, inbox, sorting, trace
from mailer.models import Delivery, Incoming, Mailing
from subscribers import reachability
from subscribers.models import Address, Reach, Refusal, Standing, Subscription
from tests.conftest import Network
from tests.mailer.conftest import Planned, rows

JO = "Jo Smith <jo@ashford.example>"
_uids = iter(range(1, 1_000_000))


def message(to: str, subject: str = "Hello", text: str = "A question.", *more: str,
            sender: str = JO) -> bytes:  # fmt: skip
    """A message from a person to an address of ours, with more header lines."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", "Message-ID: <x1@ashford>"]
    return "\r\n".join([*more, *lines, "", text, ""]).encode()


def report(recipient: str, *, message_id: str = "other@x", status: str = "5.1.1",
           to: str = "office@lists.example.org") -> bytes:  # fmt: skip
    """An RFC 3464 report."""
    return (
        "From: MAILER-DAEMON@mx.ashford.example\r\n"
        f"To: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI could not deliver your message.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: <{message_id}>\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


def complaint(*fields: str, copy: Sequence[str] = ()) -> bytes:
    """An RFC 5965 report, its addresses blotted out."""
    head = (
        "From: feedback@provider.example\r\nTo: office@lists.example.org\r\nSubject: complaint\r\n"
    )
    kind = 'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
    facts = "\r\n".join(["Feedback-Type: abuse", "Version: 1", "User-Agent: x", *fields])
    inner = "\r\n".join(["From: ai-network@lists.example.org", *copy, "", "text"])
    return (
        f"{head}{kind}--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n--b\r\n"
        f"Content-Type: message/feedback-report\r\n\r\n{facts}\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"
    ).encode()


def arrive(raw: bytes) -> Incoming:
    """Keep and sort a message, as the house does; gives the row."""
    with database.transaction() as session:
        number = inbox.keep(session, "box", 1, next(_uids), raw)
    assert number is not None
    with database.transaction() as session:
        sorting.sort(session, events.MailArrived(number))
    with database.reading() as session:
        return session.get_one(Incoming, number)


def recorded(name: str) -> list[str]:
    """The facts of the events of a name."""
    with database.reading() as session:
        return [row.facts for row in session.query(EventRow).filter_by(name=name)]


def last_event() -> str:
    """The name of the event recorded last."""
    with database.reading() as session:
        return session.query(EventRow).order_by(EventRow.id.desc()).limit(1).one().name


# --- the inbox --------------------------------------------------------------------------------


@how(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=2000))
def test_i1_any_bytes_are_kept_and_sorted(network: Network, raw: bytes) -> None:
    """Byte for byte as they came, and whatever they are, they get a verdict."""
    row = arrive(raw)
    assert inbox.raw_of(row) == raw
    assert row.state in ("sorted", "stuck")
    assert row.verdict


def test_i1_the_same_message_is_kept_once(network: Network) -> None:
    """The key is mailbox, UIDVALIDITY and UID; under new numbers the content is recognised."""
    with database.transaction() as session:
        assert inbox.keep(session, "box", 1, 7, b"one") is not None
        assert inbox.keep(session, "box", 1, 7, b"one") is None
        assert inbox.keep(session, "box", 1, 8, b"one") is not None, "delivered twice: kept twice"
        assert inbox.keep(session, "box", 2, 1, b"one") is None
        assert inbox.keep(session, "box", 2, 2, b"two") is not None
        assert inbox.keep(session, "another box", 1, 7, b"one") is not None
        assert inbox.last_uid(session, "box", 2) == 2
        inbox.note_position(session, "box", 2)
        assert inbox.last_uid(session, "box", 2) == 2
        inbox.note_position(session, "box", 3)
        assert inbox.last_uid(session, "box", 3) == 0
        assert inbox.last_uid(session, "box", 2) == 0
    assert len(recorded("MailArrived")) == 4


# --- the verdicts -----------------------------------------------------------------------------

LIST = "ai-network@lists.example.org"


def token(purpose: Purpose, *ids: int) -> str:
    """An address of the list with a token."""
    return addresses.of("ai-network", tokens.make(purpose, *ids))


CASES: list[tuple[str, Callable[[], bytes], str, str, str | None]] = [
    ("post", lambda: message(LIST), "PostArrived", "post", None),
    ("upper case", lambda: message(LIST.upper()), "PostArrived", "post", None),
    ("reply", lambda: message(token(Purpose.REPLY, 1, 0)), "PostArrived", "post", None),
    ("join", lambda: message("ai-network+join@lists.example.org"), "CommandArrived", "command",
     "join"),
    ("i31 leave", lambda: message("ai-network+leave@lists.example.org"), "CommandArrived",
     "command", "leave"),
    ("i31 lone unsubscribe", lambda: message(LIST, "Unsubscribe", "unsubscribe"),
     "CommandArrived", "command", "leave"),
    ("leave token", lambda: message(token(Purpose.LEAVE, 1, 1)), "CommandArrived", "command",
     "leave"),
    ("confirm token", lambda: message(token(Purpose.CONFIRM, 1)), "CommandArrived", "command",
     "confirm"),
    ("i4 absence", lambda: message(LIST, "Away", "I am away.", "Auto-Submitted: auto-replied"),
     "AutomaticReplyArrived", "automatic", None),
    ("i4 absence, to a bounce address",
     lambda: message(token(Purpose.BOUNCE, 1), "Away", "x", "Auto-Submitted: auto-replied"),
     "AutomaticReplyArrived", "automatic", None),
    ("absence in answer to a confirmation confirms nothing",
     lambda: message(token(Purpose.CONFIRM, 1), "Away", "x", "Auto-Submitted: auto-replied"),
     "AutomaticReplyArrived", "automatic", None),
    ("bounce", lambda: report("a@b.example"), "BounceArrived", "bounce", None),
    ("i32 complaint", complaint, "ReportArrived", "report", None),
    ("i22 letter to a bounce address", lambda: message(token(Purpose.BOUNCE, 1)),
     "MailNotUnderstood", "post", None),
    ("c9 words in answer to an invitation", lambda: message(token(Purpose.RSVP, 1, 1)),
     "MailNotUnderstood", "post", None),
    ("to nobody of ours", lambda: message("jo@x.example"), "MailNotUnderstood", "post", None),
    ("to no list", lambda: message("nothing@lists.example.org"), "MailNotUnderstood", "post", None),
    ("to the office", lambda: message("office@lists.example.org"), "PostArrived", "post", None),
    ("i5 own loop mark", lambda: message(LIST, "x", "x", "X-Folkmoot-Loop: ai-network"),
     "MailNotUnderstood", "post", None),
    ("i5 own list id", lambda: message(LIST, "x", "x", "List-Id: <ai-network.lists.example.org>"),
     "MailNotUnderstood", "post", None),
    ("i5 too many servers", lambda: message(LIST, "x", "x", *["Received: from a by b"] * 100),
     "MailNotUnderstood", "post", None),
    ("another list's id", lambda: message(LIST, "x", "x", "List-Id: <other.example.com>"),
     "PostArrived", "post", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "event", "verdict", "command"), [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)  # fmt: skip
def test_each_kind_of_mail_reaches_its_room(
    network: Network, raw: Callable[[], bytes], event: str, verdict: str, command: str | None
) -> None:
    """One event a message, with the verdict and the reason on the row."""
    row = arrive(raw())
    assert (last_event(), row.verdict, row.command) == (event, verdict, command)
    assert row.state == ("stuck" if event == "MailNotUnderstood" else "sorted")
    assert row.why


def test_what_the_row_says(network: Network) -> None:
    """List, person and token stand on the row; upper case changes nothing."""
    jo = network.person("Jo", "jo@ashford.example", network.main)
    address = token(Purpose.REPLY, 5, 2)
    row = arrive(message(address.upper(), sender="JO <JO@Ashford.example>"))
    assert (row.list_id, row.person_id) == (network.main, jo)
    assert tokens.read(row.token or "", Purpose.REPLY).ids == (5, 2)


def test_the_envelope_says_where_a_blind_copy_went(network: Network) -> None:
    """Delivered-To counts when To and Cc name others."""
    row = arrive(message("them@x.example", "x", "x", f"Delivered-To: {LIST}"))
    assert (row.list_id, row.verdict) == (network.main, "post")


def test_i5_our_own_message_is_a_loop(network: Network, planned: Planned) -> None:
    """A copy of ours that comes back, its marks stripped, is known by its Message-ID."""
    mailing = planned(1)
    with database.reading() as session:
        ours = session.get_one(Mailing, mailing).message_id
    raw = message(LIST).replace(b"x1@ashford", ours.encode())
    row = arrive(raw)
    assert (row.state, row.why) == ("stuck", "a message of ours has come back: a loop")
    answer = arrive(message(LIST, "Re: x", "x", f"In-Reply-To: <{ours}>"))
    assert answer.state == "sorted"


def test_sorting_twice_is_as_once(network: Network) -> None:
    """The second time changes nothing."""
    row = arrive(message(LIST))
    with database.transaction() as session:
        sorting.sort(session, events.MailArrived(row.id))
    assert len(recorded("PostArrived")) == 1


# --- bounces ----------------------------------------------------------------------------------


def bounce(raw: bytes) -> Incoming:
    """Let a report arrive, and react to it."""
    row = arrive(raw)
    with database.transaction() as session:
        bouncing.note_bounce(session, events.BounceArrived(row.id))
    with database.reading() as session:
        return session.get_one(Incoming, row.id)


def test_i20_a_bounce_is_matched_by_its_token(planned: Planned) -> None:
    """The token of the envelope sender, folded to lower case or not, names the copy."""
    copy = rows(planned(2))[1]
    bounce(report("alias@elsewhere.example", to=token(Purpose.BOUNCE, copy.id).upper()))
    first, second = rows(copy.mailing_id)
    assert first.bounced_at is None
    assert second.bounced_at is not None
    assert second.bounce == "mailbox 5.1.1"
    assert len(recorded("AddressRefused")) == 1


def test_o14_a_bounce_is_matched_by_message_id_and_recipient(planned: Planned) -> None:
    """Where the envelope sender was replaced, the Message-ID in the report does."""
    copy = rows(planned(2))[0]
    with database.reading() as session:
        ours = session.get_one(Mailing, copy.mailing_id).message_id
    bounce(report(copy.address.upper(), message_id=ours))
    assert [row.bounce for row in rows(copy.mailing_id)] == ["mailbox 5.1.1", None]


@pytest.mark.parametrize("forged", ["no token", "wrong token", "other purpose", "stranger"])
def test_i20_a_forged_bounce_changes_nothing(planned: Planned, forged: str) -> None:
    """Without a token or a Message-ID of ours, or for a stranger, nobody's copy is marked."""
    copy = rows(planned(1))[0]
    good = token(Purpose.BOUNCE, copy.id)
    to = {
        "no token": "office@lists.example.org",
        "wrong token": good.replace(good[20:24], "aaaa"),
        "other purpose": token(Purpose.REPLY, copy.id, 0),
        "stranger": "office@lists.example.org",
    }[forged]
    recipient = "stranger@x.example" if forged == "stranger" else copy.address
    with database.reading() as session:
        ours = session.get_one(Mailing, copy.mailing_id).message_id
    row = bounce(report(recipient, to=to, message_id=ours if forged == "stranger" else "no@x"))
    assert row.state == "stuck"
    assert rows(copy.mailing_id)[0].bounced_at is None
    assert recorded("AddressRefused") == []


def test_i21_one_bad_day_suspends_nobody(planned: Planned) -> None:
    """All copies of one mailing come back: every address is doubtful, nobody is switched off."""
    mailing = planned(3)
    for copy in rows(mailing):
        bounce(report(copy.address, to=token(Purpose.BOUNCE, copy.id)))
    assert len(recorded("AddressRefused")) == 3
    with database.transaction() as session:
        for facts in recorded("AddressRefused"):
            reachability.judge(session, events.AddressRefused.from_json(facts))
    with database.reading() as session:
        assert session.query(Refusal).count() == 3
        assert session.query(Address).filter_by(reach=Reach.DEAD).count() == 0


@pytest.mark.parametrize(
    ("code", "words", "told"),
    [
        ("550 5.1.1", "no such user", ("mailbox", True)),
        ("550 5.7.1", "blocked: spam", ("policy", True)),
        ("452 4.2.2", "mailbox full", ("full", False)),
        (None, "cannot be written", None),
    ],
)
def test_o8_a_refusal_while_sending_counts_for_what_it_says(
    planned: Planned, code: str | None, words: str, told: tuple[str, bool] | None
) -> None:
    """The address is told the reason; trouble of ours is told nobody."""
    copy = rows(planned(1))[0]
    with database.transaction() as session:
        row = session.get_one(Delivery, copy.id)
        row.state, row.code, row.words = "refused", code, words
        bouncing.note_refusal(session, events.CopyRefused(copy.id))
        bouncing.note_refusal(session, events.CopyRefused(copy.id))
    found = [events.AddressRefused.from_json(facts) for facts in recorded("AddressRefused")]
    assert [(one.reason, one.permanent) for one in found] == ([told] if told else [])


@pytest.mark.parametrize("by", ["original-mail-from", "return path", "list-unsubscribe"])
def test_o37_a_complaint_takes_that_member_off_that_list(
    planned: Planned, network: Network, by: str
) -> None:
    """The tokens in the copy say who it was, for the provider blots the address out."""
    copy = rows(planned(2))[0]
    assert copy.person_id is not None
    path = token(Purpose.BOUNCE, copy.id)
    leave = f"<https://x/leave/{tokens.make(Purpose.LEAVE, copy.person_id, network.main)}>"
    raw = {
        "original-mail-from": complaint(f"Original-Mail-From: <{path}>"),
        "return path": complaint(copy=[f"Return-Path: <{path}>"]),
        "list-unsubscribe": complaint(copy=[f"List-Unsubscribe: {leave}"]),
    }[by]
    row = arrive(raw)
    with database.transaction() as session:
        bouncing.note_complaint(session, events.ReportArrived(row.id))
    with database.reading() as session:
        standing = {s.person_id: (s.state, s.left_how) for s in session.query(Subscription)}
    others = [state for person, state in standing.items() if person != copy.person_id]
    assert standing[copy.person_id] == (Standing.LEFT, "complaint")
    assert all(state == (Standing.ACTIVE, None) for state in others)


def test_a_complaint_without_a_token_is_for_the_coordinator(
    planned: Planned,
) -> None:
    """Anybody can write such a report, so nobody is taken off."""
    copy = rows(planned(1))[0]
    with database.reading() as session:
        ours = session.get_one(Mailing, copy.mailing_id).message_id
    row = arrive(complaint(f"Original-Rcpt-To: {copy.address}", copy=[f"Message-ID: <{ours}>"]))
    with database.transaction() as session:
        bouncing.note_complaint(session, events.ReportArrived(row.id))
    with database.reading() as session:
        assert session.get_one(Incoming, row.id).state == "stuck"
        assert session.query(Subscription).filter_by(state=Standing.LEFT).count() == 0


# --- trace ------------------------------------------------------------------------------------


def test_the_trace_tells_all_and_of_nobody_else(planned: Planned, network: Network) -> None:
    """Joining, copies with the server's words, what came back, what was written; in order."""
    jo = network.person("Jo", "jo@ashford.example", network.main)
    mailing = planned(2)
    copy = rows(mailing)[0]
    with database.transaction() as session:
        row = session.get_one(Delivery, copy.id)
        row.person_id, row.address = jo, "Jo@ashford.example"
        row.state, row.code, row.words = "refused", "550 5.1.1", "no such user"
    bounce(report("jo@ashford.example", to=token(Purpose.BOUNCE, copy.id)))
    arrive(message(LIST))
    with database.reading() as session:
        lines = trace.of(session, "JO@ASHFORD.example")
        assert trace.of(session, "nobody@x.example") == []
        assert len(trace.of(session, rows(mailing)[1].address)) < len(lines)
    text = "\n".join(what for _, what in lines)
    for words in ("known as Jo", "joined ai-network", "refused 550 5.1.1 no such user",
                  "came back: mailbox 5.1.1", "wrote: post (sorted)"):  # fmt: skip
        assert words in text
    assert [at for at, _ in lines] == sorted(at for at, _ in lines)
    assert rows(mailing)[1].address not in text
    assert settings.current().domain
