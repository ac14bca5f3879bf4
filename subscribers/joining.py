"""Joining a list: asked for, confirmed by the owner of the address, decided."""

import datetime as dt
import logging

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core import addresses as our_addresses
from core import clock, outbox
from core.events import JoinConfirmed, Joined, JoinHeld, JoinRequested
from message import address as addresses
from message.address import BadAddress
from subscribers import brakes, membership, organisations, people, reachability
from subscribers.models import JoinRequest, MailingList, Organisation, Person, RequestState

log = logging.getLogger(__name__)

#: What a person agrees to, in the words that the form and the confirmation mail show.
WORDING = (
    "I want to get the emails of this list. Its members can see my name, my organisation and what "
    "I write to it. I can leave at any time: every email says how."
)
LIFE = dt.timedelta(days=7)
#: Signing others up is a way to bury them in mail: so many unanswered requests an address gets.
A_DAY = 1
IN_ALL = 3
MEMORY = dt.timedelta(days=30)
AN_HOUR = 200  # of all addresses together
_UNANSWERED = (RequestState.ASKED, RequestState.REPLACED)


class CannotConfirm(ValueError):
    """This confirmation does not count; the text tells the person what to do."""


class Expired(CannotConfirm):
    """The request is older than seven days."""


class CannotDecide(ValueError):
    """The coordinator cannot do this with the request; the text says why."""


def request(
    session: Session,
    list_: MailingList,
    address: str,
    name: str,
    *,
    organisation: str = "",
    source: str,
    evidence: str,
) -> JoinRequest | None:
    """Note that somebody asks to join; they are asked by mail to confirm it (JoinRequested).

    `source` is form, mail or import; `evidence` says which act of theirs it was. None while the
    brakes are on: nobody is written to, and what the asker sees must be the same as always, as it
    must be for an address that is known. Raises BadAddress for what cannot be an address.
    """
    mailbox = addresses.check(address)
    if our_addresses.recognise(mailbox) is not None:
        raise BadAddress("This is an address of the network itself. Enter your own email address")
    brakes.one_at_a_time(session, brakes.Brake.JOINING)
    key = addresses.normal_form(mailbox)
    if _braked(session, key):
        log.warning("join_not_asked", extra={"list": list_.id, "source": source})
        return None
    for older in _asked(session, list_.id, key):
        older.state = RequestState.REPLACED
    asked = JoinRequest(
        list_id=list_.id, mailbox=mailbox, key=key,
        name=people.tidy_name(name) or mailbox.partition("@")[0],
        organisation=people.tidy_name(organisation), source=source, wording=WORDING,
        evidence=f"asked: {evidence}", asked_at=clock.now(),
    )  # fmt: skip
    session.add(asked)
    session.flush()
    outbox.record(session, JoinRequested(asked.id))
    return asked


def _asked(session: Session, list_id: int, key: str) -> list[JoinRequest]:
    same = (JoinRequest.list_id == list_id, JoinRequest.key == key)
    return list(
        session.scalars(select(JoinRequest).where(*same, JoinRequest.state == RequestState.ASKED))
    )


def _braked(session: Session, key: str) -> bool:
    """Whether the address, or all together, had their share.

    Of the address, what was confirmed does not count: it was wanted.
    """
    now = clock.now()

    def count(*which: ColumnElement[bool], within: dt.timedelta) -> int:
        wanted = select(func.count(JoinRequest.id)).where(
            JoinRequest.asked_at > now - within, *which
        )
        return session.scalar(wanted) or 0

    unanswered = (_same_mailbox(key), JoinRequest.state.in_(_UNANSWERED))
    return (
        count(*unanswered, within=dt.timedelta(days=1)) >= A_DAY
        or count(*unanswered, within=MEMORY) >= IN_ALL
        or count(within=dt.timedelta(hours=1)) >= AN_HOUR
    )


def _same_mailbox(key: str) -> ColumnElement[bool]:
    """Most servers deliver what follows a + to the same mailbox (RFC 5233 §1)."""
    local, _, domain = key.rpartition("@")
    bare = local.partition("+")[0]
    with_detail = JoinRequest.key.startswith(f"{bare}+", autoescape=True)
    return or_(
        JoinRequest.key == f"{bare}@{domain}",
        with_detail & JoinRequest.key.endswith(f"@{domain}", autoescape=True),
    )


def confirm(session: Session, join_request_id: int, evidence: str) -> JoinRequest:
    """The owner of the address says yes, by the act that `evidence` names; twice is as once.

    Raises Expired after seven days, CannotConfirm if a newer mail was sent or nothing is known of
    the request.
    """
    found = session.get(JoinRequest, join_request_id, with_for_update=True)
    if found is None:
        raise CannotConfirm("We do not know of this request to join. Ask to join again.")
    if found.state == RequestState.REPLACED:
        raise CannotConfirm("We have sent you a newer email to confirm. Use that one.")
    if found.state == RequestState.FORGOTTEN:
        raise Expired("This request to join is too old. Ask to join again.")
    if found.state != RequestState.ASKED:
        return found
    now = clock.now()
    if now - found.asked_at > LIFE:
        raise Expired("This request to join is more than 7 days old. Ask to join again.")
    found.state, found.confirmed_at = RequestState.CONFIRMED, now
    found.evidence += f"; confirmed: {evidence}"
    outbox.record(session, JoinConfirmed(found.id), key=f"join-confirmed:{found.id}")
    return found


