"""Who answers whom: the same messages give the same forest, in whatever order they came.

The shape is that of RFC 5256 §3 (REFERENCES, after Jamie Zawinski), with three differences.
Messages are taken in the order of their dates, not of their arrival, so the result is a function
of the set. A message hangs below the nearest of its references that is there. And subjects join
only what says itself to be an answer: two discussions of the same name stay two.
"""

import datetime as dt
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

#: An answer that names no message may join a discussion of its subject that is not older.
WINDOW = dt.timedelta(days=30)
#: So many messages of a subject are looked at, the newest first.
MOST_NAMESAKES = 100

PARENT = "in-reply-to"  # the nearest reference is here
ANCESTOR = "references"  # a farther one is
INDEX = "thread-index"  # Outlook tells the conversation, and nobody a message
MISSING = "missing parent"  # none is, but others may name the same
CHAIN = "chain"  # what it answers is told by the references of later messages
SUBJECT = "subject"
NEW = "new"
MOVED = "moved"  # a person said so

_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What threading needs to know of a message; `references` are nearest first.

    `topic` is the subject without its prefixes, `is_reply` whether it had one. Of a `pinned`
    message somebody knows the place: its references are all there is to say. By its `index` others
    may name it too, that know no Message-ID.
    """

    key: Hashable
    message_id: str | None
    references: tuple[str, ...] = ()
    sent_at: dt.datetime | None = None
    topic: str = ""
    is_reply: bool = False
    author: str = ""
    pinned: bool = False
    index: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a message stands: its parent, or the Message-ID of the parent that is missing.

    `tree` is the same for all messages of a discussion, and `top` the Message-ID above all of
    them, whether or not that message is there.
    """

    key: Hashable
    parent: Hashable | None
    missing: str | None
    reason: str
    tree: int
    top: str | None


def arrange(
    messages: Iterable[Arrived], moved: Mapping[str, str] | None = None
) -> dict[Hashable, Placed]:
    """Place every message; the same set gives the same places, by key.

    Nothing is left out: of messages with the same Message-ID the earliest is the one that
    others refer to, and the rest stand where their own references put them. `moved` is what
    people said: below which Message-ID a message stands, or that it opens a discussion ("").
    """
    return {placed.key: placed for placed in _grown(messages, moved).places()}


def branch(
    messages: Iterable[Arrived], moved: Mapping[str, str] | None, message_id: str
) -> set[Hashable]:
    """The keys of the messages at and below a Message-ID, whether or not that one is there."""
    return _grown(messages, moved).branch(message_id)


def _grown(messages: Iterable[Arrived], moved: Mapping[str, str] | None) -> "_Forest":
    forest = _Forest(sorted(messages, key=_age))
    forest.link_references()
    forest.link_chains()
    forest.link_subjects()
    if moved:
        forest.move(moved)
    return forest


def discussions(places: Mapping[Hashable, Placed]) -> list[list[Hashable]]:
    """The keys of each discussion, earliest discussion and earliest message first."""
    trees: dict[int, list[Hashable]] = {}
    for key, placed in places.items():
        trees.setdefault(placed.tree, []).append(key)
    return list(trees.values())


def nearest_first(in_reply_to: Sequence[str], references: Sequence[str]) -> tuple[str, ...]:
    """All ids that a message names, the likeliest parent first, each once.

    `references` are oldest first, as in the header. RFC 5322 §3.6.4: In-Reply-To names what is
    answered; where it names several, the one that References ends with is meant.
    """
    first = in_reply_to if len(in_reply_to) == 1 else ()
    return tuple(dict.fromkeys((*first, *reversed(references), *in_reply_to)))


def _age(message: Arrived) -> tuple[dt.datetime, str, str]:
    return (message.sent_at or _NEVER, message.message_id or "", repr(message.key))


