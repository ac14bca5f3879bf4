"""Letters as people write them: new ones, and answers the way mail clients make them."""

import email.policy
import itertools
import re
from email import message_from_string
from email.message import EmailMessage
from email.utils import formataddr, formatdate

from message.address import Mailbox
from message.parse import Message

_numbers = itertools.count(1)


def letter(sender: Mailbox, to: str, subject: str, text: str, **headers: str) -> EmailMessage:
    """A new message in plain text."""
    message = EmailMessage()
    message["From"] = formataddr((sender.name, sender.address))
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<letter-{next(_numbers)}@{sender.address.partition('@')[2]}>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def answer(received: Message, sender: Mailbox, text: str, quote: str | None = None) -> EmailMessage:
    """An answer to what was received, above the quotation, as Outlook and Gmail do it."""
    to = next(iter(received.reply_to), received.from_)
    assert to is not None
    subject = received.subject
    if not subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    quoted = received.text if quote is None else quote
    body = "\n".join(f"> {line}" for line in quoted.splitlines())
    written = "On Tue, 2 Feb 2027 at 09:30, AI Network wrote:"
    message = letter(sender, to.address, subject, f"{text}\n\n{written}\n{body}\n")
    message["In-Reply-To"] = f"<{received.message_id}>"
    references = " ".join(f"<{each}>" for each in (*received.references, received.message_id or ""))
    message["References"] = references
    return message


def calendar_answer(received: Message, sender: Mailbox, partstat: str) -> EmailMessage:
    """What Outlook sends when a person presses Accept: an iTIP REPLY without ORGANIZER."""
    (invitation,) = received.calendars
    lines = re.sub(r"\r?\n ", "", invitation.text).splitlines()
    facts = {line.partition(":")[0].partition(";")[0]: line for line in lines}
    organizer = facts["ORGANIZER"].lower().rpartition("mailto:")[2]
    reply = "\r\n".join(
        [
            "BEGIN:VCALENDAR", "METHOD:REPLY", "PRODID:Microsoft Exchange Server 2010",
            "VERSION:2.0", "BEGIN:VEVENT",
            f"ATTENDEE;PARTSTAT={partstat};CN={sender.name}:mailto:{sender.address}",
            facts["UID"], facts["SEQUENCE"], facts["DTSTART"], facts["DTEND"],
            "DTSTAMP:20270202T101500Z", f"SUMMARY:Accepted: {received.subject}",
            "END:VEVENT", "END:VCALENDAR", "",
        ]
    )  # fmt: skip
    message = letter(sender, organizer, f"Accepted: {received.subject}", "")
    message.clear_content()
    message.set_content(reply, subtype="calendar", params={"method": "REPLY"})
    return message


def out_of_office(received: Message, sender: Mailbox) -> EmailMessage:
    """What Exchange answers while a person is away."""
    message = answer(received, sender, "I am on leave until 14 February.", quote="")
    message.replace_header("Subject", f"Automatic reply: {received.subject}")
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    return message


def bounce(received: Message, return_path: str, recipient: str) -> EmailMessage:
    """An RFC 3464 report: the mailbox does not exist."""
    report = (
        "MIME-Version: 1.0\r\nFrom: MAILER-DAEMON@mx.ashford.example\r\n"
        f"To: {return_path}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\nMessage-ID: <bounce-1@mx.ashford.example>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\n"
        "This is the mail system. I could not deliver your message.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.ashford.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: <{received.message_id}>\r\nSubject: {received.subject}\r\n\r\n--b--\r\n"
    )
    parsed = message_from_string(report, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
