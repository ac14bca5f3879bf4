"""Bounces of servers that flufl.bounce knows by their habits."""

import email
import email.policy
import logging

from flufl.bounce import all_failures

from message.bounces import wording
from message.bounces.found import Bounce
from message.parse import Message

LARGEST = 1 << 20
#: It tries each line with some two hundred patterns; what it looks for stands above the copy.
MOST_LINES = 3_000
# It logs whole messages when it stumbles; nothing personal goes into our logs.
logging.getLogger("flufl.bounce").addFilter(lambda record: False)


def read(message: Message) -> list[Bounce]:
    """What flufl.bounce finds; whatever it raises on strange mail counts as nothing found."""
    if not wording.by_server(message) or len(message.raw) > LARGEST:
        return []
    try:
        passing, lasting = all_failures(
            email.message_from_bytes(_beginning(message.raw), policy=email.policy.compat32)
        )
    except Exception:  # noqa: BLE001 - it and the standard library's parser raise nearly anything
        return []
    said, _ = wording.without_copy(wording.text_of(message))
    found = []
    for addresses, delayed in ((lasting, False), (passing, True)):
        for address in sorted(addresses):
            text = address.decode("utf-8", "replace") if isinstance(address, bytes) else address
            if wording.ADDRESS.fullmatch(text):
                found.append(wording.bounce(text, said, delayed))
    return found


def _beginning(raw: bytes) -> bytes:
    return b"".join(raw.splitlines(keepends=True)[:MOST_LINES])
