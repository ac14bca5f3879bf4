"""Signed tokens that fit an address: lower case, short, bound to a purpose and to ids.

A token is base32 (RFC 4648 §6, lower-cased, unpadded) over a key id, a purpose, the day it was
made, the ids it is bound to, and a 128-bit HMAC-SHA256 of all that. With two ids it has some 43
characters, so that list, separator and token fit the 64 octets of a local part
(RFC 5321 §4.5.3.1.1). Mail systems may change the case of a local part: reading folds it.
"""

import base64
import datetime as dt
import enum
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from core import clock, settings

_EPOCH = dt.date(2024, 1, 1)
_MAC_BYTES = 16
_SIGNS = "abcdefghijklmnopqrstuvwxyz234567"
_TWO_SIGNS = [first + second for first in _SIGNS for second in _SIGNS]
_ONE_BYTE = [bytes((number,)) for number in range(0x80)]
_KEY_ID = 1
#: The day of tokens that must stay the same for the life of what they belong to (RSVP): such a
#: token does not age, what it points to ends.
UNDATED = _EPOCH
#: A monthly digest is answered weeks later; a calendar answer months later.
LONG_LIFE = dt.timedelta(days=3 * 365)


class Purpose(enum.IntEnum):
    """What a token is good for; the ids each is bound to stand behind it."""

    BOUNCE = 1  # delivery
    REPLY = 2  # delivery (of any mailing with a discussion), item number (0: the whole of it)
    LEAVE = 3  # person, list
    CONFIRM = 4  # join request
    RSVP = 5  # person, meeting
    SIGN_IN = 6  # sign-in
    FEED = 7  # person, list
    PREFERENCES = 8  # person
    AUTHOR = 9  # person, list: the same for each copy of what they write there


@dataclass(frozen=True, slots=True)
class Token:
    """What a genuine token says."""

    purpose: Purpose
    ids: tuple[int, ...]
    made: dt.date


class BadToken(ValueError):
    """Not a token of ours, altered, for another purpose, or too old."""


def make(purpose: Purpose, *ids: int, made: dt.date | None = None) -> str:
    """A token for a purpose, bound to non-negative ids, dated today or `made`."""
    days = (made or clock.now().date()).toordinal() - _EPOCH.toordinal()
    body = b"".join([bytes((_KEY_ID, purpose)), *map(_varint, (days, *ids))])
    return _base32(body + _mac(body))


def read(text: str, purpose: Purpose, life: dt.timedelta = LONG_LIFE) -> Token:
    """What a token of that purpose says; raises BadToken if it is none, forged or too old."""
    token = read_any(text, life)
    if token.purpose is not purpose:
        raise BadToken("this link or address was made for something else")
    return token


def read_any(text: str, life: dt.timedelta = LONG_LIFE) -> Token:
    """What a token of any purpose says; raises BadToken if it is none, forged or too old."""
    padded = text.strip().upper()
    try:
        raw = base64.b32decode(padded + "=" * (-len(padded) % 8))
    except ValueError:
        raise BadToken("this is not a complete link or address of ours") from None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(body) < 3 or not hmac.compare_digest(mac, _mac(body)):
        raise BadToken("this link or address is not genuine or not complete")
    numbers = _numbers(body[2:])
    made = _EPOCH + dt.timedelta(days=numbers[0])
    if made != UNDATED and clock.now().date() - made > life:
        raise BadToken("this link or address is too old")
    return Token(Purpose(body[1]), tuple(numbers[1:]), made)


def random_secret() -> str:
    """A fresh secret of 128 bits, for cookies."""
    return secrets.token_hex(16)


def digest_of(secret: str) -> str:
    """What is stored in place of a secret, so that the database holds nothing usable."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _mac(body: bytes) -> bytes:
    return hmac.digest(settings.current().key(), b"token:" + body, "sha256")[:_MAC_BYTES]


def _base32(data: bytes) -> str:
    """RFC 4648 §6 in lower case and unpadded: ten bits, two signs at a time."""
    signs = -(-len(data) * 8 // 5)
    bits = int.from_bytes(data, "big") << (10 - len(data) * 8 % 10) % 10
    shifts = range((signs - 1) // 2 * 10, -1, -10)
    return "".join([_TWO_SIGNS[bits >> shift & 1023] for shift in shifts])[:signs]


def _varint(number: int) -> bytes:
    if number < 0x80:
        return _ONE_BYTE[number]
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(data: bytes) -> list[int]:
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(value)
            value = shift = 0
    return numbers
