"""Outlook's Thread-Index: which conversation, and what it answers (MS-OXOMSG §2.2.1.3).

22 octets name the conversation, five more each answer on the way: whose beginning is the index of
another message answers that one. An index is told in the same form as a Message-ID.
"""

import base64
import binascii
import hashlib
import re

HEADER, BLOCK = 22, 5
#: Deeper answers are told as answers at this depth: an id has to fit its column.
MOST_BLOCKS = 18
_DOMAIN = "@thread-index.invalid"
_BLANKS = re.compile(r"\s+")
#: The time in an index of ours is the same for all: the first message of a discussion is known to
#: its answers by its id only.
_TIME = bytes.fromhex("01da3c3e6c00")


def read(value: str) -> bytes | None:
    """The index in a Thread-Index field; None if it is none. Never raises."""
    try:
        index = base64.b64decode(_BLANKS.sub("", value), validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(index) < HEADER or (len(index) - HEADER) % BLOCK:
        return None
    return index[: HEADER + MOST_BLOCKS * BLOCK]


def written(index: bytes) -> str:
    """The value of a Thread-Index field."""
    return base64.b64encode(index).decode()


def opening(message_id: str) -> bytes:
    """The index of a message of ours that opens a discussion."""
    return _TIME + hashlib.sha256(message_id.encode()).digest()[:16]


def answering(conversation: bytes, message_id: str) -> bytes:
    """The index of a message of ours in a conversation that another began."""
    return conversation[:HEADER] + hashlib.sha256(message_id.encode()).digest()[16 : 16 + BLOCK]


def ancestors(index: bytes) -> tuple[str, ...]:
    """The ids of what a message answers, the nearest first; none if it opens a conversation."""
    ends = range(len(index) - BLOCK, HEADER - 1, -BLOCK)
    return tuple(id_of(index[:end]) for end in ends)


def id_of(index: bytes) -> str:
    """An index in the form of a Message-ID."""
    return f"{index.hex()}{_DOMAIN}"


def of_id(message_id: str) -> bytes | None:
    """The index that an id tells; None if it is that of a message."""
    code = message_id.removesuffix(_DOMAIN)
    if code == message_id or not re.fullmatch(r"(?:[0-9a-f]{2})+", code):
        return None
    return bytes.fromhex(code)
