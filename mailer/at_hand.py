"""Mail that was just read, at hand for the rooms that come next, so that nobody reads it again.

Whoever brings more than they take up waits a little, or what was read would be pushed out.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping

from message.parse import Message

#: So many are at hand: a batch that is filed, one that waits, and one that comes. Larger mail is
#: read again.
MOST, LARGEST = 600, 1 << 15
#: So many may wait to be taken up before somebody brings more.
MOST_WAITING = 200
#: No one waits for longer; nor where nothing was taken up for so long: that may be done elsewhere.
PATIENCE_SECONDS = 2.0

_lately: OrderedDict[str, Message] = OrderedDict()
_waiting: set[str] = set()
_taken_up = threading.Condition()
_last_taken = -math.inf


def put(sha256: str, message: Message, waits: bool = False) -> None:
    """Have a message at hand, by the digest of its bytes; it may wait to be taken up."""
    if len(message.raw) > LARGEST:
        return
    with _taken_up:
        _lately[sha256] = message
        if waits:
            _waiting.add(sha256)
        while len(_lately) > MOST:
            _waiting.discard(_lately.popitem(last=False)[0])


def take(digests: Mapping[int, str]) -> dict[int, Message]:
    """Those of the messages that are at hand, by their numbers; they stay at hand."""
    global _last_taken
    with _taken_up:
        found = {number: known for number, one in digests.items() if (known := _lately.get(one))}
        if not _waiting.isdisjoint(digests.values()):
            _waiting.difference_update(digests.values())
            _last_taken = time.monotonic()
            _taken_up.notify_all()
    return found


def wait_for_room() -> None:
    """Wait while too many have not been taken up, if somebody is at it."""
    end = time.monotonic() + PATIENCE_SECONDS
    with _taken_up:
        while len(_waiting) > MOST_WAITING:
            left = min(end, _last_taken + PATIENCE_SECONDS) - time.monotonic()
            if left <= 0:
                return
            _taken_up.wait(left)
