"""What was read stays at hand for those who take it up, and who brings too much waits for them."""

import threading
import time
from collections.abc import Iterator

import pytest

from core import database
from mailer import at_hand, inbox
from message.parse import Message, parse


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing at hand, and nobody at work."""
    monkeypatch.setattr(at_hand, "_last_taken", float("-inf"))
    monkeypatch.setattr(at_hand, "PATIENCE_SECONDS", 0.5)
    at_hand._lately.clear()
    at_hand._waiting.clear()
    yield
    at_hand._lately.clear()
    at_hand._waiting.clear()


def message(number: int, size: int = 10) -> Message:
    """A message unlike all others."""
    return parse(f"Subject: {number}\r\n\r\n{'x' * size}\r\n".encode())


def bring(count: int, first: int = 0) -> None:
    """Have so many wait."""
    for number in range(first, first + count):
        at_hand.put(f"d{number}", message(number), waits=True)


def waited() -> float:
    """How long whoever brings more has to wait, in seconds."""
    began = time.monotonic()
    at_hand.wait_for_room()
    return time.monotonic() - began


def test_what_is_taken_up_stays_at_hand() -> None:
    """Sorting and filing both take it; the oldest go when there are too many, and large ones."""
    bring(at_hand.MOST)
    assert at_hand.take({7: "d0", 8: "none"}).keys() == {7}
    assert at_hand.take({7: "d0"})[7].subject == "0"
    bring(1, at_hand.MOST)
    assert not at_hand.take({7: "d0"})
    at_hand.put("large", message(1, at_hand.LARGEST))
    assert not at_hand.take({1: "large"})


def test_nobody_waits_for_a_worker_elsewhere() -> None:
    """Where nothing is ever taken up, or nothing any more, mail comes in all the same."""
    bring(at_hand.MOST)
    assert waited() < 0.2
    at_hand.take({0: "d0"})
    time.sleep(at_hand.PATIENCE_SECONDS)
    assert waited() < 0.2


def test_who_brings_more_waits_for_those_who_take() -> None:
    """Until few enough wait; never longer than patience lasts."""
    bring(at_hand.MOST_WAITING + 2)
    at_hand.take({0: "d0"})
    later = threading.Timer(0.1, at_hand.take, ({1: "d1"},))
    later.start()
    assert 0.05 < waited() < at_hand.PATIENCE_SECONDS
    later.join()
    assert waited() < 0.05
    bring(1, at_hand.MOST)
    assert waited() <= at_hand.PATIENCE_SECONDS + 0.2


def test_what_is_known_or_stuck_waits_for_nobody(db: str) -> None:
    """Only what will be sorted does."""
    letters = {uid: f"Subject: {uid}\r\n\r\nx\r\n".encode() for uid in range(1, 5)}
    read = {uid: parse(raw) for uid, raw in letters.items()}

    def keep(uids: list[int], validity: int = 1, junk: bool = False) -> None:
        with database.transaction() as session:
            messages = [(uid, letters[uid]) for uid in uids]
            box = "me/Junk" if junk else "me/INBOX"
            some = {uid: read[uid] for uid in uids}
            inbox.keep_many(session, box, validity, messages, "me", junk=junk, read=some)

    keep([1, 2])
    assert len(at_hand._waiting) == 2
    at_hand._waiting.clear()
    keep([1, 2], validity=2)
    keep([3, 4], junk=True)
    assert not at_hand._waiting
