"""Commands by mail: join, leave, confirm, help, and notes to the coordinator."""

import datetime as dt
import logging
import re

from sqlalchemy.orm import Session

from archive import authority
from core import addresses, outbox, tokens
from core.events import CommandArrived, MailNotUnderstood
from core.tokens import BadToken, Purpose
from mailer import inbox
from mailer.models import Incoming
from mailings import lately, planning
from mailings.kind import Occasion
from meetings import contributions
from message import automatic, quoting
from message.address import BadAddress
from message.parse import Message, parse
from subscribers import commands, joining, leaving, people
from subscribers.commands import Ask, Wish
from subscribers.models import MailingList, OrganisationKind, Person, Role

log = logging.getLogger(__name__)

#: RFC 3834 §2: nobody gets more than one explanation a day.
PAUSE = dt.timedelta(days=1)
NOT_UNDERSTOOD = "not understood"
#: RFC 3834 §2: never answered.
_MACHINES = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|owner-.*|.*-request|.*-owner)@", re.I
)


def obey(session: Session, event: CommandArrived) -> None:
    """Do what a message to a command address asks for; the same message twice is as once."""
    incoming = session.get_one(Incoming, event.incoming)
    message = parse(inbox.raw_of(incoming))
    if automatic.why_automatic(message) is not None or message.from_ is None:
        incoming.why = "an automatic message asks for nothing"
        return
    wish = commands.read(incoming.command or "", message.from_, message.subject, message.text)
    log.info("command", extra={"incoming": incoming.id, "wish": str(wish.ask)})
    act = _ACTS.get(wish.ask)
    if act is None:
        incoming.why = f"asks for {wish.ask}"
        return
    act(session, incoming, message, wish)


def _join(session: Session, incoming: Incoming, message: Message, wish: Wish) -> None:
    list_ = _list(session, incoming)
    if list_ is None:
        _explain(session, incoming, message, NOT_UNDERSTOOD)
        return
    _ask(session, list_, incoming, message, wish)


def _ask(
    session: Session, list_: MailingList, incoming: Incoming, message: Message, wish: Wish
) -> None:
    sender = message.from_
    if sender is None:
        return
    try:
        joining.request(
            session, list_, sender.address, wish.name, organisation=wish.organisation,
            source="mail", evidence=_act(incoming),
        )  # fmt: skip
    except BadAddress:
        _give_to_coordinator(session, incoming, "asks to join, with an address that cannot be")


def _confirm(session: Session, incoming: Incoming, message: Message, wish: Wish) -> None:
    """An answer to the question is a yes: only the owner of the address has its token."""
    try:
        (request,) = tokens.read(incoming.token or "", Purpose.CONFIRM).ids
    except (BadToken, ValueError):
        _explain(session, incoming, message, NOT_UNDERSTOOD)
        return
    try:
        joining.confirm(session, request, _act(incoming))
    except joining.CannotConfirm:
        # Too late, or overtaken by a newer question: who still wants to join is asked afresh.
        list_ = _list(session, incoming)
        if list_ is not None:
            _ask(session, list_, incoming, message, wish)


def _leave(session: Session, incoming: Incoming, message: Message, _wish: Wish) -> None:
    """Who has the leave address leaves at once; from others the address in From has to do.

    That can be forged, so the goodbye that follows says how to come back.
    """
    person_id, list_id = _leaver(session, incoming, message)
    left = None
    if person_id is not None and list_id is not None:
        left = leaving.leave(session, person_id, list_id, "mail")
    if left is None:
        incoming.why = "leaves a list that this address is not on"
        _explain(session, incoming, message, NOT_UNDERSTOOD)


def _leaver(
    session: Session, incoming: Incoming, message: Message
) -> tuple[int | None, int | None]:
    if incoming.token:
        try:
            person_id, list_id = tokens.read(incoming.token, Purpose.LEAVE).ids
        except (BadToken, ValueError):
            pass
        else:
            return person_id, list_id
    person = people.by_address(session, message.from_.address) if message.from_ else None
    if person is None:
        return None, None
    if incoming.list_id is not None:
        return person.id, incoming.list_id
    # "Unsubscribe" to no list in particular is clear for who is on one only.
    lists = people.lists_of(session, person.id)
    return person.id, lists[0].id if len(lists) == 1 else None


def _help(session: Session, incoming: Incoming, message: Message, _wish: Wish) -> None:
    _explain(session, incoming, message, "")


def _owner(session: Session, incoming: Incoming, _message: Message, _wish: Wish) -> None:
    _give_to_coordinator(session, incoming, "for the people who run the list")


def _update(session: Session, incoming: Incoming, message: Message, _wish: Wish) -> None:
    """What a partner sends goes into the next digest; from others the coordinator looks at it."""
    if (incoming.why or "").startswith("update "):
        return
    person = authority.author_of(session, message)
    words = quoting.own_words(quoting.split(message.text)).strip()
    if person is None or incoming.list_id is None or not words or not _may_update(person):
        _give_to_coordinator(session, incoming, "an update that is not from a known partner")
        return
    if not authority.proved(session, person, incoming, message):
        _give_to_coordinator(session, incoming, "an update whose sender is not proved")
        return
    organisation = person.organisation.name if person.organisation else ""
    update = contributions.add_update(
        session, incoming.list_id, organisation or person.name, words=words
    )
    incoming.why = f"update {update.id}"


def _may_update(person: Person) -> bool:
    if person.role in (Role.COORDINATOR, Role.OPERATOR):
        return True
    kinds = (OrganisationKind.PARTNER, OrganisationKind.HOST)
    return person.organisation is not None and person.organisation.kind in kinds


_ACTS = {
    Ask.JOIN: _join,
    Ask.CONFIRM: _confirm,
    Ask.LEAVE: _leave,
    Ask.HELP: _help,
    Ask.OWNER: _owner,
    Ask.UPDATES: _update,
}


def _list(session: Session, incoming: Incoming) -> MailingList | None:
    return session.get(MailingList, incoming.list_id) if incoming.list_id is not None else None


def _act(incoming: Incoming) -> str:
    """The act by which somebody agreed, for the record: the message itself is kept."""
    return f"wrote a mail (no. {incoming.id}, {incoming.arrived_at:%Y-%m-%d %H:%M} UTC)"


def _explain(session: Session, incoming: Incoming, message: Message, source: str) -> None:
    """Answer with what can be done by mail, unless that would be an answer too many."""
    sender = message.from_
    if sender is None or not answerable(message):
        return
    if lately.told(session, "help", sender.address, PAUSE):
        return
    planning.send(session, "help", Occasion(incoming.id, incoming.list_id, source=source))


def answerable(message: Message) -> bool:
    """Whether a person can be expected to read an answer (RFC 3834 §2): not a machine, not us."""
    sender = message.from_
    if sender is None or message.return_path == "":
        return False
    if _MACHINES.match(sender.address):
        return False
    return addresses.recognise(sender.address) is None


def _give_to_coordinator(session: Session, incoming: Incoming, why: str) -> None:
    incoming.why, incoming.state = why, "stuck"
    event = MailNotUnderstood(incoming.id)
    outbox.record(session, event, key=f"not-understood:{incoming.id}")
