"""Putting letters into the archive: posts, what they refer to, attachments and the search index.

The same letter twice is once; another one under a Message-ID that is taken is kept apart.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import Integer, Table, bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from archive import inline, search, weaving
from archive.letters import Letter, another_id, readable
from archive.models import Attachment, Blob, Post, PostState, Reference, Thread
from archive.weaving import Woven
from core import clock, database, rows
from core.among import among

# Statements of the way that every post takes are built once, on bare tables.
_post = cast(Table, Post.__table__)
_p = _post.c
_WRITE = insert(_post)
_REFER = {
    name: insert(cast(Table, Reference.__table__)).from_select(
        ["post_id", "position", "message_id"],
        select(named.c.post_id, named.c.position, named.c.message_id),
    )
    for name, named in rows.given("message_id", "post_id position").items()
}
_UNDER = select(_p.message_id, _p.id, _p.sent_at, _p.subject).where(
    _p.list_id == bindparam("of_list", type_=Integer()),
    among(_p.message_id, "ids"),
)


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a letter: `filed`, `held` or `duplicate` (of the post it names)."""

    outcome: str
    post_id: int
    message_id: str


def put(session: Session, list_id: int, letters: Sequence[Letter]) -> list[Filed]:
    """File letters of a list; held ones stay out of all threads. What became of each, in order."""
    outcomes = sort_out(session, list_id, inline.told_apart(session, list_id, letters))
    ids = write(session, list_id, [one for one in outcomes if isinstance(one, Letter)])
    filed = []
    for outcome in outcomes:
        if isinstance(outcome, Letter):
            word = "held" if outcome.held_why else "filed"
            filed.append(Filed(word, ids[outcome.message_id], outcome.message_id))
        else:
            post_id = outcome.post_id or ids[outcome.message_id]
            filed.append(replace(outcome, post_id=post_id))
    return filed


def sort_out(session: Session, list_id: int, letters: Sequence[Letter]) -> list[Filed | Letter]:
    """For each letter: the post of which it is a copy, or the letter that is to be written.

    Of a copy of another letter of the same sequence the post is not known yet (0).
    """
    session.flush()
    weaving.take_turns(session, list_id)
    known = _known(session, list_id, letters)
    outcomes: list[Filed | Letter] = []
    for letter in letters:
        outcome = _place_on_shelf(letter, known)
        if isinstance(outcome, Letter):
            known[outcome.message_id] = _Known(0, outcome.sent_at.isoformat(), outcome.subject)
        outcomes.append(outcome)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Known:
    post_id: int
    sent_at: str
    subject: str


def _known(session: Session, list_id: int, letters: Sequence[Letter]) -> dict[str, _Known]:
    """What is on the shelf under the ids of letters, and under those that copies would get."""
    known = _under(session, list_id, {letter.message_id for letter in letters})
    times = Counter(letter.message_id for letter in letters)
    twice = [one for one in letters if one.message_id in known or times[one.message_id] > 1]
    return known | _under(session, list_id, {_apart(letter) for letter in twice})


def _under(session: Session, list_id: int, ids: set[str]) -> dict[str, _Known]:
    if not ids:
        return {}
    return {
        row.message_id: _Known(row.id, row.sent_at.isoformat(), row.subject)
        for row in session.connection().execute(_UNDER, {"of_list": list_id, "ids": ids})
    }


def _place_on_shelf(letter: Letter, known: dict[str, _Known]) -> Filed | Letter:
    """The letter, under an id of its own if need be; or the post that it is a copy of.

    Copies of one message differ in trace fields and in what lists added below, never in date
    and subject.
    """
    there = known.get(letter.message_id)
    if there is None:
        return letter
    same_date = not letter.dated or there.sent_at == letter.sent_at.isoformat()
    if same_date and there.subject == letter.subject:
        return Filed("duplicate", there.post_id, letter.message_id)
    message_id = _apart(letter)
    if message_id in known:  # the id is made from the content
        return Filed("duplicate", known[message_id].post_id, message_id)
    return replace(letter, message_id=message_id)


def _apart(letter: Letter) -> str:
    content = f"{letter.sent_at.isoformat()}\n{letter.subject}\n{letter.own_words()}"
    return another_id(letter.message_id, hashlib.sha256(content.encode()).hexdigest()[:10])


