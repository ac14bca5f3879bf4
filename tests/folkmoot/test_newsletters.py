"""Newsletters on the command line: at a time on the wall, paused, called back, counted."""

import datetime as dt
from pathlib import Path

import pytest

from core import clock, database
from core.events import MailingApproved
from mailer.models import Mailing, MailingState, Trouble
from mailings import planning
from subscribers.models import Address, Reach
from tests.folkmoot.conftest import Run
from tests.folkmoot.test_coordinating import a_network


@pytest.fixture
def drafted(here: Run, tmp_path: Path) -> str:
    """The number of a newsletter to two members, one of whom cannot be reached."""
    a_network(here, tmp_path)
    with database.transaction() as session:
        session.query(Address).filter_by(key="sam@kingston.example").one().reach = Reach.DEAD
    made = here("newsletter", "draft", "-", "--list", "ai-network", "--subject", "June",
                text="Hello.\n")  # fmt: skip
    assert made.exit_code == 0, made.output
    return made.stdout.split()[1]


def mailing(number: str) -> Mailing:
    """The newsletter as it stands."""
    with database.reading() as session:
        return session.get_one(Mailing, int(number))


def plan(number: str) -> None:
    """What the worker does once its time has come."""
    with database.transaction() as session:
        planning.plan_approved(session, MailingApproved(int(number)))


def test_status_says_who_was_left_out_and_why(here: Run, drafted: str) -> None:
    """Each state with its count, and the reasons below; `show` is the same."""
    assert here("newsletter", "send", drafted).exit_code == 0
    plan(drafted)
    said = here("newsletter", "status", drafted)
    assert said.exit_code == 0, said.output
    lines = [" ".join(line.split()) for line in said.stdout.splitlines()]
    assert lines[0] == "June: sending"
    assert lines[1:] == ["planned 2", "accepted 0", "refused 0", "excluded 1",
                         "address unreachable: 1", "pending 1", "in doubt 0"]  # fmt: skip


def test_pause_resume_and_cancel(here: Run, drafted: str) -> None:
    """Each says what it did; what cannot be done now is refused in a sentence."""
    too_early = here("newsletter", "pause", drafted)
    assert too_early.exit_code == 1
    assert "cannot be paused: it is draft" in too_early.stderr
    here("newsletter", "send", drafted)
    plan(drafted)
    paused = here("newsletter", "pause", drafted)
    assert f"folkmoot newsletter resume {drafted}" in paused.stdout
    assert "0 of 2 copies have gone out" in paused.stdout
    assert mailing(drafted).state == MailingState.PAUSED
    assert here("newsletter", "resume", drafted).exit_code == 0
    assert mailing(drafted).state == MailingState.SENDING
    assert here("newsletter", "cancel", drafted).exit_code == 0
    assert mailing(drafted).state == MailingState.CANCELLED
    assert "cancelled: 1" in here("newsletter", "status", drafted).stdout
    assert here("newsletter", "resume", drafted).exit_code == 1
    assert here("newsletter", "cancel", "99").exit_code == 1


@pytest.mark.parametrize(
    ("wall", "said", "instant"),
    [
        ("2037-03-02T09:00", "not before Monday 2 March 2037, 9am", "2037-03-02T09:00"),
        ("2037-10-25T01:30", "occurs twice on Sunday 25 October 2037", "2037-10-25T00:30"),
        ("2037-03-29T01:30", "01:30 does not exist on Sunday 29 March 2037", None),
        ("2020-03-29T09:00", "This time is past", None),
    ],
)
def test_at_a_time_on_the_wall(
    here: Run, drafted: str, wall: str, said: str, instant: str | None
) -> None:  # fmt: skip
    """A time that does not exist is refused; of one that occurs twice the first is taken."""
    sent = here("newsletter", "send", drafted, "--at", wall)
    assert said in " ".join((sent.stdout + sent.stderr).split())
    assert sent.exit_code == (0 if instant else 1)
    found = mailing(drafted)
    if instant is None:
        assert found.state == MailingState.DRAFT
    else:
        assert found.not_before == dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)


def test_trouble_is_said(here: Run, drafted: str) -> None:
    """Why it does not go on, and since when."""
    with database.transaction() as session:
        found = session.get_one(Mailing, int(drafted))
        found.trouble, found.trouble_at = Trouble.LATE, clock.now()
    assert "It is late and held" in here("newsletter", "status", drafted).stdout