@dataclass(slots=True)
class _Forest:
    """Nodes are numbers: those of messages by age, then those of ids that nobody has seen."""

    messages: list[Arrived]
    node_of: dict[str, int] = field(default_factory=dict)
    ids: list[str | None] = field(default_factory=list)
    parent: dict[int, int] = field(default_factory=dict)
    has_children: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for node, message in enumerate(self.messages):
            self.ids.append(message.message_id)
            if message.message_id:
                self.node_of.setdefault(message.message_id, node)
        for node, message in enumerate(self.messages):
            if message.index:
                self.node_of.setdefault(message.index, node)

    def is_ghost(self, node: int) -> bool:
        return node >= len(self.messages)

    def node(self, message_id: str) -> int:
        """The node of an id; a ghost if no message has it."""
        found = self.node_of.get(message_id)
        if found is None:
            found = self.node_of[message_id] = len(self.ids)
            self.ids.append(message_id)
        return found

    def root(self, node: int) -> int:
        while node in self.parent:
            node = self.parent[node]
        return node

    def link(self, child: int, parent: int) -> bool:
        """Hang `child` below `parent`, unless it would become its own ancestor."""
        if child == parent:
            return False
        # Only what has children can be above its parent; so long chains cost nothing.
        if child in self.has_children and self.root(parent) == self.root(child):
            return False
        self.parent[child] = parent
        self.has_children.add(parent)
        return True

    def link_references(self) -> None:
        """Hang each message below the nearest of its references that is here, else a ghost."""
        for node, message in enumerate(self.messages):
            there = [self.node_of.get(one) for one in message.references]
            for position, parent in enumerate(there):
                if parent is not None and not self.is_ghost(parent) and self.link(node, parent):
                    by_index = self.messages[parent].message_id != message.references[position]
                    self.reasons[node] = INDEX if by_index else ANCESTOR if position else PARENT
                    break
            else:
                self._link_ghost(node, message)

    def _link_ghost(self, node: int, message: Arrived) -> None:
        for one in message.references:
            parent = self.node(one)
            if self.is_ghost(parent):
                if self.link(node, parent):
                    self.reasons[node] = MISSING
                return

    def link_chains(self) -> None:
        """Learn from the references of others what ghosts answer, and answers that do not say."""
        for message in self.messages:
            if message.pinned:
                continue
            for newer, older in zip(message.references, message.references[1:], strict=False):
                node = self.node(newer)
                if node in self.parent or not self._leaves_open(node):
                    continue
                if self.link(node, self.node(older)):
                    self.reasons[node] = CHAIN

    def _leaves_open(self, node: int) -> bool:
        if self.is_ghost(node):
            return True
        message = self.messages[node]
        return message.is_reply and not message.references and not message.pinned

    def link_subjects(self) -> None:
        """Join answers whose parent nobody knows to a recent discussion of their subject."""
        same: dict[str, list[int]] = {}
        for node, message in enumerate(self.messages):
            if message.topic and message.sent_at is not None:
                same.setdefault(message.topic, []).append(node)
        seen: set[int] = set()
        for node, message in enumerate(self.messages):
            top = self._orphan_above(node)
            if top is None or top in seen:
                continue
            seen.add(top)
            says_so = message.is_reply and message.sent_at is not None and not message.pinned
            if says_so and len(same.get(message.topic, ())) > 1:
                self._link_subject(node, top, same[message.topic])

    def _orphan_above(self, node: int) -> int | None:
        """The top of the tree in which this is the first message, with only ghosts above it."""
        top = node
        while top in self.parent:
            top = self.parent[top]
            if not self.is_ghost(top):
                return None
        return top

    def _link_subject(self, node: int, top: int, same: Sequence[int]) -> None:
        message = self.messages[node]
        recent: dict[int, None] = {}  # the latest discussions of the subject, the newest first
        before = bisect_left(same, node)
        for other in reversed(same[max(0, before - MOST_NAMESAKES) : before]):
            if _sent(message) - _sent(self.messages[other]) > WINDOW:
                break
            recent[self.root(other)] = None
        recent.pop(top, None)
        if recent:
            tree = self._likeliest(recent, message.author, same[:before])
            parent = next(other for other in same if self.root(other) == tree)
            if self.link(top, parent):
                self.reasons[node] = SUBJECT

    def _likeliest(self, recent: Iterable[int], author: str, same: Sequence[int]) -> int:
        """The discussion in which the author has written of it before, else the newest."""
        trees = list(recent)
        if author and len(trees) > 1:
            for other in reversed(same):
                if self.messages[other].author == author and self.root(other) in trees:
                    return self.root(other)
        return trees[0]

    def move(self, moved: Mapping[str, str]) -> None:
        """Take branches to where people said that they belong; all else stays as it was.

        What people said is linked first: where a message that came later would make a circle of
        it, that message gives way.
        """
        grown = self.parent
        self.parent, self.has_children = {}, set()
        for message_id, below in sorted(moved.items()):
            node = self.node(message_id)
            self.moved.add(node)
            if below:
                self.link(node, self.node(below))
        for node in sorted(grown.keys() - self.moved):
            if not self.link(node, grown[node]):
                self.reasons.pop(node, None)
        self.reasons.update(dict.fromkeys(self.moved, MOVED))

    def branch(self, message_id: str) -> set[Hashable]:
        """The keys of messages at and below an id."""
        inside = {self.node_of.get(message_id): True}
        for start in range(len(self.messages)):
            path, node = [], start
            while node not in inside and node in self.parent:
                path.append(node)
                node = self.parent[node]
            found = inside.setdefault(node, False)
            inside.update(dict.fromkeys(path, found))
        return {one.key for node, one in enumerate(self.messages) if inside[node]}

    def places(self) -> Iterator[Placed]:
        """Every message with its parent, over ghosts that stand between."""
        trees: dict[int, int] = {}
        for node, message in enumerate(self.messages):
            above = self.parent.get(node)
            missing = self.ids[above] if above is not None and self.is_ghost(above) else None
            with_ghost = False
            while above is not None and self.is_ghost(above):
                with_ghost = with_ghost or above in self.moved
                above = self.parent.get(above)
            tree = self._tree(node, trees)
            yield Placed(
                key=message.key,
                parent=None if above is None else self.messages[above].key,
                missing=missing,
                reason=MOVED if with_ghost else self._reason(node, above),
                tree=tree,
                top=self.ids[tree],
            )

    def _reason(self, node: int, above: int | None) -> str:
        reason = self.reasons.get(node, NEW)
        if reason == MISSING and above is not None:
            return CHAIN
        return reason

    def _tree(self, node: int, known: dict[int, int]) -> int:
        path = []
        while node in self.parent and node not in known:
            path.append(node)
            node = self.parent[node]
        top = known.get(node, node)
        known.update(dict.fromkeys(path, top))
        return top


def _sent(message: Arrived) -> dt.datetime:
    assert message.sent_at is not None
    return message.sent_at
