"""What of a message goes into the archive: its words told apart, without secrets, made safe."""

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass

from archive import threading
from archive.leaves import Leaf
from core import settings
from message import quoting, redact, sanitise, thread_index
from message import subject as subjects
from message.parse import Attachment, Message
from message.quoting import Passage, html

#: A clock this far ahead is wrong; the time of arrival is taken.
MOST_AHEAD = dt.timedelta(days=1)
OLDEST = dt.datetime(1975, 1, 1, tzinfo=dt.UTC)
LONGEST_ID = 250
#: RFC 5322 §2.1.1: no line is longer; nobody reads a subject as long as that.
LONGEST_SUBJECT = 998
MOST_REFERENCES = 100
# What no database and no reader can do anything with.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\ud800-\udfff]")
_CONTROLS = "".join(map(chr, [*range(0x09), *range(0x0E, 0x20)]))  # the same of ASCII


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it goes into the archive."""

    message_id: str
    references: tuple[str, ...]  # nearest first
    sent_at: dt.datetime
    received_at: dt.datetime
    dated: bool  # whether `sent_at` is what it said itself
    subject: str
    topic: str
    is_reply: bool
    author: str
    address: str
    passages: tuple[Passage, ...]
    html: str | None
    attachments: tuple[Attachment, ...]
    reason: str = threading.NEW
    organisation: str = ""
    person_id: int | None = None
    incoming_id: int | None = None
    mailing_id: int | None = None
    held_why: str | None = None
    index: str = ""  # its Thread-Index, as an id

    def own_words(self) -> str:
        """What the author wrote here, without quotation and signature."""
        return quoting.own_words(list(self.passages)).strip()

    def parts(self) -> str:
        """The passages as JSON; put together again they are the body."""
        return json.dumps([[passage.kind, passage.text] for passage in self.passages])

    def leaf(self) -> Leaf:
        """The letter as far as weaving is concerned."""
        return Leaf(
            self.message_id, self.references, self.sent_at, self.received_at, self.subject,
            self.topic, self.is_reply, self.author, self.reason, index=self.index,
        )  # fmt: skip


def letter_of(
    message: Message, sha256: str, arrived: dt.datetime | None, incoming_id: int | None = None
) -> Letter:
    """What of a message goes into the archive; `sha256` is that of its bytes.

    `incoming_id` tells it among those that arrived, `arrived` is when it came; None for an
    imported one, which counts as come when it was sent.
    """
    said = message.date if message.date is not None and message.date >= OLDEST else None
    latest = (arrived + MOST_AHEAD) if arrived else None
    sent_at = said if said and (latest is None or said <= latest) else (arrived or OLDEST)
    subject = readable(message.subject)[:LONGEST_SUBJECT]
    text = readable(_without_secrets(_body(message)))
    safe = sanitise.clean(_without_secrets(message.html)) if message.html else None
    author = message.from_
    index = thread_index.read(message.get("Thread-Index") or "")
    return Letter(
        message_id=own_id(message.message_id, sha256),
        references=references_of(message) or (thread_index.ancestors(index) if index else ()),
        sent_at=sent_at,
        received_at=arrived or sent_at,
        dated=sent_at == said,
        subject=subject,
        topic=topic_of(subject),
        is_reply=subjects.is_reply(subject) or _answers_nameless(message),
        author=readable((author.name or author.local_part) if author else "")[:200] or "(unknown)",
        address=author.address if author else "",
        passages=message.passages
        if text == message.text
        else tuple(quoting.split(text, author=message.author_name, html=message.html)),
        html=readable(safe) if safe else None,
        attachments=message.attachments,
        incoming_id=incoming_id,
        index=thread_index.id_of(index) if index else "",
    )


def _body(message: Message) -> str:
    """The text of a message; of one that is HTML only, with the quotations in it marked."""
    plain = any(
        part.type in ("", "text/plain") and part.disposition != "attachment"
        for part in message.leaves
    )
    return message.text if plain or message.html is None else html.to_text(message.html)


def own_id(message_id: str | None, sha256: str) -> str:
    """The Message-ID under which a message is filed; one made from its hash if it has none."""
    if not message_id or not message_id.strip():
        return f"{sha256[:40]}@without-message-id.invalid"
    return known_id(message_id)


def known_id(message_id: str) -> str:
    """A Message-ID as it is stored: a monstrous one by its hash."""
    plain = readable(message_id)
    if len(plain) <= LONGEST_ID:
        return plain
    return f"{hashlib.sha256(plain.encode()).hexdigest()}@long-message-id.invalid"


def another_id(message_id: str, sign: str) -> str:
    """A second id made from one, always the same for the same sign."""
    local, at, domain = message_id.rpartition("@")
    return f"{local}.{sign}@{domain}" if at else f"{message_id}.{sign}"


def references_of(message: Message) -> tuple[str, ...]:
    """The ids that a message refers to, nearest first.

    Old clients put the address of whom they answer into In-Reply-To: that is no message.
    """
    boxes = [*message.to, *message.cc, *([message.from_] if message.from_ else [])]
    no_ids = {box.address for box in boxes} | {message.message_id}
    named = threading.nearest_first(message.in_reply_to, message.references)
    return tuple(known_id(one) for one in named if one not in no_ids)[:MOST_REFERENCES]


def topic_of(subject: str) -> str:
    """The subject by which answers without references find their discussion."""
    return subjects.base_subject(subject).casefold()[:200]


def readable(text: str) -> str:
    """A text without what cannot be stored: NUL and its like, halves of surrogates."""
    if text.isprintable():
        return text
    if text.isascii() and not any(sign in text for sign in _CONTROLS):
        return text
    return _UNPRINTABLE.sub("", text)


def _answers_nameless(message: Message) -> bool:
    # In-Reply-To without any id ("Your message of Monday") still says that it is an answer.
    return bool(message.get("In-Reply-To")) and not message.in_reply_to


def _without_secrets(text: str) -> str:
    setting = settings.current()
    return redact.strip_secrets(text, setting.domain, setting.separator, setting.base_url)
