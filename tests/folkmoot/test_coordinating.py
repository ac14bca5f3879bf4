"""What a coordinator does on the command line, from the first list to a newsletter's totals."""

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import select

from core import database
from core.outbox import EventRow
from subscribers.models import JoinRequest, Person, Role
from tests.folkmoot.conftest import Run

CSV = (
    "address,name,organisation\n"
    "jo@swindon.example,Jo Field,Swindon Council\n"
    "sam@kingston.example,Sam O'Neil,Kingston Council\n"
)


def a_network(run: Run, folder: Path) -> None:
    """A list with two members."""
    assert run("lists", "create", "ai-network", "AI Network").exit_code == 0
    (folder / "members.csv").write_text(CSV)
    result = run("members", "import", "members.csv", "--list", "ai-network")
    assert result.exit_code == 0, result.output
    assert "2 added" in result.stdout


def events_named(name: str) -> int:
    """How many events of a name are written down."""
    with database.reading() as session:
        return len(session.scalars(select(EventRow).where(EventRow.name == name)).all())


def test_a_list_and_its_members(here: Run, tmp_path: Path) -> None:
    """Create, import, list, export: what goes in comes out."""
    a_network(here, tmp_path)
    shown = here("lists", "show", "ai-network").stdout
    assert "ai-network@lists.example.org" in shown
    assert "2 active" in shown
    listed = here("members", "list", "--list", "ai-network").stdout
    assert "jo@swindon.example" in listed
    assert "Sam O'Neil" in listed
    exported = here("members", "export", "--list", "ai-network").stdout
    assert "sam@kingston.example" in exported
    again = here("lists", "create", "ai-network", "AI Network")
    assert again.exit_code == 1


def test_a_csv_with_faults_names_the_rows(here: Run, tmp_path: Path) -> None:
    """Good rows go in, faulty ones are named with their line, and the exit code says so."""
    here("lists", "create", "ai-network", "AI Network")
    (tmp_path / "m.csv").write_text(CSV + "no address,Nobody,\n")
    result = here("members", "import", "m.csv", "--list", "ai-network")
    assert result.exit_code == 1
    assert "2 added" in result.stdout
    assert "4" in result.stderr


def test_adding_a_member_asks_them_first(here: Run) -> None:
    """Nobody is added without their own yes: it is a request to join."""
    here("lists", "create", "ai-network", "AI Network")
    result = here("members", "add", "jo@swindon.example", "--name", "Jo", "--list", "ai-network")
    assert result.exit_code == 0, result.output
    with database.reading() as session:
        [request] = session.scalars(select(JoinRequest)).all()
    assert request.state == "asked"
    assert events_named("JoinRequested") == 1


def test_the_coordinator_role(here: Run, tmp_path: Path) -> None:
    """A known person gets the role; an unknown one needs a name."""
    a_network(here, tmp_path)
    assert here("coordinator", "jo@swindon.example").exit_code == 0
    assert here("coordinator", "carol@host.example").exit_code == 1
    assert here("coordinator", "carol@host.example", "--name", "Carol").exit_code == 0
    with database.reading() as session:
        names = session.scalars(select(Person.name).where(Person.role == Role.COORDINATOR)).all()
    assert sorted(names) == ["Carol", "Jo Field"]


def test_a_newsletter_from_draft_to_approval(here: Run, tmp_path: Path) -> None:
    """Draft from standard input, checks shown, sending approves it, show gives the totals."""
    a_network(here, tmp_path)
    drafted = here("newsletter", "draft", "-", "--list", "ai-network", "--subject", "June",
                   text="# News\n\nHello.\n")  # fmt: skip
    assert drafted.exit_code == 0, drafted.output
    assert "Every copy is complete." in drafted.stdout
    assert events_named("MailingApproved") == 0
    number = drafted.stdout.split()[1]
    sent = here("newsletter", "send", number)
    assert sent.exit_code == 0, sent.output
    assert events_named("MailingApproved") == 1
    shown = here("newsletter", "status", number)
    assert "planned" in shown.stdout


