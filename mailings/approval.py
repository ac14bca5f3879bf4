"""Approval: a newsletter is drafted, looked at copy by copy, approved, and can be called back."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateError
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.events import MailingApproved
from mailer import copies, ledger
from mailer.ledger import WrongState
from mailer.models import Delivery, Mailing, MailingState
from mailings import kinds, planning, rendering, wording
from mailings.kind import Kind
from message.address import BadAddress
from message.headers import BadHeader
from message.mould import EmptySlot
from message.parse import parse
from subscribers.audience import Audience, Recipient
from subscribers.models import MailingList

__all__ = [
    "Preview", "Problem", "approve", "cancel", "draft_newsletter", "edit", "pause", "preflight",
    "preview", "resume",
]  # fmt: skip

#: Gmail cuts a message off beyond this, and with it the link to leave.
LONGEST_HTML = 102_000
LARGEST_COPY = 10_000_000

pause = ledger.pause
resume = ledger.resume
cancel = ledger.cancel


class NotReady(ValueError):
    """The mailing cannot be approved as it is; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend before a mailing goes out; `person_id` if it is about one copy."""

    words: str
    person_id: int | None = None

    def __str__(self) -> str:
        """The sentence for the coordinator."""
        if self.person_id is None:
            return self.words
        return f"Copy for person {self.person_id}: {self.words}"


@dataclass(frozen=True, slots=True)
class Preview:
    """A mailing as one of its readers would get it."""

    subject: str
    text: str
    html: str
    recipients: int


def draft_newsletter(
    session: Session, list_: MailingList, subject: str, markdown: str, by: int | None
) -> Mailing:
    """A newsletter to a list, written in Markdown; nothing goes out before it is approved."""
    kind = kinds.ALL["newsletter"]
    return ledger.draft(
        session,
        kind.name,
        list_id=list_.id,
        about=None,
        bulk=kind.bulk,
        subject=wording.one_line(subject),
        source=markdown,
        priority=kind.priority,
        by=by,
    )


def edit(session: Session, mailing_id: int, subject: str, markdown: str) -> Mailing:
    """Write a draft anew. Raises WrongState once it is approved."""
    mailing = _draft(session, mailing_id)
    mailing.subject, mailing.source = wording.one_line(subject), markdown
    session.flush()
    return mailing


def approve(
    session: Session, mailing_id: int, by: int | None, at: dt.datetime | None = None
) -> Mailing:
    """Let a draft go out: at an instant, or once the time to call it back is over.

    Records MailingApproved. Raises WrongState if it is no draft any more (two coordinators cannot
    send it twice), and NotReady for a time that is past.
    """
    mailing = _draft(session, mailing_id)
    now = clock.now()
    if at is not None and at < now:
        raise NotReady("This time is past: choose a later one, or send it now.")
    mailing.not_before = at or now + dt.timedelta(seconds=settings.current().undo_seconds)
    mailing.state = MailingState.APPROVED
    mailing.approved_at, mailing.approved_by = now, by
    session.flush()
    outbox.record(session, MailingApproved(mailing.id), key=f"mailing-approved:{mailing.id}")
    return mailing


def _draft(session: Session, mailing_id: int) -> Mailing:
    mailing = session.get(Mailing, mailing_id, with_for_update=True, populate_existing=True)
    if mailing is None:
        raise WrongState("There is no such mailing.")
    if mailing.state != MailingState.DRAFT:
        raise WrongState(f"This mailing is no draft any more: it is {mailing.state}.")
    return mailing


def preview(session: Session, mailing_id: int) -> Preview:
    """A mailing as its first reader would get it; links in it are good for nobody.

    Raises NotReady when it cannot be rendered.
    """
    mailing = session.get_one(Mailing, mailing_id)
    kind = kinds.ALL[mailing.kind]
    rendered = _rendered(session, kind, mailing)
    audience = kind.audience(session, mailing)
    reader = Recipient(0, "jane.doe@council.example", "Jane Doe", "")
    # Person and copy 0 do not exist: a token for them opens nothing.
    message = parse(_copy(session, kind, mailing, rendered, reader))
    return Preview(rendered.subject, message.text, message.html or "", len(audience.recipients))


def preflight(session: Session, mailing_id: int) -> list[Problem]:
    """Render a mailing and fill each real copy; returns what has to be mended, if anything."""
    mailing = session.get_one(Mailing, mailing_id)
    kind = kinds.ALL[mailing.kind]
    try:
        rendered = _rendered(session, kind, mailing)
    except NotReady as fault:
        return [Problem(str(fault))]
    audience = kind.audience(session, mailing)
    problems = [Problem(words) for words in _faults(mailing, rendered, audience)]
    for recipient in audience.recipients:
        problems += _faults_of_copy(session, kind, mailing, rendered, recipient)
    return problems


def _rendered(session: Session, kind: Kind, mailing: Mailing) -> rendering.Rendered:
    facts = kind.facts(session, mailing)
    try:
        return rendering.render(kind, mailing, planning.list_of(session, mailing), facts)
    except TemplateError as fault:
        raise NotReady(f"The template {kind.name} has a fault: {fault.message}") from None
    except BadHeader as fault:
        raise NotReady(f"A header field cannot be written: {fault}") from None


def _faults(mailing: Mailing, rendered: rendering.Rendered, audience: Audience) -> Iterator[str]:
    if not rendered.subject:
        yield "It has no subject."
    if mailing.kind == "newsletter" and not mailing.source.strip():
        yield "It has no text."
    if "![" in mailing.source:
        yield "It holds a picture. Readers get only its description: write a link to it instead."
    if len(rendered.html.encode()) > LONGEST_HTML:
        yield "It is longer than 102 kB: Gmail would cut it off. Shorten it, or link to the rest."
    if not audience.recipients:
        yield "Nobody would get it."


def _faults_of_copy(
    session: Session, kind: Kind, mailing: Mailing, rendered: rendering.Rendered, to: Recipient
) -> Iterator[Problem]:
    try:
        raw = _copy(session, kind, mailing, rendered, to)
    except EmptySlot as missing:
        yield Problem(f"there is no value for {missing.args[0]}.", to.person_id)
        return
    except (BadHeader, BadAddress) as fault:
        yield Problem(f"{fault}.", to.person_id)
        return
    if len(raw) > LARGEST_COPY:
        yield Problem("it is larger than 10 MB.", to.person_id)
    if kind.named and not to.name.strip():
        yield Problem("the name is missing.", to.person_id)


def _copy(
    session: Session, kind: Kind, mailing: Mailing, rendered: rendering.Rendered, to: Recipient
) -> bytes:
    """A copy as it would go out; nothing is written down, and its tokens name no real copy."""
    list_ = planning.list_of(session, mailing)
    words = planning.slots_of(kind)(to)
    row = Delivery(id=0, person_id=to.person_id, address=to.address, slots=json.dumps(words))
    name = list_.name if list_ else None
    return rendered.mould.fill(copies.values_of(mailing, row, name, rendered.mould.slots()))
