"""Archives in and out: every message counted, nothing twice, and back again the same."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from archive import access, export, letters, mailboxes, search, shelves, transfer
from archive.models import Post
from core import database
from mailer.models import Incoming
from subscribers.models import MailingList
from tests.archive.letters import NINE, events, file, mail, put
from tests.conftest import Network

MBOX = b"""From anna at ashford.example  Fri Feb 22 15:06:23 2008
From: anna at ashford.example (Anna Archer)
Date: Fri, 22 Feb 2008 15:06:23 +0000
Subject: [AI] Costs
Message-ID: <a@ashford.example>

What do you pay?
>From the office I hear 24 pounds.
From here on it is prose, on 22 of them.

From what I know: nothing.

From ben@bexhill.example  Fri Feb 22 16:06:23 2008
From: Ben Brook <ben@bexhill.example>
Date: Fri, 22 Feb 2008 16:06:23 +0000
Subject: Re: [AI] Costs
Message-ID: <b@bexhill.example>
In-Reply-To: <a@ashford.example>

20 pounds.

From anna at ashford.example  Fri Feb 22 15:06:23 2008
From: anna at ashford.example (Anna Archer)
Date: Fri, 22 Feb 2008 15:06:23 +0000
Subject: [AI] Costs
Message-ID: <a@ashford.example>

What do you pay?

From nobody  Sat Feb 23 09:00:00 2008
Subject: No date and no id

Hm.

From nobody  Sat Feb 23 09:00:01 2008

Not a message at all.
"""


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    """A small mbox with everything that goes wrong in one."""
    path = tmp_path / "old.mbox"
    path.write_bytes(MBOX)
    return path


def posts() -> list[Post]:
    """All posts, oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(Post).order_by(Post.sent_at, Post.id)))


def threads(list_id: int) -> list[list[tuple[str, str | None, str]]]:
    """The threads of a list as they are exported, without their numbers."""
    with database.reading() as session:
        found = export.export_threads(session, session.get_one(MailingList, list_id))
    return [[(p["message_id"], p["parent"], p["reason"]) for p in t["posts"]] for t in found]


def test_every_message_is_accounted_for(network: Network, mbox: Path) -> None:
    """Filed, named as known, or named as quarantined: the numbers add up."""
    told: list[int] = []
    report = transfer.import_mbox(mbox, "ai-network", told.append)
    assert (report.total, report.filed) == (5, 3)
    assert [one.rpartition(" ")[2] for one in report.duplicates] == ["<a@ashford.example>"]
    (bad,) = report.quarantined
    assert bad.startswith("old.mbox@")
    assert bad.endswith("it has no header")
    assert told == [5]
    first, second, third = posts()
    assert first.author == "Anna Archer"
    assert "\nFrom the office I hear" in first.own_words + first.parts.replace("\\n", "\n")
    assert (second.author, second.parent_id) == ("Ben Brook", first.id)
    assert f"{third.sent_at:%Y-%m-%d %H:%M}" == "2008-02-23 09:00"
    assert {one.person_id for one in posts()} == {None}
    assert events("PostFiled") == []
    with database.reading() as session:
        stuck = session.scalars(select(Incoming).where(Incoming.state == "stuck")).one()
        assert stuck.why == "import: it has no header"
        viewer = access.viewer(session, network.coordinator)
        assert [hit.post.id for hit in search.search(session, viewer, "pounds")]


def test_a_second_import_adds_nothing(network: Network, mbox: Path) -> None:
    """The same file again: all known, and not a row more."""
    transfer.import_mbox(mbox, "ai-network")

    def rows() -> list[int | None]:
        with database.reading() as session:
            return [session.scalar(select(func.count(t.id))) for t in (Post, Incoming)]

    before = rows()
    report = transfer.import_mbox(mbox, "ai-network")
    assert (report.filed, len(report.duplicates), len(report.quarantined)) == (0, 4, 1)
    assert rows() == before


def test_members_are_recognised(network: Network, mbox: Path) -> None:
    """Who is a member is filed as that person; others by the name they gave."""
    ben = network.person("Benjamin Brook", "Ben@bexhill.example", network.main)
    transfer.import_mbox(mbox, "ai-network")
    assert [(p.author, p.person_id, p.organisation) for p in posts()][:2] == [
        ("Anna Archer", None, ""), ("Benjamin Brook", ben, "Bexhill Council"),
    ]  # fmt: skip


def test_an_unknown_list(network: Network, mbox: Path) -> None:
    """It says that there is no such list."""
    with pytest.raises(transfer.NoSuchList, match='no list "nowhere"'):
        transfer.import_mbox(mbox, "nowhere")


