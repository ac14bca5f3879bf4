"""Where answers to a mailing belong: one target for each item, item 0 for the whole of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from archive.models import ReplyTarget
from core import database

_LEAVE = database.inserting(cast(Table, ReplyTarget.__table__), "mailing_id", "item")


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a mailing; one without thread and post gets a thread by its first answer.

    `words` are its own words as the reader sees them: by them it is recognised in a quotation.
    """

    number: int
    list_id: int
    thread_id: int | None
    post_id: int | None
    title: str
    words: str = ""


def leave_targets(session: Session, mailing_id: int, items: Iterable[Item]) -> None:
    """Note where answers to a mailing belong; for an item noted before nothing changes."""
    rows = [
        {
            "mailing_id": mailing_id, "item": item.number, "list_id": item.list_id,
            "thread_id": item.thread_id, "post_id": item.post_id, "title": item.title,
            "words": item.words,
        }
        for item in items
    ]  # fmt: skip
    if rows:
        connection = session.connection()
        connection.execute(_LEAVE[connection.dialect.name], rows)


def targets_of(session: Session, mailing_id: int) -> list[ReplyTarget]:
    """The targets of a mailing, by item number."""
    of_mailing = select(ReplyTarget).where(ReplyTarget.mailing_id == mailing_id)
    return list(session.scalars(of_mailing.order_by(ReplyTarget.item)))


def number_of(target: ReplyTarget) -> str:
    """The Message-ID that stands for an item without a post: answers hang below it."""
    return f"item-{target.item}.mailing-{target.mailing_id}@reply-target.invalid"


def numbers_in(message_id: str) -> tuple[int, int]:
    """The item and the mailing for which a Message-ID stands; zeros if it is a message's."""
    found = re.fullmatch(r"item-(\d+)\.mailing-(\d+)@reply-target\.invalid", message_id)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)
