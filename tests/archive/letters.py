"""Letters for the tests of the archive: raw mail that has arrived, and posts made at once."""

import datetime as dt
import hashlib
import itertools
import zlib
from email.message import EmailMessage
from email.utils import format_datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import filing, shelves
from archive.letters import letter_of
from archive.models import Post
from core import clock, database
from core.events import PostArrived
from core.outbox import EventRow
from mailer.models import Delivery, Incoming, Mailing
from message.parse import parse

_uids = itertools.count(1)
NINE = dt.datetime(2027, 2, 2, 9, tzinfo=dt.UTC)
#: The server of our own organisation, whose word on senders counts.
TRUSTED = "mx.lists.example.org"


def mail(
    sender: str = "Anna Archer <anna@ashford.example>",
    subject: str = "Copilot licences",
    text: str = "What do you pay per head?",
    message_id: str = "",
    minute: float = 0,
    proved: bool = True,
    **headers: str,
) -> EmailMessage:
    """A message as a member's client writes it; `proved` puts our server's DMARC pass on top."""
    message = EmailMessage()
    if proved:
        domain = sender.rpartition("@")[2].rstrip(">")
        message["Authentication-Results"] = f"{TRUSTED}; dmarc=pass header.from={domain}"
    message["From"] = sender
    message["To"] = "ai-network@lists.example.org"
    message["Subject"] = subject
    message["Date"] = format_datetime(NINE + dt.timedelta(minutes=minute))
    message["Message-ID"] = f"<{message_id or f'letter-{next(_uids)}@ashford.example'}>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def arrive(
    session: Session,
    message: EmailMessage | bytes,
    list_id: int | None,
    token: str | None = None,
    at: dt.datetime | None = None,
) -> int:
    """Keep a message as the listener and the sorting office leave it; returns its id."""
    raw = message if isinstance(message, bytes) else message.as_bytes()
    row = Incoming(
        mailbox="network", uidvalidity=1, uid=next(_uids), raw=zlib.compress(raw),
        sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), arrived_at=at or clock.now(),
        state="sorted", verdict="post", list_id=list_id, token=token,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def file(message: EmailMessage | bytes, list_id: int | None, token: str | None = None) -> list[int]:
    """Have a message arrive and be filed; returns the ids of its posts."""
    with database.transaction() as session:
        incoming = arrive(session, message, list_id, token)
        filing.file_post(session, PostArrived(incoming))
        posts = select(Post.id).where(Post.incoming_id == incoming).order_by(Post.id)
        return list(session.scalars(posts))


def put(session: Session, list_id: int, *messages: EmailMessage | bytes) -> list[int]:
    """Put messages on the shelf without asking who wrote them; returns the posts."""
    letters = []
    for message in messages:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        letters.append(letter_of(parse(raw), hashlib.sha256(raw).hexdigest(), None))
    return [filed.post_id for filed in shelves.put(session, list_id, letters)]


def post(post_id: int) -> Post:
    """A post as it stands in the database."""
    with database.reading() as session:
        return session.get_one(Post, post_id)


def events(name: str) -> list[str]:
    """The facts of all events of a kind."""
    with database.reading() as session:
        rows = select(EventRow.facts).where(EventRow.name == name).order_by(EventRow.id)
        return list(session.scalars(rows))


def mailing(
    session: Session,
    kind: str,
    list_id: int,
    *people: int,
    about: int | None = None,
    subject: str = "",
    source: str = "",
) -> tuple[Mailing, dict[int, int]]:
    """A mailing in the ledger; with the delivery of each person."""
    row = Mailing(
        kind=kind, list_id=list_id, about=about, state="finished", bulk=True, subject=subject,
        source=source, message_id=f"mailing-{next(_uids)}@lists.example.org",
        created_at=clock.now(), planned_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    deliveries = {}
    for person in people:
        delivery = Delivery(
            mailing_id=row.id, person_id=person, address=f"{person}@somewhere.example",
            next_try=clock.now(),
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        deliveries[person] = delivery.id
    return row, deliveries
