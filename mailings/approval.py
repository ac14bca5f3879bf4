"""Approval: a newsletter is drafted, looked at copy by copy, approved, and can be called back."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import TemplateError
from sqlalchemy.orm import Session

from core import clock, outbox, settings
from core.clock import AmbiguousTime, NoSuchTime
from core.events import MailingApproved
from mailer import copies, ledger
from mailer.ledger import WrongState
from mailer.models import Mailing, MailingState, Trouble
from mailings import kinds, planning, rendering, wording
from mailings.kind import Kind
from message.address import BadAddress
from message.headers import BadHeader
from message.mould import EmptySlot
from message.parse import parse
from subscribers.audience import Recipient
from subscribers.models import MailingList

__all__ = [
    "TROUBLES", "Preview", "Problem", "approve", "cancel", "draft_newsletter", "edit",
    "instant_of", "pause", "preflight", "preview", "resume", "said_of_time",
]  # fmt: skip

#: Gmail cuts a message off beyond this, and with it the link to leave.
LONGEST_HTML = 102_000
LARGEST_COPY = 10_000_000
#: More to mend than this is not listed.
MOST_PROBLEMS = 50

#: What is wrong with a mailing that does not go on, in a sentence.
TROUBLES = {
    Trouble.STALLED: "It has stopped: copies wait to be sent, and none goes out.",
    Trouble.LATE: "It is late and held: decide whether it still goes out.",
    Trouble.UNBALANCED: "It cannot be finished: what became of its copies does not add up.",
}

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


def draft_for_lists(
    session: Session, lists: Sequence[MailingList], subject: str, markdown: str, by: int | None
) -> list[Mailing]:
    """The same newsletter to several lists; who is on more than one of them gets one copy."""
    drafts = [draft_newsletter(session, list_, subject, markdown, by) for list_ in lists]
    for drafted in drafts:
        drafted.edition = drafts[0].id
    session.flush()
    return drafts


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
    mailing.trouble = mailing.trouble_at = None
    session.flush()
    # One that came too late may be approved again.
    key = f"mailing-approved:{mailing.id}:{now.isoformat()}"
    outbox.record(session, MailingApproved(mailing.id), key=key)
    return mailing


def instant_of(wall: dt.datetime, zone: str) -> dt.datetime:
    """The instant of a wall time that somebody chose for sending; of two the first.

    Raises NotReady in the hour that the spring change leaves out.
    """
    try:
        return clock.to_instant(wall, zone)
    except NoSuchTime:
        said = f"{wall:%H:%M} does not exist on {clock.spoken_date(wall)}"
        raise NotReady(f"{said}: the clocks go forward. Choose another time.") from None
    except AmbiguousTime:
        return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(dt.UTC)


def said_of_time(instant: dt.datetime, zone: str) -> str:
    """What has to be told of a time of sending in the night of the autumn change, else nothing."""
    wall = clock.to_wall(instant, zone)
    try:
        clock.to_instant(wall, zone)
    except AmbiguousTime:
        taken = "first" if instant_of(wall, zone) == instant else "second"
        when = f"{wall:%H:%M} occurs twice on {clock.spoken_date(wall)}"
        return f"{when}: the clocks go back. The {taken} is taken."
    return ""


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
    message = parse(_Proof(session, mailing, rendered).copy(reader))
    return Preview(rendered.subject, message.text, message.html or "", audience.count(session))


def preflight(session: Session, mailing_id: int) -> list[Problem]:
    """Render a mailing and fill each real copy; returns what has to be mended, if anything."""
    mailing = session.get_one(Mailing, mailing_id)
    kind = kinds.ALL[mailing.kind]
    try:
        rendered = _rendered(session, kind, mailing)
    except NotReady as fault:
        return [Problem(str(fault))]
    audience = kind.audience(session, mailing)
    problems = [Problem(words) for words in _faults(mailing, rendered)]
    proof, nobody = _Proof(session, mailing, rendered), True
    for recipient in audience.recipients(session):
        nobody = False
        problems += proof.faults(recipient)
        if len(problems) > MOST_PROBLEMS:
            problems[MOST_PROBLEMS:] = [Problem("There may be more: mend these first.")]
            break
    return [*problems, Problem("Nobody would get it.")] if nobody else problems


def _rendered(session: Session, kind: Kind, mailing: Mailing) -> rendering.Rendered:
    facts = kind.facts(session, mailing)
    try:
        return rendering.render(kind, mailing, planning.list_of(session, mailing), facts)
    except TemplateError as fault:
        raise NotReady(f"The template {kind.name} has a fault: {fault.message}") from None
    except BadHeader as fault:
        raise NotReady(f"A header field cannot be written: {fault}") from None


def _faults(mailing: Mailing, rendered: rendering.Rendered) -> Iterator[str]:
    if not rendered.subject:
        yield "It has no subject."
    if mailing.kind == "newsletter" and not mailing.source.strip():
        yield "It has no text."
    if "![" in mailing.source:
        yield "It holds a picture. Readers get only its description: write a link to it instead."
    if len(rendered.html.encode()) > LONGEST_HTML:
        yield "It is longer than 102 kB: Gmail would cut it off. Shorten it, or link to the rest."


class _Trial(NamedTuple):
    """A copy that is only tried: it has no row, and its tokens name no real copy."""

    person_id: int | None
    address: str
    name: str | None
    id: int = 0
    slots: str | None = None


class _Proof:
    """Makes copies of a rendered mailing as they would go out; nothing is written down."""

    def __init__(self, session: Session, mailing: Mailing, rendered: rendering.Rendered) -> None:
        list_ = planning.list_of(session, mailing)
        self._mailing, self._list_name = mailing, list_.name if list_ else None
        self._mould, self._slots = rendered.mould, rendered.mould.slots()
        self._named = kinds.ALL[mailing.kind].named

    def copy(self, to: Recipient) -> bytes:
        """The copy of one recipient, not signed."""
        row = _Trial(to.person_id, to.address, to.name if self._named else "")
        return self._mould.fill(copies.values_of(self._mailing, row, self._list_name, self._slots))

    def faults(self, to: Recipient) -> Iterator[Problem]:
        """What is wrong with the copy of one recipient."""
        try:
            raw = self.copy(to)
        except EmptySlot as missing:
            yield Problem(f"there is no value for {missing.args[0]}.", to.person_id)
            return
        except (BadHeader, BadAddress) as fault:
            yield Problem(f"{fault}.", to.person_id)
            return
        if len(raw) > LARGEST_COPY:
            yield Problem("it is larger than 10 MB.", to.person_id)
        if self._named and not to.name.strip():
            yield Problem("the name is missing.", to.person_id)
