"""Approval: drafts are checked copy by copy, sent once, at their time, and can be called back."""

import datetime as dt

import pytest
from sqlalchemy import select

from core import clock, database, settings
from core.events import MailingApproved
from mailer.ledger import WrongState
from mailer.models import Delivery, Mailing, MailingState
from mailings import approval, planning
from subscribers.models import Address, MailingList, Person, Reach
from tests.conftest import Network


def draft(network: Network, subject: str = "March news", text: str = "Hello, **all**.") -> int:
    """A draft to the main list."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, network.main)
        return approval.draft_newsletter(session, list_, subject, text, network.coordinator).id


def problems(mailing: int) -> list[str]:
    """What preflight says."""
    with database.reading() as session:
        return [str(problem) for problem in approval.preflight(session, mailing)]


def approve(mailing: int, at: dt.datetime | None = None) -> None:
    """Approve, and let the reaction run twice."""
    with database.transaction() as session:
        approval.approve(session, mailing, by=None, at=at)
    for _ in range(2):
        with database.transaction() as session:
            planning.plan_approved(session, MailingApproved(mailing))


def found(mailing: int) -> tuple[Mailing, list[Delivery]]:
    """A mailing and its copies."""
    with database.reading() as session:
        rows = select(Delivery).where(Delivery.mailing_id == mailing)
        return session.get_one(Mailing, mailing), list(session.scalars(rows))


def test_a_good_draft_goes_out_once(network: Network) -> None:
    """Nothing to mend; one copy for each member, those left out with the reason."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    gone = network.person("Ben Brook", "ben@bexhill.example", network.main)
    with database.transaction() as session:
        address = session.scalars(select(Address).where(Address.person_id == gone)).one()
        address.reach = Reach.DEAD
    number = draft(network)
    assert problems(number) == []
    approve(number)
    mailing, rows = found(number)
    assert mailing.state == MailingState.SENDING
    assert sorted((row.state, row.address) for row in rows) == [
        ("excluded", "ben@bexhill.example"), ("planned", "anna@ashford.example"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "text", "wanted"),
    [
        ("", "Hello.", "no subject"),
        ("News", " ", "no text"),
        ("News", "![chart](https://x.example/p.png)", "picture"),
    ],
)
def test_problems(network: Network, subject: str, text: str, wanted: str) -> None:
    """Each is said in a sentence."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    assert any(wanted in problem for problem in problems(draft(network, subject, text)))


def test_o40_what_gmail_would_cut_off_is_told(network: Network) -> None:
    """Gmail clips HTML over 102 kB, and hides the leave link: told before it is sent."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    short, long = draft(network, "News", "word " * 10_000), draft(network, "News", "word " * 30_000)
    assert not any("102 kB" in problem for problem in problems(short))
    assert any("102 kB" in problem for problem in problems(long))


def test_problems_of_copies(network: Network) -> None:
    """A reader without a name is found before the first copy goes out; so is an empty list."""
    number = draft(network)
    assert problems(number) == ["Nobody would get it."]
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.get_one(Person, anna).name = " "
    assert problems(number) == [f"Copy for person {anna}: the name is missing."]


def test_a_faulty_template_of_the_operator(network: Network, tmp_path: object) -> None:
    """A value that is not there stops the mailing at preflight, not in the middle."""
    from pathlib import Path

    site = Path(str(tmp_path)) / "site" / "email" / "newsletter"
    site.mkdir(parents=True)
    (site / "body.txt").write_text("{{ nonsense }}")
    settings.use(settings.current().model_copy(update={"templates": site.parent.parent}))
    (problem,) = problems(draft(network))
    assert "nonsense" in problem


def test_preview(network: Network) -> None:
    """What a reader would get, with links that open nothing."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    number = draft(network)
    with database.reading() as session:
        shown = approval.preview(session, number)
    assert shown.subject == "March news"
    assert "Hello, all." in shown.text
    assert "<strong" in shown.html
    assert shown.recipients == 1


def test_approved_once_only(network: Network) -> None:
    """Two coordinators cannot send the same draft, and nobody edits it any more."""
    number = draft(network)
    with database.transaction() as session:
        approval.edit(session, number, "April news", "Other.")
    approve(number)
    with pytest.raises(WrongState), database.transaction() as session:
        approval.approve(session, number, by=None)
    with pytest.raises(WrongState), database.transaction() as session:
        approval.edit(session, number, "x", "y")


def test_undo_window_and_time(network: Network, moment: dt.datetime) -> None:
    """Copies wait for the time to call back, or for the time that was given."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    settings.use(settings.current().model_copy(update={"undo_seconds": 120.0}))
    soon, later = draft(network), draft(network)
    approve(soon)
    approve(later, at=moment + dt.timedelta(days=2))
    waits = clock.now() + dt.timedelta(seconds=100)
    assert all(row.next_try > waits for row in found(soon)[1])
    assert all(row.next_try >= moment + dt.timedelta(days=2) for row in found(later)[1])
    with pytest.raises(approval.NotReady), database.transaction() as session:
        approval.approve(session, draft(network), by=None, at=moment - dt.timedelta(days=1))


def test_called_back(network: Network) -> None:
    """A cancelled mailing is not planned, and no copy of a planned one goes out."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    number = draft(network)
    with database.transaction() as session:
        approval.approve(session, number, by=None)
        approval.cancel(session, number)
    with database.transaction() as session:
        planning.plan_approved(session, MailingApproved(number))
    mailing, rows = found(number)
    assert mailing.state == MailingState.CANCELLED
    assert rows == []


ZONE = "Europe/London"


@pytest.mark.parametrize(
    ("wall", "instant", "said"),
    [
        ("2027-03-02T09:00", "2027-03-02T09:00", ""),
        ("2027-06-01T09:00", "2027-06-01T08:00", ""),
        ("2027-10-31T00:59", "2027-10-30T23:59", ""),
        ("2027-10-31T01:30", "2027-10-31T00:30",
         "01:30 occurs twice on Sunday 31 October 2027: the clocks go back. The first is taken."),
        ("2027-10-31T02:00", "2027-10-31T02:00", ""),
    ],
)  # fmt: skip
def test_a_time_of_sending_on_the_wall(wall: str, instant: str, said: str) -> None:
    """The instant follows the season; of a time that occurs twice the first counts, and is told."""
    found_ = approval.instant_of(dt.datetime.fromisoformat(wall), ZONE)
    assert found_ == dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
    assert approval.said_of_time(found_, ZONE) == said


def test_a_time_that_does_not_exist() -> None:
    """In the night when the clocks go forward an hour is left out."""
    with pytest.raises(approval.NotReady, match="01:30 does not exist on Sunday 28 March 2027"):
        approval.instant_of(dt.datetime(2027, 3, 28, 1, 30), ZONE)
    assert approval.instant_of(dt.datetime(2027, 3, 28, 2, 0), ZONE).hour == 1


def test_many_faults_are_not_all_listed(network: Network) -> None:
    """A network of a million without names is not a page of a million lines."""
    for number in range(approval.MOST_PROBLEMS + 5):
        network.person("", f"officer{number}@ashford.example", network.main)
    said = problems(draft(network))
    assert len(said) == approval.MOST_PROBLEMS + 1
    assert said[-1] == "There may be more: mend these first."
