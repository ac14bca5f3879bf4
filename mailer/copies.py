"""A copy: the mould of a mailing filled for one recipient, signed, and ready for the wire.

Everything that differs between copies follows from the delivery's row and from ids, and tokens are
dated on the day of planning: the same copy is the same bytes however often it is made.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from core import addresses, links, settings, tokens
from core.settings import Settings, kept_secret
from core.tokens import Purpose
from mailer import naming
from mailer.models import Mailing
from message import dkim
from message.mould import Mould
from message.signed_mould import SignedMould
from message.wire import OnWire


class Addressed(Protocol):
    """What of a copy's row decides its bytes."""

    @property
    def id(self) -> int: ...
    @property
    def person_id(self) -> int | None: ...
    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def slots(self) -> str | None: ...


class Envelope(NamedTuple):
    """What goes on the wire for one copy."""

    delivery_id: int
    mail_from: str
    rcpt_to: str
    data: bytes | OnWire


class Press:
    """Makes the copies of one mailing; what they share is made ready once."""

    def __init__(self, mailing: Mailing, list_name: str | None) -> None:
        """`list_name` is None for office mail; raises ValueError without mould or usable key."""
        if mailing.mould is None:
            raise ValueError("this mailing has no mould: plan it first")
        self._mailing, self._list_name = mailing, list_name
        self._mould = SignedMould(Mould.from_bytes(mailing.mould), _signers(settings.current()))
        self._slots = self._mould.slots()

    def copy(self, row: Addressed) -> Envelope:
        """The signed copy for one recipient.

        Raises message.mould.EmptySlot if a slot has no value, and message.headers.BadHeader if a
        value does not fit its header field.
        """
        values = values_of(self._mailing, row, self._list_name, self._slots)
        token = _dated(self._mailing)(Purpose.BOUNCE, row.id)
        sender = addresses.of(self._list_name, token)
        return Envelope(row.id, sender, row.address, self._mould.fill(values))


def values_of(
    mailing: Mailing, row: Addressed, list_name: str | None, slots: frozenset[str]
) -> dict[str, str]:
    """What fills the given slots of a copy; a slot that nothing fills is left out."""
    given: dict[str, str] = json.loads(row.slots) if row.slots else {}
    called = row.name or ""
    person, list_id, about = row.person_id or 0, mailing.list_id or 0, mailing.about or 0
    dated = _dated(mailing)

    def rsvp() -> str:
        return tokens.make(Purpose.RSVP, person, about, made=tokens.UNDATED)

    known: dict[str, Callable[[], str]] = {
        "address": lambda: row.address,
        "name": lambda: naming.greeting(called),
        "to": lambda: naming.to_field(called, row.address),
        "calendar_name": lambda: naming.calendar_name(called, row.address),
        "leave_url": lambda: links.leave(dated(Purpose.LEAVE, person, list_id)),
        "leave_address": lambda: addresses.of(list_name, dated(Purpose.LEAVE, person, list_id)),
        "rsvp_url": lambda: links.rsvp(rsvp()),
        "organizer": lambda: addresses.of(list_name, rsvp()),
        "bounce_address": lambda: addresses.of(list_name, dated(Purpose.BOUNCE, row.id)),
    }
    values: dict[str, str] = {}
    for slot in slots:
        name, _, item = slot.partition(":")
        if slot in given:
            values[slot] = given[slot]
        elif name == "reply_address" and item.isdecimal():
            values[slot] = addresses.of(list_name, dated(Purpose.REPLY, row.id, int(item)))
        elif slot in known:
            values[slot] = known[slot]()
    return values


def _dated(mailing: Mailing) -> Callable[..., str]:
    """Makes tokens dated on the day of planning; those asked for twice are made once."""
    day = (mailing.planned_at or mailing.created_at).date()
    made: dict[tuple[int, ...], str] = {}

    def token(*bound_to: int) -> str:
        if bound_to not in made:
            made[bound_to] = tokens.make(Purpose(bound_to[0]), *bound_to[1:], made=day)
        return made[bound_to]

    return token


def _signers(setting: Settings) -> tuple[dkim.Signer, ...]:
    """The keys of our domain: the first one signs for all, the second is new, or of another kind.

    While a key is changed for another, copies carry the signatures of both.
    """
    first = setting.dkim_key_file or setting.data / "dkim.pem"
    keys = [(setting.dkim_selector, first)]
    if setting.dkim_second_selector and setting.dkim_second_key_file:
        keys.append((setting.dkim_second_selector, setting.dkim_second_key_file))
    return _signers_with(setting.domain, tuple(keys), setting.dkim_key_file is None)


@lru_cache(maxsize=4)
def _signers_with(
    domain: str, keys: tuple[tuple[str, Path], ...], make_first: bool
) -> tuple[dkim.Signer, ...]:
    if make_first:
        kept_secret(keys[0][1], dkim.new_key)
    return tuple(dkim.Signer(domain, selector, path.read_bytes()) for selector, path in keys)
