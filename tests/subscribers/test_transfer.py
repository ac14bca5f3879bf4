"""Members in and out as CSV."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from core import database
from core.events import Joined, JoinRequested
from core.outbox import EventRow
from subscribers import leaving, people, transfer
from subscribers.models import Consent, MailingList, Person, Reach, Subscription
from tests.conftest import Network


def bring_in(list_id: int, text: str, by: int | None = None) -> transfer.Report:
    """Import into a list, in a transaction of its own."""
    with database.transaction() as session:
        return transfer.import_csv(session, session.get_one(MailingList, list_id), text, by)


def take_out(list_id: int) -> str:
    """Export a list."""
    with database.reading() as session:
        return transfer.export_csv(session, session.get_one(MailingList, list_id))


def said(report: transfer.Report) -> list[str]:
    """The faults as sentences."""
    return [str(fault) for fault in report.faults]


def test_good_rows_go_in_and_each_fault_is_named(network: Network) -> None:
    """Line numbers are those of the file, also behind a name that runs over two lines."""
    known = network.person("Known", "known@ashford.example", network.main)
    gone = network.person("Gone", "gone@ashford.example", network.main)
    dead = network.person("Dead", "dead@ashford.example")
    with database.transaction() as session:
        leaving.leave(session, gone, network.main, "mail")
        session.get_one(Person, dead).addresses[0].reach = Reach.DEAD
    report = bring_in(
        network.main,
        "address,name,organisation,mode\n"
        'jo@swindon.example,"Jo\nField",Swindon Council,weekly\n'
        "\n"
        "no address,Nobody,,\n"
        "JO@swindon.example,Jo again,,\n"
        "known@ashford.example,,,\n"
        "gone@ashford.example,,,\n"
        "dead@ashford.example,,,\n"
        "sam@kingston.example,Sam,,yearly\n"
        "ai-network@lists.example.org,Loop,,\n"
        ",,Nowhere,\n"
        "mia@bexhill.example\n",
        by=network.coordinator,
    )
    assert report.added == 2
    assert said(report) == [
        "Line 5: Enter an email address in the correct format, like name@example.com.",
        "Line 6: JO@swindon.example stands on line 2 already.",
        "Line 7: known@ashford.example is on this list already.",
        "Line 8: gone@ashford.example has left this list; only they can join it again.",
        "Line 9: Mail to dead@ashford.example came back: ask this person for another address.",
        "Line 10: yearly is no way to take posts: use each, daily, weekly, monthly, none, "
        "or leave it empty.",
        "Line 11: ai-network@lists.example.org is an address of the network itself.",
        "Line 12: Enter an email address.",
    ]
    with database.reading() as session:
        jo = people.by_address(session, "jo@swindon.example")
        assert jo is not None
        assert (jo.name, jo.organisation.name if jo.organisation else "") == (
            "Jo Field", "Swindon Council",
        )  # fmt: skip
        subscription = people.subscription_of(session, jo.id, network.main)
        assert subscription is not None
        assert subscription.mode == "weekly"
        assert known != jo.id


def test_imported_people_are_verified_with_evidence(network: Network) -> None:
    """Whoever imports vouches; it is on record who did, and nobody is mailed."""
    bring_in(network.main, "address\njo@swindon.example\n", by=network.coordinator)
    bring_in(network.main, "address\nsam@kingston.example\n")
    with database.reading() as session:
        evidence = list(session.scalars(select(Consent.evidence).order_by(Consent.id)))
        assert evidence == [
            f"import by person {network.coordinator}, line 2", "import by the operator, line 2",
        ]  # fmt: skip
        jo = people.by_address(session, "jo@swindon.example")
        assert jo is not None
        assert jo.addresses[0].verified_at is not None
        mails = select(func.count(EventRow.id)).where(
            EventRow.name.in_([Joined.__name__, JoinRequested.__name__])
        )
        assert session.scalar(mails) == 0


@pytest.mark.parametrize(
    "text",
    [
        "address,name\njo@swindon.example,Jo\n",
        "\ufeffaddress,name\r\njo@swindon.example,Jo\r\n",
        "\ufeffName;E-Mail\r\nJo;jo@swindon.example\r\n",
        '"Email address";"Full name"\n"jo@swindon.example";"Jo"',
        "name\taddress\nJo\tjo@swindon.example\n",
        "\n\naddress, name, shoe size\n jo@swindon.example , Jo , 42, more\n",
        "address,name\rjo@swindon.example,Jo\r",
    ],
)
def test_what_spreadsheets_write(network: Network, text: str) -> None:
    """BOM, semicolons, tabs, any line ends, any order, columns that nobody asked for."""
    report = bring_in(network.main, text)
    assert (report.added, said(report)) == (1, [])
    with database.reading() as session:
        jo = people.by_address(session, "jo@swindon.example")
        assert jo is not None
        assert jo.name == "Jo"


@pytest.mark.parametrize("text", ["", "\ufeff", "jo@swindon.example,Jo\n", "name\nJo\n"])
def test_a_file_without_its_first_line(network: Network, text: str) -> None:
    """Nothing goes in; a file that has rows is told what is missing."""
    report = bring_in(network.main, text)
    assert report.added == 0
    assert [fault.line for fault in report.faults] == ([1] if text.strip("\ufeff") else [])


def test_rows_that_are_no_csv(network: Network) -> None:
    """What was read before stays; the line where it ends is named."""
    report = bring_in(network.main, f'address\njo@swindon.example\n"{"x" * 200_000}"\n')
    assert report.added == 1
    assert [fault.line for fault in report.faults] == [3]


def test_a_closed_list_takes_councils_only(network: Network) -> None:
    """By domain, or by the name of a council that the coordinator gives."""
    report = bring_in(
        network.sub,
        "address,organisation\na@ashford.example,\np@partner.example,\n"
        "b@personal.example,bexhill council\nx@unknown.example,Unknown\n",
    )
    assert report.added == 2
    assert [fault.line for fault in report.faults] == [3, 5]


def test_w18_cells_that_a_spreadsheet_would_run_are_disarmed(network: Network) -> None:
    """And our own export comes in again as it was."""
    network.person('=HYPERLINK("x")', "+a@ashford.example", network.main)
    network.person("O'Neil, Sam", "sam@bexhill.example", network.main)
    text = take_out(network.main)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("x")', "O'Neil, Sam"]
    assert rows[0]["address"] == "'+a@ashford.example"
    with database.transaction() as session:
        other = MailingList(name="other", title="Other", created_at=session.get_one(
            MailingList, network.main).created_at)  # fmt: skip
        session.add(other)
        session.flush()
        other_id = other.id
    assert bring_in(other_id, text).added == 2
    assert take_out(other_id) == text


def test_the_same_file_twice(network: Network) -> None:
    """The second time every row is named, nothing changes."""
    text = "address\njo@swindon.example\nsam@kingston.example\n"
    assert bring_in(network.main, text).added == 2
    again = bring_in(network.main, text)
    assert (again.added, len(again.faults)) == (0, 2)
    with database.reading() as session:
        assert session.scalar(select(func.count(Subscription.id))) == 2


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever is in the file, reading its rows ends without an exception."""
    lines = [line for line, _, _ in transfer._rows("address,name\n" + text)]
    assert lines == sorted(lines)
