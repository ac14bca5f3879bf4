"""A newsletter from the desk to everybody: accounted for, signed, readable, answerable."""

import re

import dkim

from core import database, settings
from core.settings import Settings
from mailer import ledger
from message import dkim as signing
from message.parse import parse
from tests.journeys.conftest import House, mailbox, until

BODY = """## What is new

Swindon shared **Simply Readable**, an open-source tool for easy-to-read documents.

- [The code](https://code.example/simply-readable)
- Ask them anything by answering this mail.
"""


def send_newsletter(house: House) -> int:
    """Have the coordinator write, preview and send a newsletter at the desk; returns its id."""
    house.sign_in("carol@host.example")
    facts = {"list": "ai-network", "subject": "March news", "body": BODY}
    written = house.page("/desk/newsletters/new", facts)
    assert written.status == 303, written.text
    place = written.headers.get("location") or written.headers.get("Location") or ""
    found = re.search(r"/desk/mailings/(\d+)", place)
    assert found is not None, place
    mailing = int(found.group(1))
    preview = house.page(f"/desk/mailings/{mailing}")
    assert preview.status == 200
    assert "March news" in preview.text
    sent = house.page(f"/desk/mailings/{mailing}/send", {})
    assert sent.status == 303, sent.text
    return mailing


def verify(raw: bytes, setting: Settings) -> bool:
    """Whether an independent verifier finds the signature good."""
    record = signing.dns_record((setting.data / "dkim.pem").read_bytes()).encode()
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: record))


def test_newsletter_to_all(house: House) -> None:
    """Given thirty members, when the coordinator sends a newsletter, then each gets one signed
    copy with an own leave link, and the totals add up."""
    people = [f"officer{n}@{place}.example" for n in range(10) for place in
              ("ashford", "bexhill", "calder")]  # fmt: skip
    for address in people:
        house.network.person(f"Officer {address[:8]}", address, house.network.main, mode="monthly")
    mailing = send_newsletter(house)
    copies = [house.letters(address, "March news") for address in people]
    assert [len(each) for each in copies] == [1] * 30
    leave = {copy[0].get("List-Unsubscribe") for copy in copies}
    assert len(leave) == 30
    assert len({copy[0].message_id for copy in copies}) == 1

    def finished() -> bool:
        with database.reading() as session:
            totals = ledger.totals(session, mailing)
        return totals.accepted == totals.planned - totals.excluded and totals.accepted >= 30

    until(finished, "the totals add up")
    for address in people[:3]:
        raw = next(raw for raw in house.letters_of(address) if b"March news" in raw[:6000])
        raw = raw[raw.index(b"DKIM-Signature") :]
        assert verify(raw, settings.current())
        message = parse(raw)
        assert "Simply Readable" in message.text
        assert message.html is not None
        assert "Simply Readable" in message.html
        assert message.get("List-Id") is not None
    page = house.page(f"/desk/mailings/{mailing}")
    assert people[0] in page.text


def test_reply_to_a_post_and_a_newsletter(house: House) -> None:
    """Given members who take each post, when one answers the newsletter and another answers that
    post, then both stand in the newsletter's thread, in order."""
    from archive.models import Post
    from tests.journeys.letters import answer

    anna = mailbox("Anna Archer", "anna@ashford.example")
    ben = mailbox("Ben Brook", "ben@bexhill.example")
    house.network.person(anna.name, anna.address, house.network.main)
    house.network.person(ben.name, ben.address, house.network.main)
    mailing = send_newsletter(house)
    (news,) = house.letters(anna.address, "March news")
    house.write(answer(news, anna, "Does it work with tables?"))
    (copy,) = house.letters(ben.address, "Re: .*March news")
    assert "Anna Archer" in (copy.from_.name if copy.from_ else "")
    assert copy.from_ is not None
    assert copy.from_.address.endswith("@lists.example.org")
    assert "Does it work with tables?" in copy.text
    house.write(answer(copy, ben, "It does."))

    def posts() -> list[Post]:
        from sqlalchemy import select

        with database.reading() as session:
            found = list(session.scalars(select(Post).order_by(Post.id)))
        return found if len(found) == 3 else []

    root, question, reply = until(posts, "three posts in the archive")
    assert root.mailing_id == mailing
    assert root.thread_id == question.thread_id == reply.thread_id
    assert question.parent_id == root.id
    assert reply.parent_id == question.id
    assert reply.own_words.strip() == "It does."
    house.sign_in(anna.address)
    page = house.page(f"/threads/{root.thread_id}")
    assert page.status == 200
    assert "It does." in page.text
    found = house.page("/search?q=tables").text
    assert "Anna Archer" in found
    assert f"/threads/{root.thread_id}" in found or f"/posts/{question.id}" in found
