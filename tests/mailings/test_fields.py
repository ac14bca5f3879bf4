"""Header fields of real copies: what RFCs and the big mail providers want."""

import re
from collections import Counter

import pytest

from core import database
from core.events import MailingApproved
from mailer.models import Mailing
from mailings import approval, fields, kinds, planning
from mailings.kind import Facts, Origin
from message.parse import Message
from subscribers.models import MailingList
from tests.conftest import Network
from tests.mailings import golden
from tests.mailings.conftest import letters

ONCE = ("From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID",
        "In-Reply-To", "References", "List-Id", "List-Unsubscribe", "Auto-Submitted")  # fmt: skip


def send_newsletter(list_id: int, subject: str = "News", text: str = "Hello.") -> int:
    """Draft, approve and plan a newsletter; returns its number."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, list_id)
        mailing = approval.draft_newsletter(session, list_, subject, text, by=None)
        approval.approve(session, mailing.id, by=None)
        planning.plan_approved(session, MailingApproved(mailing.id))
        return mailing.id


@pytest.fixture
def copies(network: Network) -> dict[str, Message]:
    """A newsletter to two members."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Brook", "ben@bexhill.example", network.main)
    send_newsletter(network.main)
    found = letters("newsletter")
    assert set(found) == {"anna@ashford.example", "ben@bexhill.example"}
    return found


def test_o1_one_click_leaving(copies: dict[str, Message]) -> None:
    """Each copy has exactly one of both fields, with one https address of its own."""
    addresses = []
    for mail in copies.values():
        (leave,) = mail.get_all("List-Unsubscribe")
        assert mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
        assert len(re.findall(r"<https://", leave)) == 1
        assert re.fullmatch(
            r"<https://\S+>, <mailto:\S+@lists\.example\.org\?subject=leave>", leave
        )
        addresses.append(leave)
    assert len(set(addresses)) == len(addresses)


def test_o16_one_message_id_for_all_copies(copies: dict[str, Message]) -> None:
    """A dot-atom at our domain, the same everywhere, with nothing personal in it."""
    ids = {mail.message_id for mail in copies.values()}
    (one,) = ids
    assert re.fullmatch(r"[a-z0-9.]+@lists\.example\.org", one or "")
    assert len(one or "") < 200


def test_o18_fields_occur_once(copies: dict[str, Message]) -> None:
    """No field that may occur once occurs twice; From, Date and a numeric zone are there."""
    for mail in copies.values():
        names = Counter(name.lower() for name, _ in mail.headers)
        assert [name for name in ONCE if names[name.lower()] > 1] == []
        assert mail.from_ is not None
        assert re.search(r"[+-]\d{4}$", mail.get("Date") or "")


def test_o6_from_is_ours(copies: dict[str, Message]) -> None:
    """The list writes in its own name, to one person."""
    for address, mail in copies.items():
        assert mail.from_ is not None
        assert (mail.from_.name, mail.from_.address) == (
            "AI Network", "ai-network@lists.example.org",
        )  # fmt: skip
        assert [box.address for box in mail.to] == [address]


def test_answers_go_to_the_discussion(copies: dict[str, Message]) -> None:
    """Reply-To is the token of this reader's copy, not that of another."""
    tokens = {mail.reply_to[0].address for mail in copies.values()}
    assert len(tokens) == len(copies)
    assert all(re.match(r"ai-network\+[a-z2-7]{20,}@lists", one) for one in tokens)


def test_o23_o24_list_fields(copies: dict[str, Message]) -> None:
    """What the list is, and each of its addresses once."""
    for mail in copies.values():
        assert mail.get_all("List-Id") == ["AI Network <ai-network.lists.example.org>"]
        assert mail.get_all("List-Post") == ["<mailto:ai-network@lists.example.org>"]
        for name in ("List-Help", "List-Subscribe", "List-Owner", "List-Archive"):
            assert len(mail.get_all(name)) == 1, name


