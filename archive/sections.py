"""What a mailing of ours said, item by item: its words are known again in what people quote."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailer import copies
from mailer.models import Delivery, Mailing
from message import plaintext
from message.mould import Mould
from message.parse import Message, parse
from message.quoting.known import Known
from subscribers.models import MailingList

#: The number of what belongs to no item: how the mailing begins and ends.
NO_ITEM = 0
_HEADING = re.compile(r"^[ \t]*\[#(\d{1,9})\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sections:
    """The words of each item, those at both ends under NO_ITEM, and all of them as known."""

    words: dict[int, str]
    known: Known


def sections_of(
    session: Session, mailing: Mailing, delivery_id: int | None, person_id: int | None
) -> Sections | None:
    """What a copy of a mailing said, or that of a person; None if it is not kept."""
    if mailing.mould is None:
        return None
    mould = Mould.from_bytes(mailing.mould)
    list_ = session.get(MailingList, mailing.list_id) if mailing.list_id is not None else None
    values = dict.fromkeys(mould.slots(), "nobody@nowhere.invalid")
    delivery = _delivery(session, mailing, delivery_id, person_id)
    if delivery is not None:
        name = list_.name if list_ else None
        values |= copies.values_of(mailing, delivery, name, mould.slots())
    message = parse(mould.fill(values))
    html = plaintext.from_html(message.html) if message.html else ""
    return Sections(_parted(message, values), Known([message.text, html]))


def _delivery(
    session: Session, mailing: Mailing, delivery_id: int | None, person_id: int | None
) -> Delivery | None:
    """The copy that is answered, if it is of this mailing, else the person's own."""
    of_mailing = select(Delivery).where(Delivery.mailing_id == mailing.id)
    answered = session.scalars(of_mailing.where(Delivery.id == delivery_id)).first()
    if answered is not None or person_id is None:
        return answered
    return session.scalars(of_mailing.where(Delivery.person_id == person_id).limit(1)).first()


def _parted(message: Message, values: dict[str, str]) -> dict[int, str]:
    """The text cut at the headings of its items; an item ends with the address that answers it."""
    text = message.text
    headings = list(_HEADING.finditer(text))
    if not headings:
        return {}
    words = {NO_ITEM: text[: headings[0].start()]}
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        number = int(heading.group(1))
        section = text[heading.start() : end]
        address = values.get(f"reply_address:{number}", "")
        section, _, below = section.partition(address) if address else (section, "", "")
        words[number] = section
    words[NO_ITEM] = f"{words[NO_ITEM]}\n{below}"
    return words
