"""Which messages belong together: Dovecot's THREAD=REFERENCES (RFC 5256) over the same mailboxes.

Both build the same forest from ids. Where the partitions differ, the difference is explained: each
pair of messages that only one of them joins is joined there by the subject alone, by a form of
In-Reply-To that the other does not read, or across what the other of those joins.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from archive import mailboxes
from archive.threading import CHAIN, SUBJECT, Arrived, Placed, arrange
from tests.corpora.mail import corpus, given
from tests.corpora.test_threads import arrived
from tests.servers.dovecot import Dovecot, dovecot

SOURCES = ("twisted-python-archive", "ponymail-corpus", "spamassassin-ham")


def partition(roots: Mapping[int, int]) -> dict[int, frozenset[int]]:
    """For each message all that belong together with it."""
    groups: dict[int, set[int]] = {}
    for key, root in roots.items():
        groups.setdefault(root, set()).add(key)
    return {key: frozenset(groups[root]) for key, root in roots.items()}


def dovecots(server: Dovecot, messages: list[bytes]) -> dict[int, frozenset[int]]:
    """What the server puts together; the messages are known by a field with their number."""
    for number, raw in enumerate(messages):
        server.deliver(b"X-Number: %d\r\n" % number + raw)
    with server.client() as client:
        numbers: dict[int, int] = {}
        _, found = client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-Number)])")
        for one in found:
            if isinstance(one, tuple):
                uid = re.search(rb"UID (\d+)", one[0])
                named = re.search(rb"X-Number: (\d+)", one[1])
                assert uid is not None
                assert named is not None
                numbers[int(uid[1])] = int(named[1])
        _, (answer,) = client.uid("THREAD", "REFERENCES", "UTF-8", "ALL")
    return partition(_roots(answer.decode(), numbers))


def _roots(answer: str, numbers: Mapping[int, int]) -> dict[int, int]:
    roots: dict[int, int] = {}
    depth, thread = 0, 0
    for token in re.findall(r"[()]|\d+", answer):
        if token == "(":
            thread += depth == 0
            depth += 1
        elif token == ")":
            depth -= 1
        else:
            roots[numbers[int(token)]] = thread
    return roots


def ours(messages: Iterable[Arrived]) -> tuple[dict[int, frozenset[int]], dict[Any, Placed]]:
    """What we put together, and why."""
    places = arrange(messages)
    return partition({int(str(key)): place.tree for key, place in places.items()}), places


class Explained:
    """Why two partitions of the same messages differ, message by message."""

    def __init__(self, messages: list[Arrived], places: dict[Any, Placed]) -> None:
        self._messages, self._places = messages, places
        #: Groups by ids alone: what no subject and no later chain has joined.
        bare = [Arrived(m.key, m.message_id, m.references, m.sent_at) for m in messages]
        self._by_ids, _ = ours(bare)

    def why(self, key: int, theirs: frozenset[int], mine: frozenset[int]) -> str:
        """In words; "" if nothing explains it."""
        extra, missing = theirs - mine, mine - theirs
        if missing and self._joined_here(mine):
            return "we join by the subject of an answer, or by the chain of a later one"
        if extra and self._same_subject(theirs, mine):
            return "they join by the subject: two discussions of one name, or no Re: within a month"
        if missing and not self._by_ids[key] <= theirs:
            return "we read an id in a field that they do not"
        if extra and not theirs <= self._by_ids[key]:
            return "they join by the subject: two discussions of one name, or no Re: within a month"
        return ""

    def _joined_here(self, group: frozenset[int]) -> bool:
        return any(self._places[one].reason in {SUBJECT, CHAIN} for one in group)

    def _same_subject(self, theirs: frozenset[int], mine: frozenset[int]) -> bool:
        topics = {self._messages[one].topic for one in mine}
        return any(self._messages[one].topic in topics for one in theirs - mine)


@pytest.mark.parametrize(("source", "case"), given(SOURCES, "threading"))
def test_dovecot_puts_the_same_together(source: str, case: dict[str, Any], tmp_path: Path) -> None:
    """Every message belongs with the same others, or the difference is explained."""
    if "file" not in case:
        pytest.skip(f"no real mail in {corpus() / source} (MAIL_CORPORA)")
    kept = list(mailboxes.messages_in(corpus() / source / case["file"]))
    seen: set[str] = set()
    raws: list[bytes] = []
    messages: list[Arrived] = []
    for one in kept:
        message = arrived(one, len(messages))
        if message.message_id in seen:
            continue  # of copies of one message any may stand for the others
        seen.add(message.message_id or one.name)
        messages.append(message)
        raws.append(one.raw)
    with dovecot() as server:
        theirs = dovecots(server, raws)
    mine, places = ours(messages)
    assert theirs.keys() == mine.keys()
    explained = Explained(messages, places)
    tally: Counter[str] = Counter()
    for key in mine:
        same = mine[key] == theirs[key]
        tally["same" if same else explained.why(key, theirs[key], mine[key]) or str(key)] += 1
    print(f"\n{case['id']}: {len(messages)} messages, {dict(tally)}")
    unexplained = [why for why in tally if why.isdecimal()]
    assert not unexplained
    assert tally["same"] / len(messages) > 0.5