def test_o24_announcement_lists_take_no_posts(network: Network) -> None:
    """List-Post says NO, and answers go to the people who run the list."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.get_one(MailingList, network.main).announce_only = True
    send_newsletter(network.main)
    mail = letters("newsletter")["anna@ashford.example"]
    assert mail.get("List-Post") == "NO"
    assert mail.reply_to[0].address == "ai-network+owner@lists.example.org"
    assert "Reply to this email to write to the coordinators." in mail.text


@pytest.mark.parametrize("kind", sorted(kinds.ALL))
def test_o25_auto_submitted(kind: str) -> None:
    """Never on what a person wrote; "replied" on answers; "generated" on all else."""
    said = golden.mail(kind).get("Auto-Submitted")
    wanted = {
        "newsletter": None, "post": None, "private_answer": None,
        "help": "auto-replied", "held": "auto-replied", "question": "auto-replied",
    }  # fmt: skip
    assert said == wanted.get(kind, "auto-generated")
    assert (kinds.ALL[kind].origin is Origin.PERSON) == (said is None)


@pytest.mark.parametrize("kind", sorted(kinds.ALL))
def test_o26_o43_responders_are_asked_to_be_quiet(kind: str) -> None:
    """Absence notes are not wanted, bounces are; Precedence is a hint on mail to many."""
    mail = golden.mail(kind)
    assert mail.get("X-Auto-Response-Suppress") == "OOF, AutoReply, RN, NRN, DR"
    assert mail.get("Precedence") == ("list" if kinds.ALL[kind].bulk else None)
    assert mail.get("X-Folkmoot-Loop") is not None


@pytest.mark.parametrize("kind", sorted(kinds.ALL))
def test_service_mail_is_not_left(kind: str) -> None:
    """Only mail to many carries the fields of leaving."""
    mail = golden.mail(kind)
    assert (mail.get("List-Unsubscribe") is not None) == kinds.ALL[kind].bulk
    assert (mail.get("List-Unsubscribe-Post") is not None) == kinds.ALL[kind].bulk
    assert (mail.get("Feedback-ID") is not None) == kinds.ALL[kind].bulk


@pytest.mark.parametrize("kind", sorted(kinds.ALL))
def test_o22_answers_are_read(kind: str) -> None:
    """Nothing comes from "noreply"."""
    mail = golden.mail(kind)
    assert mail.reply_to
    assert "reply@" not in mail.reply_to[0].address
    assert mail.from_ is not None
    assert "noreply" not in mail.from_.address.replace("-", "")


NASTY = 'Eve\r\nBcc: all@example.org\x1b, "<x@y.example>" =?utf-8?q?a?='


def test_o10_names_cannot_break_out(network: Network) -> None:
    """A name with line breaks, quotes and an address in it stays a name."""
    network.person(NASTY, "eve@ashford.example", network.main)
    network.person("Siân Ŵyn-Jones, PhD", "sian@ashford.example", network.main)
    send_newsletter(network.main, subject="News\r\nX-Evil: yes")
    found = letters("newsletter")
    for address, mail in found.items():
        assert mail.get("Bcc") is None
        assert mail.get("X-Evil") is None
        assert [box.address for box in mail.to] == [address]
        assert not mail.defects
    assert found["sian@ashford.example"].to[0].name == "Siân Ŵyn-Jones, PhD"


def test_o3_list_titles_in_any_script(network: Network) -> None:
    """A title beyond ASCII is left out where it would need encoding, and shown where it may be."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    with database.transaction() as session:
        session.get_one(MailingList, network.main).title = "Rhwydwaith Ŵ"
    send_newsletter(network.main)
    mail = letters("newsletter")["anna@ashford.example"]
    assert mail.get("List-Id") == "<ai-network.lists.example.org>"
    assert mail.from_ is not None
    assert mail.from_.name == "Rhwydwaith Ŵ"
    for name in (b"List-", b"Reply-To", b"References", b"Message-ID"):
        assert not re.search(rb"^" + name + rb"[^\r]*=\?", mail.header_block, re.MULTILINE)


def test_o36_long_chains_keep_both_ends() -> None:
    """Of 60 ids the first and the last stay; ids that would break a field are left out."""
    ids = tuple(f"{n}@posts.example" for n in range(60))
    facts = Facts(words={}, answers=(*ids[:30], "no good@x", "<a>@b", "ü@x", *ids[30:]))
    made = dict(
        fields.fields_of(kinds.ALL["sign_in"], Mailing(message_id="m@x"), None, facts, "Subject")
    )
    assert made["In-Reply-To"] == "<59@posts.example>"
    references = str(made["References"]).split()
    assert references[0] == "<0@posts.example>"
    assert references[-1] == "<59@posts.example>"
    assert len(references) == fields.MOST_REFERENCES
