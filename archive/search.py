"""Finding what was said: FTS5 on SQLite and tsvector on PostgreSQL behind one function.

Who may read is part of the same query, so that not even a count tells of what is hidden.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import REGCONFIG
from sqlalchemy.orm import Session
from sqlalchemy.sql import cast

from archive import access, query
from archive.models import Attachment, Post, PostState
from archive.query import Query
from core import database, settings
from core.rows import handed
from subscribers.models import MailingList

#: More of a post is not indexed: PostgreSQL's documents end at 1 MB.
LONGEST = 200_000
_OPEN, _CLOSE = "\x02", "\x03"
_SNIPPET_WORDS = 30
_BEGINNING = 200
_WORD = re.compile(r"[^\W_]+")
#: Of ASCII, what stands between words, to be made blanks.
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}


# A virtual table on SQLite (keyed by rowid), an ordinary one on PostgreSQL (by post_id).
_INDEX = table("post_search", column("rowid"), column("post_id"), column("document"))

Row = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A post found, and the piece of it around the hit.

    `marked` is the snippet in pieces, each with whether it is what was looked for.
    """

    post: Post
    snippet: str
    marked: tuple[tuple[str, bool], ...]


def index(session: Session, post: Post) -> None:
    """Make a post findable, or what became of it; posts that are not filed are not found."""
    index_many(session, [post])


def index_many(session: Session, posts: Sequence[Post]) -> None:
    """Make posts findable; a post indexed before is indexed anew."""
    session.flush()
    forget(session, [post.id for post in posts])
    index_rows(
        session,
        [
            row(post.id, post.subject, post.author, post.organisation, post.own_words)
            for post in posts
            if post.state == PostState.FILED
        ],
    )


def row(post_id: int, subject: str, author: str, organisation: str, own_words: str) -> Row:
    """What is indexed of a post."""
    body = own_words[:LONGEST]
    by = f"{author} {organisation}"
    return {"id": post_id, "subject": subject[:1000], "author": by, "body": body}


def index_rows(session: Session, rows: Sequence[Row]) -> None:
    """Make posts findable that were never indexed before."""
    if not rows:
        return
    if database.on_postgresql(session):
        # PostgreSQL would keep addresses, hosts and paths whole; both shall find the same.
        apart = handed([_row_apart(each) for each in rows])
        session.execute(_POSTGRESQL, {"rows": apart})
    else:
        session.execute(_SQLITE, list(rows))


def forget(session: Session, post_ids: Sequence[int]) -> None:
    """Let posts no longer be found."""
    if post_ids:
        statement = _FORGET_POSTGRESQL if database.on_postgresql(session) else _FORGET_SQLITE
        session.execute(statement, [{"id": post_id} for post_id in post_ids])


_FORGET_SQLITE = text("DELETE FROM post_search WHERE rowid = :id")
_FORGET_POSTGRESQL = text("DELETE FROM post_search WHERE post_id = :id")
_SQLITE = text(
    "INSERT INTO post_search (rowid, subject, author, body) VALUES (:id, :subject, :author, :body)"
)
_POSTGRESQL = text(
    "INSERT INTO post_search (post_id, document) SELECT id,"
    " setweight(to_tsvector('english', subject), 'A') ||"
    " setweight(to_tsvector('english', author), 'B') ||"
    " to_tsvector('english', body)"
    " FROM json_to_recordset(CAST(:rows AS json))"
    " AS posts(id int, subject text, author text, body text)"
)


def _row_apart(row: Row) -> Row:
    return {key: _apart(value) if isinstance(value, str) else value for key, value in row.items()}


def _apart(said: str) -> str:
    return said.translate(_BLANKS) if said.isascii() else " ".join(_WORD.findall(said))


def search(
    session: Session,
    viewer: access.Viewer,
    typed: str,
    limit: int = 50,
    list_id: int | None = None,
) -> list[Hit]:
    """The posts that the viewer may read and that are as the query says, best first.

    Without any word to look for the latest come first.
    """
    wanted = query.read(typed)
    if not wanted.asks():
        return []
    found = _found(session, wanted).where(
        Post.state == PostState.FILED, Post.list_id.in_(access.readable_lists(viewer))
    )
    for condition in _conditions(wanted):
        found = found.where(condition)
    if list_id is not None:
        found = found.where(Post.list_id == list_id)
    return [_hit(post, marked) for post, marked in session.execute(found.limit(limit))]