def test_a_meeting_from_plan_to_announcement(here: Run) -> None:
    """Planned in wall time, announced once, listed with its number."""
    here("lists", "create", "ai-network", "AI Network")
    planned = here("meeting", "new", "March", "--list", "ai-network", "--starts",
                   "2037-03-03T10:00", "--theme", "Procurement")  # fmt: skip
    assert planned.exit_code == 0, planned.output
    assert "Tuesday 3 March 2037, 10am to 11:30am (UK time)" in planned.stdout
    assert here("meeting", "announce", "1").exit_code == 0
    assert events_named("MeetingAnnounced") == 1
    assert "March" in here("meeting", "list", "--list", "ai-network").stdout


def test_a_meeting_in_the_hour_that_is_left_out(here: Run) -> None:
    """A time that the clocks leave out is refused in a sentence."""
    here("lists", "create", "ai-network", "AI Network")
    result = here("meeting", "new", "x", "--list", "ai-network", "--starts", "2037-03-29T01:30")
    assert result.exit_code == 1
    assert "does not exist" in result.stderr


def test_a_digest_now(here: Run) -> None:
    """A digest asked for by hand is an event like any other."""
    here("lists", "create", "ai-network", "AI Network")
    assert here("digest", "now", "--list", "ai-network").exit_code == 0
    assert events_named("DigestDue") == 1


def letter(number: int, answers: int | None = None) -> EmailMessage:
    """A message of an old archive."""
    message = EmailMessage()
    message["From"] = "Jo Field <jo@swindon.example>"
    message["To"] = "old-list@host.example"
    message["Subject"] = "Copilot" if answers is None else "Re: Copilot"
    message["Date"] = f"Tue, {number:02d} Feb 2027 09:00:00 +0000"
    message["Message-ID"] = f"<{number}@swindon.example>"
    if answers is not None:
        message["In-Reply-To"] = f"<{answers}@swindon.example>"
    message.set_content(f"Words of message {number}.\n")
    return message


def test_an_archive_comes_in_and_goes_out(here: Run, tmp_path: Path) -> None:
    """mbox and Maildir in, twice is once; mbox and threads out."""
    here("lists", "create", "ai-network", "AI Network")
    box = mailbox.mbox(tmp_path / "old.mbox")
    folder = mailbox.Maildir(tmp_path / "Maildir")
    for message in (letter(1), letter(2, answers=1)):
        box.add(message)
    folder.add(letter(3, answers=2))
    box.close()
    first = here("import", "mbox", "old.mbox", "--list", "ai-network")
    assert first.exit_code == 0, first.output
    assert "2 messages: 2 filed, 0 known already, 0 put aside." in first.stdout
    assert "0 filed, 2 known" in here("import", "mbox", "old.mbox", "--list", "ai-network").stdout
    assert "1 filed" in here("import", "maildir", "Maildir", "--list", "ai-network").stdout
    threads = json.loads(here("export", "threads", "--list", "ai-network").stdout)
    assert len(threads) == 1
    assert here("export", "mbox", "--list", "ai-network", "-o", "out.mbox").exit_code == 0
    kept = mailbox.mbox(tmp_path / "out.mbox")
    assert sorted(str(m["Message-ID"]) for m in kept) == [
        f"<{n}@swindon.example>" for n in (1, 2, 3)
    ]
    kept.close()


def test_trace_tells_what_happened_to_an_address(here: Run, tmp_path: Path) -> None:
    """Consents, copies and requests of one address, in order of time."""
    a_network(here, tmp_path)
    result = here("trace", "jo@swindon.example")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()


def test_events_lists_the_catalogue_with_its_reactions(run: Run) -> None:
    """Each event with its sentence, and below it what reacts."""
    out = run("events").stdout
    assert "JoinRequested: Someone asked to join" in out
    assert "    -> mailer.sorting.sort" in out
    assert "    -> mailing.welcome" in out


def test_organisations_are_recognised_by_their_domains(here: Run) -> None:
    """A council is entered with its domains; a second call adds one; a bad one is told."""
    added = here("organisations", "add", "Swindon Council", "--domain", "swindon.example")
    assert added.exit_code == 0, added.output
    here("organisations", "add", "Swindon Council", "--domain", "swindon-ltd.example")
    shown = here("organisations", "list").stdout
    assert "Swindon Council" in shown
    assert "council" in shown
    assert "swindon-ltd.example" in shown
    bad = here("organisations", "add", "Swindon Council", "--domain", "no domain")
    assert bad.exit_code == 1
    assert "is not a mail domain" in bad.stderr