def decide(session: Session, event: JoinConfirmed) -> None:
    """Let officers of councils and of the host in; others wait for the coordinator (JoinHeld)."""
    found = session.get(JoinRequest, event.join_request, with_for_update=True)
    if found is None or found.state != RequestState.CONFIRMED:
        return
    person = people.by_address(session, found.key)
    if _on_the_list(session, person, found.list_id) or organisations.in_sector(
        _organisation(session, found, person)
    ):
        _let_in(session, found, person)
        return
    found.state = RequestState.HELD
    outbox.record(session, JoinHeld(found.id), key=f"join-held:{found.id}")


def _on_the_list(session: Session, person: Person | None, list_id: int) -> bool:
    if person is None:
        return False
    return any(each.id == list_id for each in people.lists_of(session, person.id))


def _organisation(
    session: Session, found: JoinRequest, person: Person | None
) -> Organisation | None:
    """What the domain says; a name typed into a form proves nothing."""
    if person is not None:
        return organisations.of_person(session, person)
    return organisations.recognise(session, found.mailbox)


def _let_in(session: Session, found: JoinRequest, person: Person | None) -> None:
    now = clock.now()
    if person is None:
        person = people.add_person(
            session, found.name, found.mailbox, organisation=_new_organisation(session, found)
        )
    person.organisation = organisations.of_person(session, person)
    address = next(each for each in person.addresses if each.key == found.key)
    address.verified_at = found.confirmed_at or now
    reachability.revive(session, address)  # who answers a mail has a mailbox
    agreement = membership.Agreement(found.wording, found.evidence, found.confirmed_at or now)
    subscription, new = membership.enrol(session, person, found.list, agreement)
    found.state, found.decided_at = RequestState.JOINED, now
    if new:
        outbox.record(session, Joined(subscription.id), key=f"joined:{found.id}")


def _new_organisation(session: Session, found: JoinRequest) -> Organisation | None:
    """The organisation of a newcomer: by domain, or the name they gave if it makes no council."""
    by_domain = organisations.recognise(session, found.mailbox)
    if by_domain is not None or not found.organisation:
        return by_domain
    named = organisations.by_name(session, found.organisation)
    if named is None:
        return organisations.add(session, found.organisation)
    return None if organisations.in_sector(named) else named


def admit(session: Session, join_request_id: int, by: int) -> JoinRequest:
    """The coordinator (a person's id) lets somebody in who waits or was refused; twice is as once.

    Raises CannotDecide if the address is not confirmed, or the list is closed to them.
    """
    found = _confirmed(session, join_request_id)
    if found.state == RequestState.JOINED:
        return found
    person = people.by_address(session, found.key)
    in_sector = organisations.in_sector(_organisation(session, found, person))
    if found.list.closed and not in_sector:
        raise CannotDecide(
            "This list is for councils only, and the address is not that of a council we know. "
            "Enter its mail domain with the council first, or refuse the request."
        )
    _let_in(session, found, person)
    found.decided_by = by
    return found


def refuse(session: Session, join_request_id: int, by: int) -> JoinRequest:
    """The coordinator (a person's id) does not let somebody in; twice is as once.

    Raises CannotDecide if the address is not confirmed, or the person is in already.
    """
    found = _confirmed(session, join_request_id)
    if found.state == RequestState.JOINED:
        raise CannotDecide("This person has joined already. Remove them from the list instead.")
    if found.state != RequestState.REFUSED:
        found.state, found.decided_at, found.decided_by = RequestState.REFUSED, clock.now(), by
    return found


def _confirmed(session: Session, join_request_id: int) -> JoinRequest:
    found = session.get(JoinRequest, join_request_id, with_for_update=True)
    if found is None or found.confirmed_at is None:
        raise CannotDecide("The owner of this address has not confirmed the request yet.")
    return found


def waiting(session: Session) -> list[JoinRequest]:
    """The requests that wait for the coordinator, the oldest first."""
    held = select(JoinRequest).where(JoinRequest.state == RequestState.HELD)
    return list(session.scalars(held.order_by(JoinRequest.confirmed_at, JoinRequest.id)))


def forget_unconfirmed(session: Session) -> int:
    """Empty the requests that nobody confirmed for 30 days; returns how many."""
    old = select(JoinRequest).where(
        JoinRequest.state.in_(_UNANSWERED), JoinRequest.asked_at <= clock.now() - MEMORY
    )
    forgotten = list(session.scalars(old))
    for each in forgotten:
        each.mailbox = each.key = each.name = each.organisation = each.evidence = ""
        each.state = RequestState.FORGOTTEN
    return len(forgotten)
