"""Small messages for tests, written with plain line ends."""

from message.parse import Message, parse


def letter(head: str, body: str = "Hello.\n") -> Message:
    """A message from its fields and its body."""
    return parse(f"{head.strip()}\n\n{body}".replace("\n", "\r\n").encode())


FROM = "From: Jo Field <jo@swindon.example>\nTo: ai-network@lists.example.org\n"


def report(status: str, *, kind: str = "message/delivery-status", text: str = "Sorry.") -> Message:
    """A delivery status notification (RFC 3464) about <a.1@lists.example.org>."""
    return letter(
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>\n"
        "To: ai-network+token@lists.example.org\nReturn-Path: <>\nSubject: Undelivered Mail\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=y",
        f"--y\nContent-Type: text/plain\n\n{text}\n--y\nContent-Type: {kind}\n\n"
        f"Reporting-MTA: dns; mx.example\n\n{status}\n--y\nContent-Type: message/rfc822\n\n"
        "Message-ID: <a.1@lists.example.org>\nTo: anna@ashford.example\nSubject: "
        "News\n\nHi\n--y--\n",
    )
