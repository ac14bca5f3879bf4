"""Threading against the answers of others: RFC 5256 cases, JWZ cases, real archives."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archive import mailboxes, threading
from archive.letters import references_of, topic_of
from archive.mailboxes import Kept
from archive.threading import Arrived, Placed, arrange
from message import subject as subjects
from message.parse import parse
from tests.corpora.mail import cases, corpus, given, present

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def arrived(kept: Kept, key: Hashable) -> Arrived:
    """A message of a mailbox in the terms of threading."""
    message = parse(kept.raw)
    return Arrived(
        key,
        message.message_id,
        references_of(message),
        message.date or kept.came or EPOCH,
        topic_of(message.subject),
        subjects.is_reply(message.subject)
        or bool(message.get("In-Reply-To") and not message.in_reply_to),
        message.from_.name if message.from_ else "",
    )


def whole(places: dict[Any, Placed]) -> dict[Any, Any]:
    """Parent of each message, or what is missing above it."""
    return {
        key: placed.parent if placed.parent is not None else (placed.missing and "missing")
        for key, placed in places.items()
    }


def thread_answer(text: str) -> dict[int, Any]:
    """The parents in an IMAP THREAD answer (RFC 5256 §4): "(1 (2 4)(3))"; dummies are missing."""
    parent: dict[int, Any] = {}
    stack: list[Any] = []
    current: Any = None
    for token in re.findall(r"[()]|\d+", text):
        if token == "(":
            stack.append(current)
            # Two parentheses at once: a parent that is not there.
            current = "open" if current == "open" else (current if current is not None else "open")
        elif token == ")":
            current = stack.pop()
        else:
            above = current if isinstance(current, int) else None
            dummy = current == "open" and len(stack) > 1
            parent[int(token)] = "missing" if dummy else above
            current = int(token)
    return parent


@pytest.mark.parametrize("case", cases("imaptest", "threading"), ids=lambda case: case["id"])
def test_rfc_5256_cases(case: dict[str, Any]) -> None:
    """The answers of a server to THREAD=REFERENCES; ORDEREDSUBJECT is not how we thread."""
    expected = case["expected"]
    if expected["algorithm"] != "REFERENCES":
        return
    kept = list(mailboxes.messages_in(corpus() / "imaptest" / case["file"]))
    present = [kept[number - 1] for number in expected["messages_present"]]
    ours = arrange(arrived(one, place) for place, one in enumerate(present, 1))
    wanted = thread_answer(expected["imap_thread_answer"])
    # A lone message below a missing parent stands alone in the answer: the dummy is pruned.
    lone = Counter(placed.tree for placed in ours.values())
    found = {
        key: None if parent == "missing" and lone[ours[key].tree] == 1 else parent
        for key, parent in whole(ours).items()
    }
    assert found == wanted


@pytest.mark.parametrize("case", cases("jwzthreading", "threading"), ids=lambda case: case["id"])
def test_jwz_cases(case: dict[str, Any]) -> None:
    """The minimal cases of a JWZ implementation."""
    data = json.loads((corpus() / "jwzthreading" / case["file"]).read_text())
    messages = [
        Arrived(m["key"], m["message_id"], tuple(reversed(m["references"])), EPOCH)
        for m in data["messages"]
    ]
    found = {
        key: placed.parent if placed.missing is None else f"missing:{placed.missing}"
        for key, placed in arrange(messages).items()
    }
    assert found == case["expected"]["parents"]


def tree_of_subjects(text: str) -> Counter[tuple[str | None, str]]:
    """Pairs (subject of the parent, subject) in a tree drawn with three spaces a level."""
    pairs: Counter[tuple[str | None, str]] = Counter()
    path: list[str] = []
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 3
        name = line.strip()
        del path[depth:]
        above = path[-1] if path else None
        if name != "dummy":
            pairs[(None if above == "dummy" else above, name)] += 1
        path.append(name)
    return pairs


@pytest.mark.parametrize(
    "case",
    [
        one
        for one in cases("mailkit-threading", "threading")
        if not isinstance(one, dict) or "References" in one["id"]
    ],
    ids=lambda case: case["id"],
)
def test_mailkit_case(case: dict[str, Any]) -> None:
    """JWZ's own torture case: loops, doubles, liars; messages in loops must stay reachable."""
    data = json.loads((corpus() / "mailkit-threading" / case["file"]).read_text())
    messages = [
        Arrived(m["key"], m["message_id"], tuple(reversed(m["references"])), EPOCH)
        for m in data["messages"]
    ]
    names = {m["key"]: m["subject"] for m in data["messages"]}
    places = arrange(messages)
    assert set(places) == set(names)
    found = Counter(
        (names[placed.parent] if placed.parent is not None else None, names[key])
        for key, placed in places.items()
    )
    wanted = tree_of_subjects(case["expected"]["tree_by_subject_3_space_indent"])
    in_loops = re.compile(r"Loop([1-3]|[7-9]|10)$")
    assert {pair: n for pair, n in found.items() if not in_loops.match(pair[1])} == dict(wanted)


