"""Golden files of all mails; `python -m tests.mailings.golden` writes them anew, to be read."""

import datetime as dt
import tempfile
from email import message_from_bytes, policy
from pathlib import Path

from core import clock, settings
from mailings import kinds, samples
from message.parse import Message, parse

FOLDER = Path(__file__).parent.parent / "golden" / "email"
MOMENT = dt.datetime(2027, 2, 2, 9, 30, tzinfo=dt.UTC)


def mail(kind: str) -> Message:
    """The sample of a kind as its reader's program shows it."""
    with clock.turned(MOMENT):
        return parse(samples.sample(kind).copy)


def plain_part(message: Message) -> str:
    """The plain part as its lines stand on the wire, decoded by another parser."""
    parts = message_from_bytes(message.raw, policy=policy.default).walk()
    (text,) = [part for part in parts if part.get_content_type() == "text/plain"]
    assert text.get_param("format") == "flowed"
    return str(text.get_content())


def text_of(message: Message) -> str:
    """The plain part where nothing flows, under its subject."""
    lines = [line if line == "-- " else line.rstrip() for line in plain_part(message).splitlines()]
    text = "\n".join(lines).strip()
    return f"Subject: {message.subject}\n\n{text}\n"


def html_of(message: Message) -> str:
    """The HTML part."""
    return (message.html or "").replace("\r\n", "\n").strip() + "\n"


def write() -> None:
    """Write all golden files."""
    for kind in kinds.ALL:
        message = mail(kind)
        (FOLDER / f"{kind}.txt").write_text(text_of(message))
        (FOLDER / f"{kind}.html").write_text(html_of(message))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as data:
        settings.use(
            settings.load(
                data=Path(data),
                network_name="AI Network",
                domain="lists.example.org",
                base_url="https://network.example.org",
                host_name="Example Association",
                contact="coordinator@host.example",
                secret_key="a secret for tests only",
            )
        )
        write()