def write(session: Session, list_id: int, letters: Sequence[Letter]) -> dict[str, int]:
    """Write new letters and weave them in; returns the posts by Message-ID."""
    if not letters:
        return {}
    woven = weaving.weave(session, list_id, [one.leaf() for one in letters if not one.held_why])
    numbers = database.next_ids(session, _post, len(letters))
    ids = {letter.message_id: number for letter, number in zip(letters, numbers, strict=True)}
    places = weaving.places(woven, ids)
    for one in letters:
        if one.held_why:
            places[one.message_id] = (_aside(session, list_id), None, one.reason)
    words = {one.message_id: one.own_words() for one in letters}
    posts = [
        _row(ids[one.message_id], list_id, one, places[one.message_id], words[one.message_id])
        for one in _parents_first(letters, woven)
    ]
    session.connection().execute(_WRITE, posts)
    _write_references(session, letters, ids)
    _write_attachments(session, letters, ids)
    search.index_rows(
        session,
        [
            search.row(
                ids[one.message_id], one.subject, one.author, one.organisation,
                words[one.message_id],
            )
            for one in letters
            if not one.held_why
        ],
    )  # fmt: skip
    weaving.settle(session, woven, places)
    return ids


def _parents_first(letters: Sequence[Letter], woven: Woven) -> list[Letter]:
    """Letters in an order in which each stands behind the one that it answers."""
    by_id = {one.message_id: one for one in letters}
    ordered: dict[str, Letter] = {}
    for message_id in by_id:
        chain = []
        here: str | None = message_id
        while here is not None and here in by_id and here not in ordered:
            chain.append(here)
            here = woven.parent.get(here)
        ordered |= {one: by_id[one] for one in reversed(chain)}
    return list(ordered.values())


def _aside(session: Session, list_id: int) -> int:
    """A thread of its own, not to be seen, for a post that waits for a moderator."""
    thread = Thread(
        list_id=list_id, subject="", started_at=clock.now(), last_at=clock.now(), posts=0
    )
    session.add(thread)
    session.flush()
    return thread.id


def _row(
    post_id: int, list_id: int, letter: Letter, place: weaving.Place, own_words: str
) -> dict[str, object]:
    thread_id, parent_id, reason = place
    return {
        "id": post_id, "list_id": list_id, "thread_id": thread_id, "parent_id": parent_id,
        "reason": reason,
        "message_id": letter.message_id, "person_id": letter.person_id, "author": letter.author,
        "organisation": letter.organisation, "subject": letter.subject, "topic": letter.topic,
        "is_reply": letter.is_reply, "sent_at": letter.sent_at,
        "received_at": letter.received_at, "incoming_id": letter.incoming_id,
        "mailing_id": letter.mailing_id, "own_words": own_words,
        "parts": letter.parts(), "html": letter.html, "held_why": letter.held_why,
        "state": PostState.HELD if letter.held_why else PostState.FILED,
    }  # fmt: skip


def _write_references(session: Session, letters: Sequence[Letter], ids: dict[str, int]) -> None:
    named = [
        {"post_id": ids[letter.message_id], "position": position, "message_id": message_id}
        for letter in letters
        for position, message_id in enumerate(letter.references)
    ] + [
        {"post_id": ids[one.message_id], "position": Reference.OWN_INDEX, "message_id": one.index}
        for one in letters
        if one.index
    ]
    if named:
        connection = session.connection()
        connection.execute(_REFER[connection.dialect.name], {"rows": rows.handed(named)})


def _write_attachments(session: Session, letters: Sequence[Letter], ids: dict[str, int]) -> None:
    blobs: dict[str, dict[str, object]] = {}
    files = []
    for letter in letters:
        for file in letter.attachments:
            blobs[file.sha256] = {"sha256": file.sha256, "content": file.content}
            files.append(
                {
                    "post_id": ids[letter.message_id],
                    "name": _file_name(file.name),
                    "type": file.type[:127],
                    "size": file.size,
                    "sha256": file.sha256,
                }
            )
    if not files:
        return
    make = insert_on_postgresql if database.on_postgresql(session) else insert_on_sqlite
    session.execute(make(Blob).on_conflict_do_nothing(), list(blobs.values()))
    session.execute(insert(Attachment), files)


def _file_name(name: str) -> str:
    return readable(name)[:255] or "attachment"
