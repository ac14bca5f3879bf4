"""Copies of every kind of mail as they go on the wire: composed, filled and signed."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache

from core import clock, settings
from mailer import copies
from mailer.models import Mailing
from mailings import kinds, samples
from message import dkim
from message.compose import Draft
from message.mould import Mould, build
from message.parse import Message, parse
from tests.mailings import golden

SELECTOR = "folkmoot"
DOMAIN = "lists.example.org"


@dataclass(frozen=True)
class Row:
    """One reader: what of a delivery's row decides the bytes of a copy."""

    id: int = 7
    person_id: int | None = 3
    address: str = "jane.doe@swindon.example"
    name: str | None = "Jane Doe"
    slots: str | None = None


def envelope(kind: str, row: Row | None = None) -> copies.Envelope:
    """A copy of a kind and what goes around it, made as the worker makes it."""
    reader = row or Row()
    return made_of(
        _stored(kind),
        reader if kinds.ALL[kind].named else replace(reader, name=None),
    )


@cache
def _stored(kind: str) -> bytes:
    """The mould of a kind as it is stored, with an id of our domain."""
    return mould_of(kind).to_bytes().replace(b"@mail.invalid", f"@{DOMAIN}".encode())


def made_of(mould: bytes, row: Row) -> copies.Envelope:
    """A copy from a stored mould."""
    mailing = Mailing(
        id=12, list_id=1, about=4, mould=mould, created_at=dt.datetime(2027, 2, 2, tzinfo=dt.UTC)
    )
    return copies.Press(mailing, "ai-network").copy(row)


def wire(kind: str, row: Row | None = None) -> bytes:
    """The bytes of a copy as the reader's server stores them: without doubled dots."""
    return unstuffed(bytes(envelope(kind, row).data))


def unstuffed(data: bytes) -> bytes:
    """What a server makes of the bytes after DATA (RFC 5321 §4.5.2)."""
    return b"\r\n".join(line[line.startswith(b"..") :] for line in data.split(b"\r\n"))


def letter(kind: str, row: Row | None = None) -> Message:
    """A copy as its reader's program reads it."""
    return parse(wire(kind, row))


def written(draft: Draft, row: Row | None = None) -> bytes:
    """A copy of a message that no kind makes."""
    return unstuffed(bytes(made_of(build(draft).to_bytes(), row or Row()).data))


def mould_of(kind: str) -> Mould:
    """The mould of a kind's sample."""
    with clock.turned(golden.MOMENT):
        return samples.sample(kind).rendered.mould


def public_record() -> bytes:
    """The DNS record of the key that signed, made by ourselves from the private one."""
    setting = settings.current()
    return dkim.dns_record(
        (setting.dkim_key_file or setting.data / "dkim.pem").read_bytes()
    ).encode()
