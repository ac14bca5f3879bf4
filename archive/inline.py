"""Answers that somebody wrote into an unmarked quotation, told by the post that is quoted.

Outlook marks nothing: below "From: ... Sent: ..." the answered post stands as it was, and who
answers point by point writes between its lines. The archive has that post, so its lines are known.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import items, reading
from archive.letters import Letter
from archive.models import Post
from core.among import among
from message import quoting
from message.quoting import Passage
from message.quoting.known import Known

#: Fewer lines than these hold no answer between others.
_LEAST_LINES = 5
_MARKED = re.compile(r"^[ \t]*>", re.MULTILINE)
#: Who answered a digest was told apart by its own words.
_OF_DIGESTS = frozenset({items.QUOTED, items.VISIBLE, items.TITLE, items.ONLY, "answered"})


def told_apart(session: Session, list_id: int, letters: Sequence[Letter]) -> list[Letter]:
    """The letters of a list, those that answer between the lines of a post with these words."""
    unmarked = [_is_unmarked(one) for one in letters]
    parents = {one.references[0] for one, is_so in zip(letters, unmarked, strict=True) if is_so}
    if not parents:
        return list(letters)
    wanted = select(Post).where(Post.list_id == list_id, among(Post.message_id, "ids"))
    quoted = {row.message_id: row for row in session.scalars(wanted, {"ids": parents})}
    return [
        _answering(one, quoted[one.references[0]]) if is_so and one.references[0] in quoted else one
        for one, is_so in zip(letters, unmarked, strict=True)
    ]


def _is_unmarked(letter: Letter) -> bool:
    """Whether a post is answered, and much is quoted in one piece and without marks."""
    if not letter.references or letter.reason.partition(";")[0] in _OF_DIGESTS:
        return False
    quoted = "\n".join(one.text for one in letter.passages if one.kind == "quoted")
    if quoted.count("\n") < _LEAST_LINES or _MARKED.search(quoted):
        return False
    return sum(bool(line.strip()) for line in quoted.splitlines()) >= _LEAST_LINES


def _answering(letter: Letter, post: Post) -> Letter:
    known = Known(["".join(text for _, text in reading.parts_of(post))])
    body = "".join(passage.text for passage in letter.passages)
    passages = tuple(quoting.split(body, known, letter.author))
    return replace(letter, passages=passages) if _adds(letter.passages, passages) else letter


def _adds(before: Sequence[Passage], after: Sequence[Passage]) -> bool:
    """Whether there are more own words now, and none less."""
    kept = set(quoting.own_words(after).splitlines())
    had = set(quoting.own_words(before).splitlines())
    return had < kept
