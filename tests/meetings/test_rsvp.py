"""Who comes: the newest answer wins in every order; calendar answers are not taken on trust."""

import datetime as dt
import itertools
import zlib
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import clock, database, tokens
from core import settings as our
from core.events import AnswerChanged, MailNotUnderstood, RsvpArrived
from core.outbox import EventRow
from core.settings import Settings
from core.tokens import Purpose
from mailer.models import Incoming
from meetings import changes, rsvp
from meetings.models import Answer, Meeting, Rsvp
from subscribers.models import Address, MailingList
from tests.conftest import A_MOMENT, Network

ANNA, BEN = "anna@ashford.example", "ben@bexhill.example"


@pytest.fixture
def meeting(network: Network, moment: dt.datetime) -> int:
    """An announced meeting, a month ahead."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        start = dt.datetime(2027, 3, 2, 10)
        made = changes.create(
            session, list_, "Procurement", start, start + dt.timedelta(hours=1), by=None
        )
        changes.announce(session, made.id)
        return made.id


def say(
    meeting_id: int, person: int, said: Answer, sequence: int = 0, minute: int = 0
) -> Rsvp | None:
    """Answer on the page."""
    stamp = A_MOMENT + dt.timedelta(minutes=minute)
    with database.transaction() as session:
        return rsvp.answer(session, meeting_id, person, said, sequence=sequence, stamp=stamp,
                           source="page")  # fmt: skip


def ledger(meeting_id: int) -> dict[int, tuple[str, str]]:
    """Each person's answer and its source."""
    with database.reading() as session:
        rows = session.scalars(select(Rsvp).where(Rsvp.meeting_id == meeting_id))
        return {row.person_id: (row.answer, row.source) for row in rows}


def events(kind: type) -> int:
    """How many events of a kind are recorded."""
    with database.reading() as session:
        wanted = select(func.count(EventRow.id)).where(EventRow.name == kind.__name__)
        return session.scalar(wanted) or 0


ANSWERS = st.lists(
    st.tuples(st.sampled_from(Answer), st.integers(0, 2), st.integers(0, 2)),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(answers=ANSWERS)
def test_c7_the_newest_wins_in_every_order(
    network: Network, meeting: int, answers: list[tuple[Answer, int, int]]
) -> None:
    """By SEQUENCE, then DTSTAMP; replays of any of them change nothing."""
    newest = max((sequence, minute) for _, sequence, minute in answers)
    good = {said for said, *when in answers if tuple(when) == newest}
    outcomes = set()
    for order in itertools.permutations(answers):
        with database.transaction() as session:
            for row in session.scalars(select(Rsvp)):
                session.delete(row)
        for said, sequence, minute in (*order, *answers):
            say(meeting, network.coordinator, said, sequence, minute)
        outcomes.add(ledger(meeting)[network.coordinator][0])
    assert len(outcomes) == 1
    assert outcomes <= good


def test_an_answer_is_told_when_it_is_another(network: Network, meeting: int) -> None:
    """The same words again, newer or older, are no news."""
    her = network.coordinator
    assert say(meeting, her, Answer.YES, minute=1) is not None
    assert say(meeting, her, Answer.YES, minute=2) is not None
    assert say(meeting, her, Answer.YES, minute=2) is None
    assert say(meeting, her, Answer.NO, minute=1) is None
    assert events(AnswerChanged) == 1
    assert say(meeting, her, Answer.NO, minute=3) is not None
    assert events(AnswerChanged) == 2


def test_c10_answers_count_until_the_meeting_ends(
    network: Network, meeting: int, moment: dt.datetime
) -> None:
    """Not after it, not to a cancelled or unknown one, not of nobody."""
    her = network.coordinator
    with clock.turned(dt.datetime(2027, 3, 2, 10, 59, tzinfo=dt.UTC)):
        assert say(meeting, her, Answer.YES) is not None
    with clock.turned(dt.datetime(2027, 3, 2, 11, 0, 1, tzinfo=dt.UTC)):
        assert say(meeting, her, Answer.NO, minute=5) is None
    with clock.turned(moment):
        assert say(meeting, 9999, Answer.YES) is None
        assert say(9999, her, Answer.YES) is None
        with database.transaction() as session:
            cancelled = changes.cancel(session, meeting, by=None)
            assert not rsvp.open_to_answers(cancelled)
        assert say(meeting, her, Answer.NO, sequence=1, minute=6) is None
    assert ledger(meeting) == {her: ("yes", "page")}


def test_who_comes(network: Network, meeting: int) -> None:
    """By name, with organisations, and who answered before the time was changed."""
    anna = network.person("Anna", ANNA, network.main)
    ben = network.person("Ben", BEN, network.main)
    olly = network.person("Olly", "olly@unknown.example", network.main)
    say(meeting, ben, Answer.YES)
    say(meeting, olly, Answer.MAYBE)
    with database.transaction() as session:
        changes.change(session, meeting, starts=dt.datetime(2027, 3, 3, 10), by=None)
    say(meeting, anna, Answer.YES, sequence=1)
    with database.reading() as session:
        coming = rsvp.coming(session, meeting)
    assert [(g.name, g.organisation, g.outdated) for g in coming.yes] == [
        ("Anna", "Ashford Council", False), ("Ben", "Bexhill Council", True),
    ]  # fmt: skip
    assert [(g.name, g.organisation) for g in coming.maybe] == [("Olly", "")]
    assert coming.no == ()
    assert str(coming) == "2, and 1 maybe"


# --- answers of calendar clients ------------------------------------------------------------------


def arrives(
    meeting_id: int, sender: str, attendee: str | None, partstat: str = "ACCEPTED", *,
    token_of: int | None = None, method: str = "REPLY", uid: str | None = None,
    sequence: int = 0, stamp: str = "20270202T091500Z", dmarc: str | None = None,
) -> int:  # fmt: skip
    """A calendar answer is kept and read; returns the id of the incoming mail."""
    with database.transaction() as session:
        known = session.get_one(Meeting, meeting_id).uid
        lines = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{uid or known}",
                 f"SEQUENCE:{sequence}", f"DTSTAMP:{stamp}"]  # fmt: skip
        if attendee:
            lines.append(f"ATTENDEE;PARTSTAT={partstat}:mailto:{attendee}")
        message = EmailMessage()
        if dmarc:
            message["Authentication-Results"] = (
                f"mx.lists.example.org; dmarc={dmarc} header.from={sender.partition('@')[2]}"
            )
        message["From"], message["Subject"] = sender, f"Accepted: {partstat}"
        message.set_content("\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]),
                            subtype="calendar", params={"method": method})  # fmt: skip
        raw = message.as_bytes()
        number = (session.scalar(select(func.max(Incoming.id))) or 0) + 1
        token = tokens.make(Purpose.RSVP, token_of, meeting_id, made=tokens.UNDATED) \
            if token_of is not None else None  # fmt: skip
        incoming = Incoming(mailbox="m", uidvalidity=1, uid=number, raw=zlib.compress(raw),
                            sha256="0", size=len(raw), arrived_at=clock.now(), state="sorted",
                            verdict="calendar", token=token)  # fmt: skip
        session.add(incoming)
        session.flush()
        rsvp.read_calendar_answer(session, RsvpArrived(incoming.id))
        return incoming.id


