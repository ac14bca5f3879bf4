"""What a kind of mailing is: on what occasion, to whom, in which words, and where answers go.

Each kind is one module in `mailings/kinds` with a constant `KIND`, and a folder of templates.
"""

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from archive.targets import Item
from core.events import Event
from mailer.models import Mailing
from message.address import Mailbox
from message.compose import Calendar
from message.parse import Attachment
from subscribers.audience import Audience


class Origin(enum.StrEnum):
    """Who speaks, as the Auto-Submitted field says it (RFC 3834 §5)."""

    PERSON = "no"
    GENERATED = "auto-generated"
    REPLIED = "auto-replied"


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a mailing is made: what it is about, and on which list.

    A mailing of the same kind about the same thing that was made at or after `since` is this very
    one: that makes an event that comes twice the same as one. `source` is kept with the mailing.
    """

    about: int
    list_id: int | None = None
    since: dt.datetime | None = None
    source: str = ""
    pointless_after: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What all copies of a mailing share.

    `words` are for the templates. `sender` is a name in place of the list's, `sender_address` an
    address of ours in place of its. `reply_to` is used where an answer does not go to a discussion;
    `answers` are the Message-IDs, oldest first, that this mailing answers (the last one directly);
    `items` are what it leaves as targets of answers; `index` is its Thread-Index, if not one of a
    conversation that it opens.
    """

    words: Mapping[str, object]
    sender: str = ""
    sender_address: str = ""
    reply_to: Mailbox | None = None
    answers: tuple[str, ...] = ()
    calendar: Calendar | None = None
    items: tuple[Item, ...] = ()
    archived_at: str = ""
    discussion: bool | None = None
    index: bytes | None = None
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mailing.

    `trigger` is the event on which it is made at once (None: a person approves it, or another
    reaction asks for it), and `occasion` what that event means; None then says: no mail this time.
    `bulk` mail carries what RFC 2369 and RFC 8058 want. Answers to a kind with a `discussion` go
    to the list's archive. `named` is off where we do not know yet whose address it is. `wanted`
    tells which of several events somebody may want to hear of at all.
    """

    name: str
    audience: Callable[[Session, Mailing], Audience]
    facts: Callable[[Session, Mailing], Facts]
    origin: Origin = Origin.GENERATED
    bulk: bool = False
    discussion: bool = False
    priority: int = 1
    named: bool = True
    trigger: type[Event] | None = None
    occasion: Callable[[Session, Any], Occasion | None] | None = None
    wanted: Callable[[Session, Sequence[Any]], Sequence[Event]] | None = None
