"""The digest: drawn up by a worker, and answered into the thread that it speaks of."""

from sqlalchemy import select

from archive.models import Post, Thread
from core import clock, database, outbox
from core.events import DigestDue
from message.parse import Message
from tests.journeys.conftest import House, list_address, mailbox, until
from tests.journeys.letters import answer, letter
from tests.journeys.test_meeting import announce

ANNA = mailbox("Anna Archer", "anna@ashford.example")
BEN = mailbox("Ben Brook", "ben@bexhill.example")
DORA = mailbox("Dora Dale", "dora@calder.example")


def start_discussions(house: House) -> dict[str, int]:
    """Two members start two discussions; returns the threads by subject."""
    house.network.person(ANNA.name, ANNA.address, house.network.main, mode="each")
    house.network.person(BEN.name, BEN.address, house.network.main, mode="each")
    house.network.person(DORA.name, DORA.address, house.network.main, mode="monthly")
    announce(house)
    (news,) = house.letters(ANNA.address, "procurement")
    # A member proves the address by an answer to something of ours, or the server vouches for it.
    house.write(letter(ANNA, list_address(), "Copilot licences", "What do you pay per head?"))
    house.write(
        letter(BEN, list_address(), "Note taking in social care", "Magic notes saved us hours.")
    )

    def threads() -> dict[str, int]:
        with database.reading() as session:
            found = {thread.subject: thread.id for thread in session.scalars(select(Thread))}
        wanted = {"Copilot licences", "Note taking in social care"}
        return found if wanted <= set(found) else {}

    assert news.subject
    return until(threads, "two discussions in the archive")


def digest_for_dora(house: House) -> Message:
    """Make the digest due and wait for Dora's copy."""
    with database.transaction() as session:
        outbox.record(session, DigestDue(house.network.main, clock.now()), key="digest:test")
    return house.letters(DORA.address, "(?i)digest|this month|round-up")[-1]


def posts_in(thread: int) -> list[Post]:
    """The posts of a thread, oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(Post).where(Post.thread_id == thread).order_by(Post.id)))


def test_digest(house: House) -> None:
    """Given a month with discussions and a coming meeting, when the digest is due, then members
    who take it get one mail that names them all, and those who take each post do not."""
    start_discussions(house)
    digest = digest_for_dora(house)
    for words in ("Copilot licences", "Note taking in social care", "procurement", "Anna Archer"):
        assert words in digest.text
        assert digest.html is not None
        assert words in digest.html


def test_reply_to_a_digest_lands_in_its_thread(house: House) -> None:
    """Given a digest of two discussions, when a member answers it with the second one quoted
    above her words, then her post stands in that thread, without the digest's text."""
    threads = start_discussions(house)
    digest = digest_for_dora(house)
    lines = digest.text.splitlines()
    start = next(n for n, line in enumerate(lines) if "Note taking" in line)
    whole = answer(digest, DORA, "", quote="\n".join(lines))
    quoted = "\n".join(f"> {line}" for line in lines[start : start + 5])
    whole.set_content(f"{quoted}\n\nWe tried it in Calder, it works for reviews.\n")
    house.write(whole)
    thread = threads["Note taking in social care"]
    until(lambda: len(posts_in(thread)) == 2, "her answer stands in the thread")
    mine = posts_in(thread)[-1]
    assert mine.author == DORA.name
    assert mine.own_words.strip() == "We tried it in Calder, it works for reviews."
    assert len(posts_in(threads["Copilot licences"])) == 1
    house.letters(BEN.address, "Note taking")


def test_reply_to_an_item_address_of_a_digest(house: House) -> None:
    """Given a digest, when a member writes to the reply address beside one item, then no quote
    and no subject is needed."""
    import re

    threads = start_discussions(house)
    digest = digest_for_dora(house)
    assert digest.html is not None
    part = digest.text[digest.text.index("Copilot licences") :]
    found = re.search(r"ai-network\+[a-z2-7]{30,}@lists\.example\.org", part)
    assert found is not None, digest.text
    house.write(letter(DORA, found.group(), "", "About 24 pounds."))
    thread = threads["Copilot licences"]
    until(lambda: len(posts_in(thread)) == 2, "her answer stands in the thread")
