"""Members in and out as CSV: row by row, each fault named, the rest goes in."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import addresses as our_addresses
from core import clock
from message import address as addresses
from message.address import BadAddress
from subscribers import membership, organisations, people
from subscribers.models import (
    MailingList,
    Mode,
    Organisation,
    Person,
    Reach,
    Standing,
    Subscription,
)

COLUMNS = ("address", "name", "organisation", "mode")
#: How spreadsheets of others head these columns.
_ALSO = {
    "email": "address", "e-mail": "address", "mail": "address", "email address": "address",
    "e-mail address": "address", "full name": "name", "organization": "organisation",
    "council": "organisation", "delivery": "mode",
}  # fmt: skip
WORDING = "Brought in by a coordinator, who keeps what this person agreed to."
#: What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, in a sentence for the person who brings the file."""

    line: int
    words: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.words}"


@dataclass(slots=True)
class Report:
    """How many rows went in, and what was wrong with the others."""

    added: int = 0
    faults: list[Fault] = field(default_factory=list)


class _BadRow(ValueError):
    """A row cannot go in; the text says why."""


def import_csv(session: Session, list_: MailingList, text: str, by: int | None) -> Report:
    """Put the people of a CSV file on a list; `by` is the coordinator's id, None the operator.

    The first line names the columns: address, and if wanted name, organisation and mode, in any
    order, parted by commas, semicolons or tabs. The people count as confirmed, because whoever
    imports vouches for them; nobody is mailed. Nobody who left the list is put back.
    """
    report = Report()
    who = f"person {by}" if by is not None else "the operator"
    seen: dict[str, int] = {}
    for line, row, trouble in _rows(text):
        if trouble:
            report.faults.append(Fault(line, trouble))
            continue
        try:
            _bring_in(session, list_, row, seen, line, f"import by {who}, line {line}")
            report.added += 1
        except (_BadRow, BadAddress) as error:
            report.faults.append(Fault(line, str(error).rstrip(".") + "."))
    return report


def _rows(text: str) -> Iterator[tuple[int, dict[str, str], str]]:
    """Each row with the line on which it starts, as a dictionary; or what is wrong with it."""
    text = text.lstrip("\ufeff")
    head, _, _ = text.lstrip().partition("\n")
    sign = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=True)
    names: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            yield line, {}, "This line cannot be read as CSV; what follows it was not read."
            return
        if not any(cells):
            continue
        if names is None:
            names = [_ALSO.get(cell.lower(), cell.lower()) for cell in cells]
            if "address" not in names:
                yield line, {}, "The first line must name the columns: address, name, organisation."
                return
            continue
        yield line, dict(zip(names, map(_plain, cells), strict=False)), ""


def _plain(cell: str) -> str:
    """A cell without the sign that our own export puts before what looks like a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def _bring_in(
    session: Session,
    list_: MailingList,
    row: dict[str, str],
    seen: dict[str, int],
    line: int,
    evidence: str,
) -> None:
    mailbox = addresses.check(row.get("address", ""))
    key = addresses.normal_form(mailbox)
    if key in seen:
        raise _BadRow(f"{mailbox} stands on line {seen[key]} already.")
    seen[key] = line
    if our_addresses.recognise(mailbox) is not None:
        raise _BadRow(f"{mailbox} is an address of the network itself.")
    mode = _mode(row.get("mode", ""))
    person = people.by_address(session, mailbox)
    if person is not None:
        _check_known(session, list_, person, mailbox)
    organisation = _organisation(session, person, mailbox, row.get("organisation", ""))
    if list_.closed and not organisations.in_sector(organisation):
        raise _BadRow(f"{mailbox} is not at a council that we know, and the list is for councils.")
    if person is None:
        person = people.add_person(session, row.get("name", ""), mailbox, organisation=organisation)
    now = clock.now()
    person.organisation = person.organisation or organisation
    first = people.preferred_address(person)
    first.verified_at = first.verified_at or now
    agreement = membership.Agreement(WORDING, evidence, now)
    membership.enrol(session, person, list_, agreement, mode)


def _mode(text: str) -> Mode | None:
    if not text:
        return None
    if text.lower() not in set(Mode):
        raise _BadRow(f"{text} is no way to take posts: use {', '.join(Mode)}, or leave it empty.")
    return Mode(text.lower())


def _check_known(session: Session, list_: MailingList, person: Person, mailbox: str) -> None:
    known = people.subscription_of(session, person.id, list_.id)
    if known is not None and known.state == Standing.LEFT:
        raise _BadRow(f"{mailbox} has left this list; only they can join it again.")
    if known is not None:
        raise _BadRow(f"{mailbox} is on this list already.")
    if people.preferred_address(person).reach == Reach.DEAD:
        raise _BadRow(f"Mail to {mailbox} came back: ask this person for another address.")


def _organisation(
    session: Session, person: Person | None, mailbox: str, named: str
) -> Organisation | None:
    """By the mail domain; else the one that the file names, which is entered if it is new."""
    if person is not None and person.organisation is not None:
        return person.organisation
    by_domain = organisations.recognise(session, mailbox)
    name = people.tidy_name(named)
    if by_domain is not None or not name:
        return by_domain
    return organisations.by_name(session, name) or organisations.add(session, name)


def export_csv(session: Session, list_: MailingList) -> str:
    """The members of a list as CSV, by name; cells that a spreadsheet would run are disarmed."""
    wanted = (
        select(Subscription)
        .join(Person)
        .where(Subscription.list_id == list_.id, Subscription.state != Standing.LEFT)
        .order_by(Person.name, Person.id)
    )
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*COLUMNS, "state"))
    for subscription in session.scalars(wanted):
        person = subscription.person
        mailbox = person.addresses[0].mailbox if person.addresses else ""
        organisation = person.organisation.name if person.organisation else ""
        cells = (mailbox, person.name, organisation, subscription.mode, subscription.state)
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue()
