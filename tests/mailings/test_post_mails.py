"""Mails about posts: copies, held posts, moderation, and the question where an answer belongs."""

import datetime as dt

import pytest
from sqlalchemy import select

from archive import authority, targets
from archive.models import Post, PostState, ReplyTarget
from core import addresses, clock, database, tokens
from core.events import PlaceAsked, PostFiled, PostHeld
from core.tokens import Purpose
from mailer.models import Delivery, Mailing
from tests.conftest import Network
from tests.mailings.conftest import Write, arrived, letter, letters, mailings, react


def test_post(network: Network, write_post: Write) -> None:
    """Members who take each post get it once, the author too, in the list's name with theirs."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Brook", "ben@bexhill.example", network.main)
    network.person("Dora Dale", "dora@calder.example", network.main, mode="monthly")
    post = write_post(network.main, anna, "Copilot licences", "What do you pay?")
    react("post", PostFiled(post))
    assert len(mailings("post")) == 1
    found = letters("post")
    assert set(found) == {"anna@ashford.example", "ben@bexhill.example"}
    mail = found["ben@bexhill.example"]
    assert mail.from_ is not None
    assert mail.from_.name == "Anna Archer (Ashford Council) via AI Network"
    assert mail.from_.address == addresses.of_author("ai-network", anna, network.main)
    assert "anna@ashford.example" not in str(mail.headers) + mail.text
    assert mail.subject == "Copilot licences"
    assert mail.get("Archived-At") == f"<https://network.example.org/posts/{post}>"
    assert mail.get("Auto-Submitted") is None
    assert not mail.references
    assert "What do you pay?" in mail.text
    token = tokens.read(mail.reply_to[0].local_part.partition("+")[2], Purpose.REPLY)
    with database.reading() as session:
        delivery = session.get_one(Delivery, token.ids[0])
        assert delivery.address == "ben@bexhill.example"
        (target,) = targets.targets_of(session, delivery.mailing_id)
        assert (target.item, target.post_id) == (0, post)


def test_o36_answers_thread(network: Network, write_post: Write) -> None:
    """A copy names the copies that readers have of what it answers, and the authors' own ids;
    the parent's copy comes last."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    first = write_post(network.main, anna, "Copilot licences", "What do you pay?")
    react("post", PostFiled(first))
    second = write_post(network.main, anna, "Re: Copilot licences", "24 pounds.", parent=first)
    react("post", PostFiled(second))
    third = write_post(network.main, anna, "AW: RE: Copilot licences", "Thanks.", parent=second)
    react("post", PostFiled(third))
    root, parent, _ = mailings("post")
    mail = letters("post")["anna@ashford.example"]
    with database.reading() as session:
        ids = [session.get_one(Post, number).message_id for number in (first, second)]
    assert mail.references == (ids[0], root.message_id, ids[1], parent.message_id)
    assert mail.in_reply_to == (parent.message_id,)
    assert mail.subject == "Re: Copilot licences"


def test_i6_copies_hold_no_secrets(network: Network, write_post: Write) -> None:
    """What a member quotes of their own mail opens nothing for others."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Brook", "ben@bexhill.example", network.main)
    secret = tokens.make(Purpose.LEAVE, anna, network.main)
    words = f"> Leave: https://network.example.org/leave/{secret}\n\nYes."
    post = write_post(network.main, anna, "Hello", words)
    react("post", PostFiled(post))
    raw = letters("post")["ben@bexhill.example"]
    assert secret not in raw.text
    assert secret not in (raw.html or "")


def test_markers_of_others_are_words(network: Network, write_post: Write) -> None:
    """Somebody who writes a marker neither stops the copies nor gets a value into them."""
    from message import mould

    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    words = f"{mould.marker('leave_url')} {mould.marker('no such slot')}"
    react("post", PostFiled(write_post(network.main, anna, mould.marker("x"), words)))
    mail = letters("post")["anna@ashford.example"]
    assert mail.text.count("/leave/") == 1


@pytest.mark.parametrize("state", [PostState.HELD, PostState.REJECTED])
def test_what_is_not_filed_is_not_sent(
    network: Network, write_post: Write, state: PostState
) -> None:
    """A post that was taken back before the reaction ran stays where it is."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    react("post", PostFiled(write_post(network.main, anna, "Hello", "Hi.", state=state)))
    assert mailings("post") == []


def test_held(network: Network, write_post: Write) -> None:
    """The author is told once a day that a moderator looks at it; the moderators each time."""
    anna = network.person("Anna Archer", "anna@ashford.example", network.main)
    for subject in ("One", "Two"):
        post = write_post(
            network.main, anna, subject, "Words.", state=PostState.HELD,
            held_why=authority.NOT_PROVED,
        )  # fmt: skip
        react("held", PostHeld(post))
        react("moderation", PostHeld(post))
    assert len(mailings("held")) == 1
    assert len(mailings("moderation")) == 2
    mail = letters("held")["anna@ashford.example"]
    assert "we could not tell for certain that you sent it" in " ".join(mail.text.split())
    assert mail.get("Auto-Submitted") == "auto-replied"
    to_moderators = letters("moderation")
    assert set(to_moderators) == {"carol@host.example"}
    assert "https://network.example.org/desk/held" in to_moderators["carol@host.example"].text


def test_strangers_are_not_answered(network: Network, write_post: Write) -> None:
    """A held post from nobody that we know makes mail for the moderators only: no backscatter."""
    moderator = network.person(
        "Mo Moderator", "mo@ashford.example", network.main, moderator=True
    )  # fmt: skip
    assert moderator
    post = write_post(network.main, None, "Pills", "Buy.", state=PostState.HELD)
    react("held", PostHeld(post))
    react("moderation", PostHeld(post))
    assert mailings("held") == []
    assert set(letters("moderation")) == {"mo@ashford.example"}


def test_question(network: Network) -> None:
    """The author of an answer to a digest is asked once, with the digest's own numbers."""
    dora = network.person("Dora Dale", "dora@calder.example", network.main, mode="monthly")
    with database.transaction() as session:
        digest = Mailing(
            kind="digest", list_id=network.main, about=network.main, bulk=True,
            message_id="digest@lists.example.org", subject="AI Network digest",
            created_at=_now(), state="finished",
        )  # fmt: skip
        session.add(digest)
        session.flush()
        delivery = Delivery(
            mailing_id=digest.id, person_id=dora, address="dora@calder.example",
            state="accepted", next_try=_now(),
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        for number, title in ((1, "Procurement"), (2, "Copilot licences")):
            session.add(
                ReplyTarget(mailing_id=digest.id, item=number, list_id=network.main, title=title)
            )
        token = tokens.make(Purpose.REPLY, delivery.id, 0)
    answer = letter("Dora Dale <dora@calder.example>", "Re: AI Network digest", "We do too.")
    incoming = arrived(answer, list_id=network.main, token=token)
    react("question", PlaceAsked(incoming))
    (mailing,) = mailings("question")
    assert mailing.about == incoming
    mail = letters("question")["dora@calder.example"]
    assert "1. Procurement" in mail.text
    assert "2. Copilot licences" in mail.text
    assert "NEW" in mail.text
    assert "We do too." in mail.text
    answered = tokens.read(mail.reply_to[0].local_part.partition("+")[2], Purpose.REPLY)
    with database.reading() as session:
        found = session.scalars(select(Delivery.id).where(Delivery.mailing_id == mailing.id)).one()
    assert answered.ids == (found, 0)


def _now() -> dt.datetime:
    return clock.now()