def fate(incoming: int) -> tuple[str, str | None]:
    """What became of an incoming mail."""
    with database.reading() as session:
        row = session.get_one(Incoming, incoming)
        return row.state, row.why


@pytest.fixture
def anna(network: Network) -> int:
    """A member."""
    return network.person("Anna", ANNA, network.main)


@pytest.fixture
def ben(network: Network) -> int:
    """Another member."""
    return network.person("Ben", BEN, network.main)


@pytest.fixture
def trusting(our_settings: Settings) -> None:
    """A server whose Authentication-Results are believed."""
    update = {"trusted_authserv_ids": ["mx.lists.example.org"]}
    our.use(our_settings.model_copy(update=update))


@pytest.mark.parametrize("attendee", [ANNA, "a.archer@alias.example", None])
@pytest.mark.parametrize("sender", [ANNA, "a.archer@alias.example"])
def test_c8_the_token_tells_who_answers(
    meeting: int, anna: int, sender: str, attendee: str | None
) -> None:
    """Whatever alias the client uses: the token went to her alone."""
    if attendee is None:
        arrives(meeting, sender, attendee, token_of=anna)
        assert ledger(meeting) == {}  # without an ATTENDEE there is no PARTSTAT
        return
    arrives(meeting, sender, attendee, token_of=anna)
    assert ledger(meeting) == {anna: ("yes", "calendar")}


@pytest.mark.parametrize(
    ("partstat", "said"), [("ACCEPTED", "yes"), ("tentative", "maybe"), ("DECLINED", "no")]
)
def test_what_calendars_say(meeting: int, anna: int, partstat: str, said: str) -> None:
    """The three answers, in any case."""
    arrives(meeting, ANNA, ANNA, partstat, token_of=anna)
    assert ledger(meeting) == {anna: (said, "calendar")}


def test_c8_a_forged_decline_for_a_colleague_is_not_applied(
    meeting: int, anna: int, ben: int, trusting: None
) -> None:
    """Neither with a proved address of one's own, nor with one's own token, nor without proof."""
    say(meeting, anna, Answer.YES)
    for incoming in (
        arrives(meeting, BEN, ANNA, "DECLINED", dmarc="pass"),
        arrives(meeting, BEN, ANNA, "DECLINED", dmarc="pass", token_of=ben),
        arrives(meeting, ANNA, ANNA, "DECLINED", dmarc="fail"),
        arrives(meeting, ANNA, ANNA, "DECLINED"),
    ):
        assert fate(incoming)[0] == "stuck"
    assert ledger(meeting) == {anna: ("yes", "page")}
    assert events(MailNotUnderstood) == 4


