"""Where answers to a mailing belong: one target for each item, item 0 for the whole of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.models import ReplyTarget


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
    known = {target.item for target in targets_of(session, mailing_id)}
    for item in items:
        if item.number not in known:
            known.add(item.number)
            session.add(
                ReplyTarget(
                    mailing_id=mailing_id,
                    item=item.number,
                    list_id=item.list_id,
                    thread_id=item.thread_id,
                    post_id=item.post_id,
                    title=item.title,
                    words=item.words,
                )
            )
    session.flush()


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
