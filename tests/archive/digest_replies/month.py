"""A month of a network and the digest of it, written by the product's own code."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive.models import Post
from archive.targets import Item
from core import clock, database
from core.events import DigestDue
from mailer import copies
from mailer.models import Delivery, Mailing
from mailings import planning
from mailings.kinds import digest as kind
from meetings import changes, contributions, minutes
from message.parse import Message, parse
from subscribers.models import MailingList
from tests.archive.letters import file, mail, post
from tests.conftest import Network

ANNA = "Anna Archer <anna@ashford.example>"
BEN = "Ben Brook <ben@bexhill.example>"
DORA = "Dora Dale <dora@calder.example>"
#: Who is no member: a colleague to whom the digest was passed on.
EVE = "Eve Eden <eve@calder.example>"

PROCUREMENT = "AI Network: procurement"
CHATBOTS = "AI Network: chatbots on council websites"
LICENCES = "Copilot licences"
TRANSCRIPTION = "Transcription of committee meetings"
NOTES = "Note taking in social care"
POLICY = "A policy template for generative AI"
UPDATE = "Update from Socitm"
PRODUCTIVITY = "AI Network: productivity"
#: Of a closed subgroup; Ben reads it, Dora does not.
CLOSED = "Results of the enforcement pilot"

_DISCUSSIONS = (
    (ANNA, LICENCES, "What does your council pay per head for Copilot?\n\nWe were quoted 24 pounds "
     "a month for all staff, which is more than our whole budget for training. Has anybody got a "
     "better price through a framework?"),
    (BEN, TRANSCRIPTION, "Democratic services would like minutes from recordings of our committee "
     "meetings.\n\nWhich product copes with several speakers in a large chamber, and do you "
     "publish the transcript or only use it to draft the minutes?"),
    (ANNA, NOTES, "Magic notes saved our social workers about six hours a week each.\n\nBefore we "
     "roll it out to the children's teams: has anybody a data protection impact assessment that "
     "we may read?"),
    (BEN, POLICY, "We are rewriting our rules for staff who use generative AI at work and would "
     "rather not begin with an empty page. Who has a policy that officers actually read?"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Month:
    """The digest as Dora and Ben got it, and the number of each item by its title."""

    mailing: int
    list_id: int
    to_dora: Message
    to_ben: Message
    numbers: dict[str, int]

    def copy_of(self, sender: str) -> Message:
        """The copy that somebody answers; Eve answers the one that Dora passed on to her."""
        return self.to_ben if sender == BEN else self.to_dora


def make(network: Network) -> Month:
    """Let a month pass, and write its digest."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Brook", "ben@bexhill.example", network.main, network.sub, mode="monthly")
    network.person("Dora Dale", "dora@calder.example", network.main, mode="monthly")
    for minute, (sender, subject, text) in enumerate(_DISCUSSIONS):
        file(mail(sender, subject, text, minute=minute), network.main)
    text = "The cameras read nine plates of ten. Not for other councils yet, please."
    (closed,) = file(mail(BEN, CLOSED, text), network.sub)
    with database.transaction() as session:
        _meet(session, network.main)
    with _with_an_item_of_another_list(post(closed), network.sub):
        mailing = _plan(network.main)
    copies = _copies(mailing)
    return Month(
        mailing, network.main, copies["dora@calder.example"], copies["ben@bexhill.example"],
        _numbers(mailing),
    )  # fmt: skip


def _meet(session: Session, list_id: int) -> None:
    """Two meetings to come, one that was, and what a partner tells."""
    list_ = session.get_one(MailingList, list_id)
    today = clock.now().date()

    def meeting(title: str, weeks: int, description: str = "") -> int:
        day = today + dt.timedelta(weeks=weeks)
        times = (dt.datetime.combine(day, dt.time(10)), dt.datetime.combine(day, dt.time(11, 30)))
        made = changes.create(session, list_, title, *times, by=None)
        made.description = description
        if weeks > 0:
            changes.announce(session, made.id)
        return made.id

    meeting(
        PROCUREMENT, 2, "How three districts bought a system together, what the contract says "
        "about data, and what they would ask for next time.",
    )  # fmt: skip
    meeting(CHATBOTS, 6, "Calder shows the assistant that answers questions about bins.")
    past = meeting(PRODUCTIVITY, -2)
    minutes.publish_summary(
        session, past, "Kingston measured the time that officers save with drafting tools, and "
        "found forty minutes a week. Most of it went into checking."
    )  # fmt: skip
    words = "Our new guide to buying responsible systems is out, with a checklist for officers."
    contributions.add_update(session, list_id, "Socitm", words=words)


@contextmanager
def _with_an_item_of_another_list(closed: Post, list_id: int) -> Iterator[None]:
    """A digest in which an item is of a subgroup, as when lists are told of in one mail."""
    sections, item = kind._sections, kind._item

    def with_more(*facts: object) -> list[kind.Section]:
        entry = kind.Entry(
            title=CLOSED, words=" ".join(closed.own_words.split()), quoted=True,
            by="Ben Brook (Bexhill Council), 1 new post",
            thread_id=closed.thread_id, post_id=closed.id,
        )  # fmt: skip
        found = sections(*facts)  # type: ignore[arg-type]
        return [*found[:2], kind.Section("In your subgroups", [entry]), *found[2:]]

    def with_its_list(number: int, other: int, entry: kind.Entry) -> Item:
        made = item(number, other, entry)
        return replace(made, list_id=list_id) if entry.thread_id == closed.thread_id else made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "_sections", with_more)
        patch.setattr(kind, "_item", with_its_list)
        yield


def _plan(list_id: int) -> int:
    with database.transaction() as session:
        planning.start("digest")(session, DigestDue(list_id, clock.now()))
        return session.scalars(select(Mailing.id).where(Mailing.kind == "digest")).one()


def _copies(mailing_id: int) -> dict[str, Message]:
    """The copies as they go on the wire, by address."""
    with database.reading() as session:
        mailing = session.get_one(Mailing, mailing_id)
        list_ = session.get_one(MailingList, mailing.list_id)
        press = copies.Press(mailing, list_.name)
        rows = session.scalars(select(Delivery).where(Delivery.mailing_id == mailing_id))
        made = [press.copy(row) for row in rows]
    return {copy.rcpt_to: parse(bytes(copy.data)) for copy in made}


def _numbers(mailing_id: int) -> dict[str, int]:
    from archive import targets

    with database.reading() as session:
        return {one.title: one.item for one in targets.targets_of(session, mailing_id)}