def test_what_the_database_refuses(
    network: Network, mbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message that cannot be written is quarantined; the rest of its batch is filed."""
    write = shelves.write

    def refuse(session, list_id, letters):  # type: ignore[no-untyped-def]
        if any(letter.message_id == "b@bexhill.example" for letter in letters):
            session.execute(select(func.no_such_function()))
        return write(session, list_id, letters)

    monkeypatch.setattr(shelves, "write", refuse)
    report = transfer.import_mbox(mbox, "ai-network")
    assert (report.total, report.filed, len(report.duplicates)) == (5, 2, 1)
    assert len(report.quarantined) == 2
    assert "the database refused it" in report.quarantined[0]


def test_what_cannot_be_read(network: Network, mbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message on which our reading fails is quarantined by name; nothing stops."""
    read = letters.letter_of

    def fail(message, sha256, arrived):  # type: ignore[no-untyped-def]
        if message.message_id == "b@bexhill.example":
            raise RecursionError
        return read(message, sha256, arrived)

    monkeypatch.setattr(transfer, "letter_of", fail)
    report = transfer.import_mbox(mbox, "ai-network")
    assert (report.filed, len(report.quarantined)) == (2, 2)
    assert "RecursionError" in report.quarantined[0]


def test_maildir(network: Network, tmp_path: Path) -> None:
    """Seen and unseen messages of a Maildir."""
    for part, number in (("cur", 1), ("new", 2), ("tmp", 3)):
        (tmp_path / part).mkdir()
        (tmp_path / part / f"{number}.host").write_bytes(mail(subject=f"No {number}").as_bytes())
    report = transfer.import_maildir(tmp_path, "ai-network")
    assert (report.total, report.filed) == (2, 2)


def test_export_and_import_give_the_same_archive(network: Network, mbox: Path) -> None:
    """What was imported and what members wrote goes out, and in again on another list, with the
    same threads, words and files."""
    transfer.import_mbox(mbox, "ai-network")
    with_file = mail(subject="Re: Costs", text="From me:\nsee attached.\n", minute=1,
                     In_Reply_To="<b@bexhill.example>")  # fmt: skip
    with_file.add_attachment(b"\x00\x01", "application", "x-thing", filename="thing.bin")
    with database.transaction() as session:
        put(session, network.main, with_file, mail(subject="Ünïcode", minute=2))
    out = io.BytesIO()
    with database.reading() as session:
        count = transfer.export_mbox(session, session.get_one(MailingList, network.main), out)
    assert count == 5
    mbox.write_bytes(out.getvalue())
    report = transfer.import_mbox(mbox, "copilot")
    assert (report.filed, report.duplicates, report.quarantined) == (5, [], [])
    assert threads(network.sub) == threads(network.main)
    with database.reading() as session:
        for name in ("own_words", "author", "subject", "sent_at"):
            values = [
                session.scalars(
                    select(getattr(Post, name)).where(Post.list_id == list_id)
                    .order_by(Post.sent_at, Post.message_id)
                ).all()
                for list_id in (network.main, network.sub)
            ]  # fmt: skip
            assert values[0] == values[1], name


def test_export_holds_no_address_of_a_member(network: Network) -> None:
    """What members wrote by mail goes out under their names, without address and token."""
    network.person("Anna Archer", "anna@ashford.example", network.main)
    from core import settings

    update = {"post_office": True}
    settings.use(settings.current().model_copy(update=update))
    file(mail(), network.main)
    out = io.BytesIO()
    with database.reading() as session:
        transfer.export_mbox(session, session.get_one(MailingList, network.main), out)
    assert b"Anna Archer" in out.getvalue()
    assert b"anna@ashford.example" not in out.getvalue()


@given(
    st.lists(st.lists(st.sampled_from(["From me", ">From you", "text", "", "A: b"])), max_size=5)
)
def test_mbox_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[list[str]]
) -> None:
    """Whatever a body holds, the same messages come out that went in."""
    raws = [
        f"Subject: {n}\n\n".encode() + "\n".join(lines).encode() + b"\n"
        for n, lines in enumerate(bodies)
    ]
    path = tmp_path_factory.mktemp("mbox") / "x.mbox"
    path.write_bytes(b"".join(mailboxes.as_mbox(raw, NINE) for raw in raws))
    found = list(mailboxes.messages_in(path))
    assert [one.raw.rstrip(b"\n") for one in found] == [raw.rstrip(b"\n") for raw in raws]
    assert {one.came for one in found} <= {NINE}


def test_an_empty_mbox(tmp_path: Path) -> None:
    """No messages, no trouble; text before the first separator is not lost."""
    path = tmp_path / "x.mbox"
    path.write_bytes(b"")
    assert list(mailboxes.messages_in(path)) == []
    path.write_bytes(b"Subject: x\n\nbody\n\n" + MBOX)
    assert len(list(mailboxes.messages_in(path))) == 6