def test_c8_without_a_token_the_proved_sender_answers_for_herself(
    meeting: int, anna: int, ben: int, trusting: None
) -> None:
    """By UID and any address that is known as hers; so does one who got it from another."""
    with database.transaction() as session:
        session.add(Address(person_id=anna, mailbox="a@b.example", key="a@b.example"))
    arrives(meeting, ANNA, "A@B.example", dmarc="pass")
    arrives(meeting, BEN, BEN, "DECLINED", dmarc="pass", token_of=anna)
    assert ledger(meeting) == {anna: ("yes", "calendar"), ben: ("no", "calendar")}


def test_c8_nobody_is_believed_where_no_server_is_trusted(
    meeting: int, anna: int, our_settings: Settings
) -> None:
    """Except in the built-in post office, which is its own witness."""
    incoming = arrives(meeting, ANNA, ANNA, dmarc="pass")
    assert fate(incoming) == ("stuck", "sender not proved")
    our.use(our_settings.model_copy(update={"post_office": True}))
    arrives(meeting, ANNA, ANNA)
    assert ledger(meeting) == {anna: ("yes", "calendar")}


def test_c17_strangers_wait_for_the_coordinator(
    meeting: int, network: Network, trusting: None
) -> None:
    """Whoever got the invitation forwarded, or is on no list."""
    network.person("Olly", "olly@unknown.example")
    arrives(meeting, "x@unknown.example", "x@unknown.example", dmarc="pass")
    arrives(meeting, "olly@unknown.example", "olly@unknown.example", dmarc="pass")
    assert ledger(meeting) == {}
    assert events(MailNotUnderstood) == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "REQUEST"}, {"method": "CANCEL"}, {"method": "COUNTER"}, {"uid": "not-ours"},
        {"partstat": "DELEGATED"}, {"partstat": "NEEDS-ACTION"}, {"partstat": ""},
    ],
)  # fmt: skip
def test_c18_only_replies_about_our_meetings_count(
    meeting: int, anna: int, odd: dict[str, str]
) -> None:
    """A stranger's CANCEL with our UID does nothing."""
    arguments = {"partstat": "ACCEPTED"} | odd
    incoming = arrives(meeting, ANNA, ANNA, token_of=anna, **arguments)  # type: ignore[arg-type]
    assert fate(incoming)[0] == "stuck"
    assert fate(incoming)[1]
    assert ledger(meeting) == {}
    with database.reading() as session:
        assert session.get_one(Meeting, meeting).state == "announced"


def test_c8_a_delegate_is_no_alias_of_the_member(meeting: int, anna: int) -> None:
    """Whom she sends is for the coordinator to know; that she comes is not said."""
    passed_on = f'ACCEPTED;DELEGATED-FROM="mailto:{ANNA}"'
    incoming = arrives(meeting, ANNA, "temp@agency.example", passed_on, token_of=anna)
    assert fate(incoming)[0] == "stuck"
    assert "passed the invitation on" in (fate(incoming)[1] or "")
    assert ledger(meeting) == {}


def test_a_token_of_another_meeting_or_purpose_proves_nothing(
    meeting: int, anna: int, network: Network
) -> None:
    """It must be hers for this very meeting."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        start = dt.datetime(2027, 4, 6, 10)
        other = changes.create(session, list_, "x", start, start + dt.timedelta(hours=1), by=None)
        uid, other_id = other.uid, other.id
    assert fate(arrives(meeting, ANNA, ANNA, token_of=anna, uid=uid))[0] == "stuck"
    assert ledger(meeting) == ledger(other_id) == {}


def test_a_clock_that_runs_ahead_silences_nobody(
    meeting: int, anna: int, moment: dt.datetime
) -> None:
    """An answer dated 2099 with SEQUENCE 99 gives way to what she says on the page next."""
    arrives(meeting, ANNA, ANNA, token_of=anna, stamp="20990101T000000Z", sequence=99)
    assert ledger(meeting) == {anna: ("yes", "calendar")}
    say(meeting, anna, Answer.NO, minute=5)
    assert ledger(meeting) == {anna: ("no", "page")}


def test_a_calendar_answer_twice_is_as_once(meeting: int, anna: int) -> None:
    """A client that repeats itself makes no news."""
    for _ in range(2):
        assert fate(arrives(meeting, ANNA, ANNA, token_of=anna))[0] == "sorted"
    assert events(AnswerChanged) == 1


def test_a_mail_that_is_gone_is_no_trouble(network: Network) -> None:
    """Reactions may come late."""
    with database.transaction() as session:
        rsvp.read_calendar_answer(session, RsvpArrived(12345))
