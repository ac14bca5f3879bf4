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
        ("News", "word " * 30_000, "102 kB"),
    ],
)
def test_problems(network: Network, subject: str, text: str, wanted: str) -> None:
    """Each is said in a sentence."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    assert any(wanted in problem for problem in problems(draft(network, subject, text)))


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
