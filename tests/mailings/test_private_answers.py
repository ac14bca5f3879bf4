"""Private answers: who may write to an author through us, what is passed on, and where it stops."""

import re
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import addresses, database, settings, tokens
from core.events import MailArrived, PostFiled, PrivateAnswerArrived
from core.outbox import EventRow
from core.tokens import Purpose
from mailer import inbox, sorting
from mailer.models import Incoming
from mailings.kinds import private_answer
from message.parse import Message
from tests.conftest import Network
from tests.mailings.conftest import Write, letter, letters, mailings, react

ANNA, BEN = "anna@ashford.example", "ben@bexhill.example"
TRUSTED = "mx.lists.example.org"


@pytest.fixture(autouse=True)
def _trusting() -> None:
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))


@pytest.fixture
def anna(network: Network) -> int:
    """An author on the main list."""
    return network.person("Anna Archer", ANNA, network.main)


@pytest.fixture
def ben(network: Network) -> int:
    """A reader of the main list."""
    return network.person("Ben Brook", BEN, network.main)


def write(sender: str, to: str, text: str = "Between us.", **fields: str) -> EmailMessage:
    """A message with our server's word on who wrote it."""
    made = letter(f"Ben Brook <{sender}>", "Re: Copilot licences", text, **fields)
    made.replace_header("To", to)
    made["Authentication-Results"] = f"{TRUSTED}; dmarc=pass header.from={sender.partition('@')[2]}"
    return made


def arrive(made: EmailMessage) -> Incoming:
    """Keep and sort a message, and let private answers be passed on."""
    with database.transaction() as session:
        number = inbox.keep(session, "test", 2, hash(made["Message-ID"]) & 0xFFFFFF, bytes(made))
        assert number is not None
        sorting.sort(session, MailArrived(number))
    with database.reading() as session:
        names = set(
            session.scalars(select(EventRow.name).where(EventRow.key == f"sorted:{number}"))
        )
    if names == {"PrivateAnswerArrived"}:
        react("private_answer", PrivateAnswerArrived(number))
    with database.reading() as session:
        return session.get_one(Incoming, number)


def alias_of(network: Network, person: int, list_id: int = 0) -> str:
    """The address of an author on a list."""
    return addresses.of_author("ai-network", person, list_id or network.main)


def test_o6_copies_come_from_an_address_of_the_author_at_our_domain(
    network: Network, write_post: Write, anna: int, ben: int
) -> None:
    """Whatever the author's domain publishes, From is ours and aligned; the same for each post."""
    found = []
    for subject in ("One", "Two"):
        react("post", PostFiled(write_post(network.main, anna, subject, "Words.")))
        found.append(letters("post")[BEN])
    react("post", PostFiled(write_post(network.main, ben, "Three", "Words.")))
    found.append(letters("post")[ANNA])
    senders = [mail.from_.address for mail in found if mail.from_]
    assert senders == [alias_of(network, anna)] * 2 + [alias_of(network, ben)]
    assert {address.rpartition("@")[2] for address in senders} == {"lists.example.org"}
    assert all("Archer" in (mail.from_.name if mail.from_ else "") for mail in found[:2])
    assert found[0].reply_to[0].address != senders[0]


def test_a_private_answer_is_passed_on(network: Network, anna: int, ben: int) -> None:
    """To the author alone, in the sender's name, with files, and the way back; once."""
    made = write(BEN, alias_of(network, anna).upper(), "Between us: 24 pounds.\n\n> What?\n")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="offer.pdf")
    arrive(made)
    assert len(mailings("private_answer")) == 1
    (sent,) = letters("private_answer").items()
    address, mail = sent
    assert address == ANNA
    assert mail.from_ is not None
    assert (mail.from_.name, mail.from_.address) == (
        "Ben Brook (Bexhill Council) via AI Network", alias_of(network, ben),
    )  # fmt: skip
    assert mail.reply_to[0].address == alias_of(network, ben)
    assert "Between us: 24 pounds." in mail.text
    assert [file.name for file in mail.attachments] == ["offer.pdf"]
    assert mail.get("Auto-Submitted") is None
    assert mail.get("List-Unsubscribe") is None
    assert BEN not in f"{mail.raw!r}"


