"""Invitations and the answers to them (RFC 5546 iTIP, RFC 6047 iMIP)."""

import datetime as dt
import re
from dataclasses import dataclass

from message import ics

PRODUCT = "-//Folkmoot//Folkmoot//EN"


@dataclass(frozen=True, slots=True)
class Party:
    """An organizer or attendee: a name and an address; either may be a marker of a mould."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A meeting as one person is invited to it; instants are aware."""

    uid: str
    sequence: int
    stamp: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    summary: str
    description: str
    location: str
    join_link: str
    page: str
    organizer: Party
    attendee: Party


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """What a calendar object says; only what it holds is set.

    `attendee` is an address, `partstat` in upper case (ACCEPTED, DECLINED, TENTATIVE, ...);
    `delegate` says that another was invited, and sends this attendee (RFC 5546 §4.2.5).
    """

    method: str
    uid: str
    sequence: int
    attendee: str | None
    partstat: str | None
    stamp: dt.datetime | None
    comment: str
    delegate: bool = False


def request(invitation: Invitation) -> str:
    """A REQUEST with exactly one ATTENDEE (RFC 5546 §3.2.2), one logical line a line.

    So clients show buttons, and no member learns who else was asked. The composer folds.
    """
    return _calendar("REQUEST", invitation, "CONFIRMED")


def cancel(invitation: Invitation) -> str:
    """A CANCEL of the same UID, with a higher SEQUENCE (RFC 5546 §3.2.5)."""
    return _calendar("CANCEL", invitation, "CANCELLED")


def _calendar(method: str, inv: Invitation, status: str) -> str:
    organizer, attendee = inv.organizer, inv.attendee
    asks = "PARTSTAT=NEEDS-ACTION;RSVP=TRUE;" if method == "REQUEST" else ""
    lines = [
        "BEGIN:VCALENDAR", f"PRODID:{PRODUCT}", "VERSION:2.0", "CALSCALE:GREGORIAN",
        f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{ics.bare(inv.uid)}", f"SEQUENCE:{inv.sequence}",
        f"DTSTAMP:{_utc(inv.stamp)}",
        # A single meeting in UTC needs no VTIMEZONE, which clients read in different ways.
        f"DTSTART:{_utc(inv.starts_at)}", f"DTEND:{_utc(inv.ends_at)}",
        f"SUMMARY:{ics.escaped(inv.summary)}", f"LOCATION:{ics.escaped(inv.location)}",
        f"DESCRIPTION:{ics.escaped(inv.description)}",
        f"ORGANIZER;CN={ics.parameter(organizer.name)}:mailto:{ics.bare(organizer.address)}",
        f"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;{asks}"
        f"CN={ics.parameter(attendee.name)}:mailto:{ics.bare(attendee.address)}",
        f"URL:{ics.bare(inv.page)}", f"STATUS:{status}", "TRANSP:OPAQUE",
    ]  # fmt: skip
    if inv.join_link and method == "REQUEST":
        link = ics.bare(inv.join_link)
        lines.append(f"X-MICROSOFT-SKYPETEAMSMEETINGURL:{link}")
        lines.append(f"CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO:{link}")  # RFC 7986 §5.11
    lines += ["X-MICROSOFT-DISALLOW-COUNTER:TRUE", "END:VEVENT", "END:VCALENDAR"]
    return "\n".join(lines)


def _utc(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def read_answer(text: str) -> CalendarAnswer | None:
    """What a text/calendar part says about one event; None if it is no such thing.

    Lenient: Exchange leaves out ORGANIZER, others write METHOD in lower case or a stray STATUS.
    Never raises.
    """
    method, found, attendees = _first_event(text)
    uid = found.get("UID")
    if uid is None or not uid.value:
        return None
    attendee = _who_answers(attendees)
    comment = found.get("COMMENT")
    return CalendarAnswer(
        method, uid.value, _number(found.get("SEQUENCE")),
        _address(attendee) if attendee else None,
        _partstat(attendee) if attendee else None,
        _instant(found.get("DTSTAMP")), ics.unescaped(comment.value) if comment else "",
        delegate=attendee is not None and "DELEGATED-FROM" in attendee.params,
    )  # fmt: skip


def _partstat(attendee: ics.Property) -> str:
    """RFC 5545 §3.2.12: who says nothing of it needs to act."""
    return attendee.params.get("PARTSTAT", "").upper() or "NEEDS-ACTION"


def _who_answers(attendees: list[ics.Property]) -> ics.Property | None:
    """The one whose answer it is; RFC 5546 §3.2.3 wants one, but some clients name all invited.

    Of a delegation (RFC 5546 §4.2.5) it is who goes, if they say so, else who does not.
    """
    for wanted in ({"ACCEPTED", "DECLINED", "TENTATIVE"}, {"DELEGATED"}):
        found = [one for one in attendees if _partstat(one) in wanted]
        if found:
            return found[0]
    return attendees[0] if attendees else None


def _first_event(text: str) -> tuple[str, dict[str, ics.Property], list[ics.Property]]:
    """The method; the first of each property of the first event, without alarms; its attendees.

    One object answers one event; what follows are further instances of a series.
    """
    found: dict[str, ics.Property] = {}
    attendees: list[ics.Property] = []
    open_: list[str] = []
    method = ""
    for line in ics.properties(text):
        if line.name == "METHOD" and not method:
            method = line.value.upper()
        elif line.name == "BEGIN":
            kind = line.value.upper()
            if kind == "VEVENT" and found:
                break
            open_.append(kind)
        elif line.name == "END":
            if open_:
                open_.pop()
        elif open_ and open_[-1] == "VEVENT":
            found.setdefault(line.name, line)
            if line.name == "ATTENDEE":
                attendees.append(line)
    return method, found, attendees


def _number(line: ics.Property | None) -> int:
    return int(line.value) if line and re.fullmatch(r"\d{1,9}", line.value) else 0


def _address(line: ics.Property) -> str | None:
    """The address of a calendar user; Apple writes a URN and puts it beside (RFC 7986 §6.2)."""
    for said in (line.value, line.params.get("EMAIL", "")):
        address = re.sub(r"(?i)^\s*mailto:", "", said).strip().strip("<>")
        if re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
            return address
    return None


def _instant(line: ics.Property | None) -> dt.datetime | None:
    if line is None:
        return None
    try:
        when = dt.datetime.strptime(line.value[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - UTC by RFC
    except ValueError:
        return None
    return when.replace(tzinfo=dt.UTC)
