"""A copy: the mould of a mailing filled for one recipient, signed, and ready for the wire.

Everything that differs between copies follows from the delivery's row and from ids, and tokens are
dated on the day of planning: the same copy is the same bytes however often it is made.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core import addresses, links, settings, tokens
from core.settings import kept_secret
from core.tokens import Purpose
from mailer.models import Delivery, Mailing
from message import dkim
from message.mould import Mould


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes on the wire for one copy."""

    delivery_id: int
    mail_from: str
    rcpt_to: str
    data: bytes


def copy_of(mailing: Mailing, delivery: Delivery, list_name: str | None) -> Envelope:
    """The signed copy of a mailing for one recipient; `list_name` is None for office mail.

    Raises message.mould.EmptySlot if a slot has no value, message.headers.BadHeader if a value
    does not fit its header field, and ValueError if the mailing has no mould or no usable key.
    """
    if mailing.mould is None:
        raise ValueError("this mailing has no mould: plan it first")
    mould, slots = _mould(mailing.mould)
    values = values_of(mailing, delivery, list_name, slots)
    data = _signer().sign(mould.fill(values))
    bounces_to = addresses.of(list_name, _token(mailing, Purpose.BOUNCE, delivery.id))
    return Envelope(delivery.id, bounces_to, delivery.address, data)


def values_of(
    mailing: Mailing, delivery: Delivery, list_name: str | None, slots: frozenset[str]
) -> dict[str, str]:
    """What fills the given slots of a copy; a slot that nothing fills is left out."""
    given: dict[str, str] = json.loads(delivery.slots)
    person, list_id, about = delivery.person_id or 0, mailing.list_id or 0, mailing.about or 0

    def dated(purpose: Purpose, *ids: int) -> str:
        return _token(mailing, purpose, *ids)

    def rsvp() -> str:
        return tokens.make(Purpose.RSVP, person, about, made=tokens.UNDATED)

    known: dict[str, Callable[[], str]] = {
        "address": lambda: delivery.address,
        "leave_url": lambda: links.leave(dated(Purpose.LEAVE, person, list_id)),
        "leave_address": lambda: addresses.of(list_name, dated(Purpose.LEAVE, person, list_id)),
        "rsvp_url": lambda: links.rsvp(rsvp()),
        "organizer": lambda: addresses.of(list_name, rsvp()),
        "bounce_address": lambda: addresses.of(list_name, dated(Purpose.BOUNCE, delivery.id)),
        "feed_url": lambda: links.page(f"/feeds/{dated(Purpose.FEED, person, list_id)}"),
    }
    values: dict[str, str] = {}
    for slot in slots:
        name, _, item = slot.partition(":")
        if slot in given:
            values[slot] = given[slot]
        elif name == "reply_address" and item.isdecimal():
            token = dated(Purpose.REPLY, delivery.id, int(item))
            values[slot] = addresses.of(list_name, token)
        elif slot in known:
            values[slot] = known[slot]()
    return values


def _token(mailing: Mailing, purpose: Purpose, *ids: int) -> str:
    day = (mailing.planned_at or mailing.created_at).date()
    return tokens.make(purpose, *ids, made=day)


@lru_cache(maxsize=16)
def _mould(raw: bytes) -> tuple[Mould, frozenset[str]]:
    mould = Mould.from_bytes(raw)
    return mould, mould.slots()


def _signer() -> dkim.Signer:
    setting = settings.current()
    path = setting.dkim_key_file
    if path is None:
        path = setting.data / "dkim.pem"
        kept_secret(path, dkim.new_key)
    return _signer_with(setting.domain, setting.dkim_selector, path)


@lru_cache(maxsize=4)
def _signer_with(domain: str, selector: str, path: Path) -> dkim.Signer:
    return dkim.Signer(domain, selector, path.read_bytes())