def refused(network: Network, anna: int, ben: int, case: str) -> EmailMessage:
    """A private answer that may not be passed on."""
    to = alias_of(network, anna)
    if case == "not on the list":
        return write("spy@elsewhere.example", to)
    if case == "not proved":
        made = write(BEN, to)
        del made["Authentication-Results"]
        return made
    if case == "left the list":
        return write(BEN, alias_of(network, network.coordinator + 1000))
    return write(BEN, re.sub(r"\+.", "+b", to))  # forged


@pytest.mark.parametrize("case", ["not on the list", "not proved", "left the list"])
def test_who_may_not_is_shown_to_the_coordinator(
    network: Network, anna: int, ben: int, case: str
) -> None:
    """Nothing goes out; the message is kept with the reason."""
    row = arrive(refused(network, anna, ben, case))
    assert row.state == "stuck"
    assert case in (row.why or "")
    assert not mailings("private_answer")


def test_a_forged_address_is_no_authors(network: Network, anna: int, ben: int) -> None:
    """It is a post then, as any unknown token on a list's address; nobody is written to."""
    arrive(refused(network, anna, ben, "forged"))
    assert not mailings("private_answer")


def test_not_more_than_some_a_day(
    network: Network, anna: int, ben: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest waits for the coordinator."""
    monkeypatch.setattr(private_answer, "MOST_A_DAY", 2)
    rows = [arrive(write(BEN, alias_of(network, anna))) for _ in range(3)]
    assert [row.state for row in rows] == ["sorted", "sorted", "stuck"]
    assert len(mailings("private_answer")) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Folkmoot_Loop": "ai-network"},
        {"List_Id": "<ai-network.lists.example.org>"},
    ],
)
def test_i5_machines_and_loops_are_not_passed_on(
    network: Network, anna: int, ben: int, fields: dict[str, str]
) -> None:
    """An absence note to a private answer, or one of ours that came back, ends here."""
    arrive(write(BEN, alias_of(network, anna), **fields))
    assert not mailings("private_answer")


def test_who_writes_to_all_and_the_author_writes_to_all(
    network: Network, anna: int, ben: int
) -> None:
    """Reply-all names both: it is a post, and the author gets it as one."""
    alias, token = alias_of(network, anna), tokens.make(Purpose.REPLY, 1, 0)
    for to in ("ai-network@lists.example.org", f"ai-network+{token}@lists.example.org"):
        for delivered in (alias, to):
            made = write(BEN, f"{alias}, {to}", Delivered_To=delivered)
            row = arrive(made)
            assert row.verdict == "post"
    assert not mailings("private_answer")


def test_large_files_are_named_and_left_out(
    network: Network, anna: int, ben: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small goes along."""
    monkeypatch.setattr(private_answer, "MOST_OF_FILES", 100)
    made = write(BEN, alias_of(network, anna))
    for name, size in (("big.zip", 101), ("small.txt", 50)):
        made.add_attachment(b"x" * size, maintype="application", subtype="x", filename=name)
    arrive(made)
    mail: Message = letters("private_answer")[ANNA]
    assert [file.name for file in mail.attachments] == ["small.txt"]
    assert "big.zip" in mail.text


def test_coordinators_may_answer_too(network: Network, anna: int) -> None:
    """They read every list."""
    arrive(write("carol@host.example", alias_of(network, anna)))
    assert len(mailings("private_answer")) == 1


@given(person=st.integers(1, 2**31 - 1), list_id=st.integers(1, 2**31 - 1))
def test_the_address_tells_whom_it_is_for_and_nobody_else(person: int, list_id: int) -> None:
    """It is the same each time, fits a local part, and survives upper case."""
    address = addresses.of_author("ai-network", person, list_id)
    assert address == addresses.of_author("ai-network", person, list_id)
    assert len(address.partition("@")[0]) <= 64
    ours = addresses.recognise(address.upper())
    assert ours is not None
    assert tokens.read(ours.token or "", Purpose.AUTHOR).ids == (person, list_id)