@cache
def _archive(path: Path) -> list[Arrived]:
    seen: set[str] = set()
    messages = []
    for kept in mailboxes.messages_in(path):
        one = arrived(kept, kept.name)
        if one.message_id not in seen:
            seen.add(one.message_id or kept.name)
            messages.append(one)
    return messages


def why_not_pipermails(message: Arrived, placed: Placed, theirs: str | None) -> str:
    """What shows that our place is right where it is not Pipermail's; "" if nothing does.

    It threads within a month, and joins equal subjects also where nothing says "Re:".
    """
    if placed.parent in message.references:
        nearer = message.references.index(str(placed.parent))
        if theirs not in message.references[:nearer]:
            return "the message names our parent (Pipermail's is farther, or of a subject alone)"
    if placed.parent is None and not message.is_reply and theirs not in message.references:
        return "it names nobody and does not say to be an answer: an equal subject joins nothing"
    return ""


def test_agreement_with_pipermail() -> None:
    """Ten months of a developers' list: >= 98 % of Pipermail's parents, or ours is shown right."""
    months = present("twisted-python-archive", "threading")
    folder = corpus() / "twisted-python-archive"
    everything = {
        m.message_id: Arrived(
            m.message_id, m.message_id, m.references, m.sent_at, m.topic, m.is_reply, m.author
        )
        for case in months
        for m in _archive(folder / case["file"])
        if m.message_id
    }
    ours = arrange(everything.values())
    tally: Counter[str] = Counter()
    for case in months:
        answers = json.loads((folder / case["expected"]["files"]["pipermail_threads"]).read_text())
        for answer in answers.values():
            message = everything.get(answer["message_id"])
            if message is None:
                tally["no Message-ID"] += 1
                continue
            placed, theirs = ours[message.key], answer["parent_message_id"]
            shown = "same" if placed.parent == theirs else ""
            tally[shown or why_not_pipermails(message, placed, theirs) or "otherwise"] += 1
    print(f"\nPipermail: {dict(tally)}")
    assert tally["same"] / (tally["same"] + tally["otherwise"]) >= 0.98
    assert tally["same"] / tally.total() > 0.9


@pytest.mark.parametrize(
    ("source", "case"),
    given(("ponymail-corpus", "spamassassin-ham", "twisted-python-archive"), "threading"),
)
def test_parents_in_real_archives(source: str, case: dict[str, Any]) -> None:
    """Whoever names a message that is there hangs below it; no message goes missing; and the
    file read backwards gives the same."""
    messages = _archive(corpus() / source / case["file"])
    places = arrange(messages)
    assert len(places) == len(messages)
    backwards = arrange(reversed(messages))
    assert {k: p.parent for k, p in places.items()} == {k: p.parent for k, p in backwards.items()}
    by_id = {m.message_id: m.key for m in messages if m.message_id}
    wrong = []
    for message in messages:
        nearest = next((by_id[one] for one in message.references if one in by_id), None)
        if nearest not in (None, message.key) and places[message.key].parent != nearest:
            wrong.append(message.message_id)
    reasons = Counter(placed.reason for placed in places.values())
    print(f"\n{case['id']}: {len(messages)} messages, {dict(reasons)}, cut: {len(wrong)}")
    assert len(wrong) <= len(messages) // 500
    assert threading.NEW in reasons