def _found(session: Session, wanted: Query) -> Select[Post, str]:
    on_postgresql = database.on_postgresql(session)
    if wanted.words:
        found = _on_postgresql(wanted) if on_postgresql else _on_sqlite(wanted)
    else:
        beginning = func.substr(Post.own_words, 1, _BEGINNING)
        found = select(Post, beginning).order_by(Post.sent_at.desc())
    for word in wanted.authors:
        found = found.where(_by(word, on_postgresql=on_postgresql))
    return found


def _by(word: str, *, on_postgresql: bool) -> ColumnElement[bool]:
    """Whether a word is one of the author's name or organisation, be it a stop word or not."""
    if on_postgresql:
        name = func.lower(Post.author + " " + Post.organisation)
        return name.op("~")(rf"\m{word.lower()}\M")
    of_author = f'author : "{word}"'
    found = select(_INDEX.c.rowid).where(
        text("post_search MATCH :by").bindparams(bindparam("by", of_author, unique=True))
    )
    return Post.id.in_(found)


def _conditions(wanted: Query) -> Iterator[ColumnElement[bool]]:
    if wanted.lists:
        named = select(MailingList.id).where(MailingList.name.in_(wanted.lists))
        yield Post.list_id.in_(named)
    if wanted.after is not None:
        yield Post.sent_at >= _midnight(wanted.after)
    if wanted.before is not None:
        yield Post.sent_at < _midnight(wanted.before)
    if wanted.attachment:
        yield select(Attachment.id).where(Attachment.post_id == Post.id).exists()


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(settings.current().zone))


def _unfinished(words: Sequence[str]) -> bool:
    """Whether the last word may still be typed: then its beginning is enough."""
    return bool(words) and " " not in words[-1] and len(words[-1]) > 2


def _on_sqlite(wanted: Query) -> Select[Post, str]:
    # Every term is quoted: FTS5 then sees no operators but ours.
    terms = [f'"{term}"' for term in wanted.words]
    if _unfinished(wanted.words):
        terms[-1] += "*"
    snippet: ColumnElement[str] = literal_column(
        f"snippet(post_search, 2, char(2), char(3), '…', {_SNIPPET_WORDS})"
    )
    rank: ColumnElement[float] = literal_column("bm25(post_search, 8.0, 4.0, 1.0)")
    return (
        select(Post, snippet)
        .join(_INDEX, _INDEX.c.rowid == Post.id)
        .where(text("post_search MATCH :terms").bindparams(terms=" ".join(terms)))
        .order_by(rank, Post.sent_at.desc())
    )


def _on_postgresql(wanted: Query) -> Select[Post, str]:
    english = cast("english", REGCONFIG)
    parts = [func.phraseto_tsquery(english, term) for term in wanted.words]
    if _unfinished(wanted.words):
        parts[-1] = func.to_tsquery(english, f"{wanted.words[-1]}:*")
    terms: ColumnElement[Any] = parts[0]
    for part in parts[1:]:
        terms = terms.op("&&")(part)
    document = _INDEX.c.document
    options = (
        f"StartSel={_OPEN}, StopSel={_CLOSE}, MaxWords={_SNIPPET_WORDS + 1},"
        f" MinWords={_SNIPPET_WORDS // 2}"
    )
    snippet = func.ts_headline(english, func.left(Post.own_words, LONGEST), terms, options)
    return (
        select(Post, snippet)
        .join(_INDEX, _INDEX.c.post_id == Post.id)
        .where(document.op("@@")(terms))
        .order_by(func.ts_rank(document, terms).desc(), Post.sent_at.desc())
    )


def _hit(post: Post, marked: str) -> Hit:
    pieces = []
    for piece in re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", re.sub(r"\s+", " ", marked).strip()):
        if piece:
            pieces.append((piece.strip(_OPEN + _CLOSE), piece.startswith(_OPEN)))
    return Hit(post, "".join(piece for piece, _ in pieces), tuple(pieces))
