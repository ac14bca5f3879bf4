"""Outlook's Thread-Index: any value is read without an exception, and ours read as Outlook's do."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from message import thread_index
from message.thread_index import BLOCK, HEADER, MOST_BLOCKS

INDEXES = st.integers(0, MOST_BLOCKS).flatmap(
    lambda blocks: st.binary(min_size=HEADER + blocks * BLOCK, max_size=HEADER + blocks * BLOCK)
)


@given(st.text())
def test_any_text_is_read(value: str) -> None:
    """Junk is no index; what is one is short enough to be kept."""
    index = thread_index.read(value)
    assert index is None or HEADER <= len(index) <= HEADER + MOST_BLOCKS * BLOCK


@given(index=INDEXES, at=st.integers(0, 40))
def test_what_is_written_is_read(index: bytes, at: int) -> None:
    """Folding and blanks do not matter; the id tells the index, and fits its column."""
    value = thread_index.written(index)
    assert thread_index.read(f" {value[:at]}\r\n {value[at:]} ") == index
    told = thread_index.id_of(index)
    assert thread_index.of_id(told) == index
    assert len(told) <= 250


@given(index=INDEXES)
def test_ancestors_are_beginnings(index: bytes) -> None:
    """Each is five octets shorter, down to the conversation; what opens one answers nothing."""
    found = [thread_index.of_id(one) for one in thread_index.ancestors(index)]
    assert found == [index[:end] for end in range(len(index) - BLOCK, HEADER - 1, -BLOCK)]
    assert bool(found) == (len(index) > HEADER)


def test_ours() -> None:
    """An opening has the form of Outlook's; an answer begins with the conversation."""
    opening = thread_index.opening("a@lists.example.org")
    assert (len(opening), opening[0]) == (HEADER, 1)
    answer = thread_index.answering(opening + b"12345", "b@ashford.example")
    assert answer.startswith(opening)
    assert len(answer) == HEADER + BLOCK
    assert thread_index.ancestors(answer) == (thread_index.id_of(opening),)


def test_what_is_no_index() -> None:
    """Too short, of a wrong length, or no base64; a Message-ID tells none. Deep ones are cut."""
    for octets in (b"", b"x" * 21, b"x" * 23):
        assert thread_index.read(base64.b64encode(octets).decode()) is None
    assert thread_index.read("not base64!") is None
    assert thread_index.of_id("a@ashford.example") is None
    assert thread_index.of_id("zz@thread-index.invalid") is None
    deep = thread_index.read(base64.b64encode(b"x" * (HEADER + 100 * BLOCK)).decode())
    assert deep == b"x" * (HEADER + MOST_BLOCKS * BLOCK)
