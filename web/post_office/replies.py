"""Replies as the receiver of a caught letter: in words, quoting it, or by a calendar's buttons."""

import smtplib
from email.utils import format_datetime, make_msgid

from core import clock, database, settings
from message import compose, ics
from message import subject as subjects
from message.address import Mailbox
from message.compose import Calendar, Draft
from message.headers import Value
from web.post_office.caught import Invitation, Letter

SECONDS = 20
PARTSTAT = {"yes": "ACCEPTED", "maybe": "TENTATIVE", "no": "DECLINED"}
_PREFIX = {"ACCEPTED": "Accepted", "TENTATIVE": "Tentative", "DECLINED": "Declined"}


def name_of(letter: Letter) -> str:
    """The name of the receiver, as the letter writes it; "" if it does not."""
    mine = (
        box.name for box in letter.message.to if box.address.lower() == letter.recipient.lower()
    )
    return next(mine, "")


def quoted(letter: Letter) -> str:
    """The letter's text as a mail program quotes it below the answer."""
    message = letter.message
    at = clock.to_wall(message.date or clock.now(), settings.current().zone)
    who = message.from_.name or message.from_.address if message.from_ else "somebody"
    lines = "\n".join(f"> {line}".rstrip() for line in message.text.rstrip("\n").splitlines())
    return f"On {at.day} {at:%B %Y at %H:%M}, {who} wrote:\n{lines}\n"


def in_words(letter: Letter, text: str, subject: str) -> bytes:
    """A reply with the given text, threaded as RFC 5322 §3.6.4 says."""
    to = letter.answers_to
    assert to is not None, "a letter with neither Reply-To nor From cannot be answered"
    headers = [*_head(letter, to), ("Subject", subject), *_threading(letter)]
    return compose.message_bytes(Draft(headers, text))


def by_calendar(letter: Letter, invitation: Invitation, said: str) -> bytes:
    """What a calendar program sends when its user presses a button (RFC 5546 §3.2.3)."""
    partstat = PARTSTAT[said]
    title = invitation.text("SUMMARY")
    headers = [
        *_head(letter, Mailbox("", invitation.organizer)),
        ("Subject", f"{_PREFIX[partstat]}: {title}"),
    ]
    text = f"{letter.recipient}: {_PREFIX[partstat].lower()}.\n"
    answer = _reply(letter.recipient, name_of(letter), invitation, partstat)
    return compose.message_bytes(Draft(headers, text, calendar=Calendar("REPLY", answer)))


def _reply(address: str, name: str, invitation: Invitation, partstat: str) -> str:
    """The REPLY: the same UID and SEQUENCE, one ATTENDEE with the answer."""
    known = invitation.fields
    common_name = f"CN={ics.parameter(name)}:" if name else ""
    attendee = f"ATTENDEE;PARTSTAT={partstat};{common_name}".rstrip(";:") + f":mailto:{address}"
    lines = [
        "BEGIN:VCALENDAR", "PRODID:-//Folkmoot//Post office//EN", "VERSION:2.0", "METHOD:REPLY",
        "BEGIN:VEVENT", f"UID:{invitation.facts.uid}", f"SEQUENCE:{invitation.facts.sequence}",
        f"DTSTAMP:{clock.now():%Y%m%dT%H%M%SZ}",
        *(f"{name}:{known[name].value}" for name in ("DTSTART", "DTEND", "SUMMARY")
          if name in known),
        f"ORGANIZER:mailto:{invitation.organizer}", attendee, "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "\n".join(lines)


def _head(letter: Letter, to: Mailbox) -> list[tuple[str, Value]]:
    domain = letter.recipient.rpartition("@")[2]
    return [
        ("From", Mailbox(name_of(letter), letter.recipient)),
        ("To", to),
        ("Date", format_datetime(clock.now())),
        ("Message-ID", make_msgid(domain=domain)),
    ]


def _threading(letter: Letter) -> list[tuple[str, Value]]:
    message = letter.message
    if message.message_id is None:
        return []
    chain = [*message.references, message.message_id]
    return [
        ("In-Reply-To", f"<{message.message_id}>"),
        ("References", " ".join(f"<{known}>" for known in chain)),
    ]


def subject_of(letter: Letter) -> str:
    """The subject of a reply."""
    return subjects.prefixed(letter.message.subject)


def send(sender: str, recipient: str, raw: bytes) -> None:
    """Hand a reply to the post office; raises OSError or smtplib.SMTPException if it is closed."""
    database.forbid_transaction()
    setting = settings.current()
    with smtplib.SMTP(setting.smtp_host, setting.smtp_port, timeout=SECONDS) as server:
        server.sendmail(sender, [recipient], raw)
