"""Who answers from an address that we do not know is asked through the one we know, not refused."""

import itertools

import pytest
from sqlalchemy import select

from archive import moderation, targets
from archive.models import Post, PostState
from archive.targets import Item
from core import database, outbox, settings, tokens
from core.tokens import Purpose
from mailer import inbox
from mailer.models import Delivery, Incoming, Mailing
from message.mould import Mould
from tests.archive.letters import TRUSTED, file, mail, mailing, post
from tests.conftest import Network
from workers import reactions

ANNA = "Anna Archer <anna@ashford.example>"
HOME = "Anna <anna@home.example>"
_uids = itertools.count(1_000)


@pytest.fixture(autouse=True)
def anna(network: Network, moment: object) -> int:
    """A member, in a network that trusts its server."""
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    return network.person("Anna Archer", "anna@ashford.example", network.main)


def work() -> None:
    """Have the worker react until nothing waits."""
    while outbox.work(reactions.names, reactions.find, reactions.find_together):
        pass


def arrives(sender: str, text: str, delivery: int, message_id: str) -> int:
    """A message comes to the reply address of a copy; returns the incoming mail."""
    token = tokens.make(Purpose.REPLY, delivery, 0)
    letter = mail(sender, "Re: Licences", text, message_id=message_id)
    del letter["To"]
    letter["To"] = f"ai-network+{token}@lists.example.org"
    with database.transaction() as session:
        number = inbox.keep(session, "network", 1, next(_uids), letter.as_bytes())
    assert number is not None
    work()
    return number


@pytest.fixture
def held(network: Network, anna: int) -> int:
    """An answer from her telephone at home to the copy that she got; returns the post."""
    (about,) = file(mail(ANNA, "Licences", "What do you pay?"), network.main)
    work()
    with database.transaction() as session:
        made, copies = mailing(session, "post", network.main, anna, about=about, subject="Licences")
        thread = session.get_one(Post, about).thread_id
        whole = Item(0, network.main, thread, about, "Licences")
        targets.leave_targets(session, made.id, [whole])
    arrives(HOME, "We pay 24 pounds.", copies[anna], "home@x.example")
    with database.reading() as session:
        return session.scalars(select(Post.id).where(Post.state == PostState.HELD)).one()


def asked() -> tuple[Mailing, Delivery]:
    """The question, and the copy of it that she gets."""
    with database.reading() as session:
        found = session.scalars(select(Mailing).where(Mailing.kind == "whose")).one()
        copy = session.scalars(select(Delivery).where(Delivery.mailing_id == found.id)).one()
        return found, copy


def test_she_is_asked_at_her_own_address(held: int) -> None:
    """With what was said and from where; the post waits meanwhile."""
    question, copy = asked()
    assert (question.about, copy.address) == (held, "anna@ashford.example")
    values = dict.fromkeys(Mould.from_bytes(question.mould or b"").slots(), "x")
    text = Mould.from_bytes(question.mould or b"").fill(values).decode()
    assert "anna@home.example" in text
    assert "We pay 24 pounds." in text
    assert post(held).held_why == "not a member of the list"


def test_her_yes_files_it_under_her_name(held: int, anna: int) -> None:
    """From whichever address she says so: only she was given the address."""
    arrives(HOME, "Yes, mine.\n\nAnna\n", asked()[1].id, "yes@x.example")
    found = post(held)
    assert (found.state, found.person_id, found.author) == (PostState.FILED, anna, "Anna Archer")
    assert (found.organisation, found.held_why) == ("Ashford Council", None)
    assert found.parent_id is not None


@pytest.mark.parametrize(
    "words",
    [
        "No!",
        "Who is that?",
        "I would say yes to the licences.",
        "It is not mine.",
        "Mine? No.",
        "Y gwasanaeth hwn.",
        "Si j'avais su.",
    ],
)
def test_anything_else_leaves_it_to_the_moderators(held: int, words: str) -> None:
    """The post waits, and what was said reaches the coordinator."""
    number = arrives(ANNA, words, asked()[1].id, "no@x.example")
    assert post(held).state == PostState.HELD
    with database.reading() as session:
        assert session.get_one(Incoming, number).state == "stuck"


def test_a_yes_too_late_changes_nothing(held: int, network: Network) -> None:
    """A moderator was quicker."""
    with database.transaction() as session:
        assert moderation.reject(session, held, network.coordinator, "not ours")
    arrives(ANNA, "Yes", asked()[1].id, "late@x.example")
    assert post(held).state == PostState.REJECTED


def test_only_her_own_address_counts(held: int, network: Network, anna: int) -> None:
    """A colleague who got hold of another copy cannot say that it is theirs, or hers."""
    ben = network.person("Ben Brook", "ben@bexhill.example", network.main)
    question = asked()[0]
    with database.transaction() as session:
        other = Delivery(mailing_id=question.id, person_id=ben, address="ben@bexhill.example",
                         next_try=question.created_at)  # fmt: skip
        session.add(other)
        session.flush()
        number = other.id
    arrives("Ben Brook <ben@bexhill.example>", "Yes", number, "ben@x.example")
    assert (post(held).state, post(held).person_id) == (PostState.HELD, None)


def test_she_is_not_asked_again_and_again(held: int, anna: int) -> None:
    """Whoever knows a reply address cannot fill its owner's mailbox."""
    with database.reading() as session:
        copy = session.scalars(select(Delivery.id).where(Delivery.person_id == anna)).first()
    arrives("Spy <spy@elsewhere.example>", "Buy!", copy or 0, "another-one@x.example")
    asked()  # there is one
