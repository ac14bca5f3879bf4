"""Fixtures for pages: the small network with mail, posts and meetings in it, served on a port."""

import datetime as dt
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from archive import search
from archive.models import Attachment, Blob, Post, PostState, Thread
from core import clock, database, tokens
from core.tokens import Purpose
from mailer.models import Delivery, Incoming, Mailing, MailingState, State
from meetings import changes, contributions, minutes
from meetings.models import Meeting, MeetingState
from subscribers import joining, lists
from subscribers.models import JoinRequest, MailingList, RequestState
from tests.conftest import Network
from tests.servers.web import Browser, web_server
from web.models import WebSession

CANARY = "canary-of-the-closed-list"


@dataclass
class Place:
    """A served network and the ids of what is in it."""

    network: Network
    port: int
    anna: int
    ben: int
    mod: int
    thread: int
    closed_thread: int
    post: int
    closed_post: int
    held: int
    closed_attachment: int
    attachment: int
    meeting: int
    past: int
    closed_meeting: int
    planned: int
    mailing: int
    draft: int
    join: int
    waiting: int
    stuck: int

    def browser(self, person: int | None = None) -> Browser:
        """A browser, signed in as a person."""
        made = Browser(self.port)
        if person is not None:
            secret = tokens.random_secret()
            with database.transaction() as session:
                session.add(
                    WebSession(
                        digest=tokens.digest_of(secret),
                        person_id=person,
                        started_at=clock.now(),
                        seen_at=clock.now(),
                    )
                )
            made.cookies["__Host-folkmoot-session"] = secret
            made.cookies["folkmoot-session"] = secret
        return made

    def leave_path(self, person: int) -> str:
        """The mailed page to leave the main list."""
        return f"/leave/{tokens.make(Purpose.LEAVE, person, self.network.main)}"

    def confirm_path(self) -> str:
        """The mailed page to confirm joining."""
        return f"/confirm/{tokens.make(Purpose.CONFIRM, self.join)}"

    def rsvp_path(self, person: int) -> str:
        """The mailed page to answer the invitation."""
        return f"/rsvp/{tokens.make(Purpose.RSVP, person, self.meeting, made=tokens.UNDATED)}"


def add_post(
    list_id: int, subject: str, parts: list[tuple[str, str]], *, author: str = "Ben Baker",
    organisation: str = "Bexhill Council", parent: Post | None = None, html: str | None = None,
    mailing_id: int | None = None, state: str = PostState.FILED, person_id: int | None = None,
) -> Post:  # fmt: skip
    """Put a post into the archive, in the thread of its parent or in a new one."""
    with database.transaction() as session:
        now = clock.now()
        if parent is None:
            thread = Thread(list_id=list_id, subject=subject, started_at=now, last_at=now, posts=0)
            session.add(thread)
            session.flush()
        else:
            thread = session.get_one(Thread, parent.thread_id)
        if state == PostState.FILED:
            thread.posts += 1
        own = "".join(text for kind, text in parts if kind == "own")
        post = Post(
            list_id=list_id, thread_id=thread.id, parent_id=parent.id if parent else None,
            reason="in-reply-to" if parent else "new",
            message_id=f"{tokens.random_secret()}@council.example", person_id=person_id,
            author=author, organisation=organisation, subject=subject, sent_at=now,
            received_at=now, own_words=own, parts=json.dumps(parts), html=html, state=state,
            mailing_id=mailing_id,
            held_why="sender not proved" if state == PostState.HELD else None,
        )  # fmt: skip
        session.add(post)
        session.flush()
        search.index(session, post)
        return post


def add_attachment(post: Post, name: str, content: bytes) -> int:
    """Give a post a file."""
    with database.transaction() as session:
        sha256 = tokens.digest_of(name)
        session.add(Blob(sha256=sha256, content=content))
        session.flush()
        made = Attachment(
            post_id=post.id, name=name, type="text/html", size=len(content), sha256=sha256
        )
        session.add(made)
        session.flush()
        return made.id


def add_meeting(list_id: int, title: str, days: int, state: str = MeetingState.ANNOUNCED) -> int:
    """Plan a meeting so many days from now; a past one gets a summary."""
    with database.transaction() as session:
        list_ = session.get_one(MailingList, list_id)
        starts = dt.datetime.combine((clock.now() + dt.timedelta(days=days)).date(), dt.time(10, 0))
        made = changes.create(
            session, list_, title, starts, starts + dt.timedelta(minutes=90),
            theme="Buying well", description="Five councils talk about procurement.",
            join_link="https://teams.example/meet/123", by=None,
        )  # fmt: skip
        contributions.add_speaker(
            session, made.id, "Professor Crook", organisation="Oxford Brookes University",
            words="What is under the hood",
        )  # fmt: skip
        made.state = state
        if days < 0:
            minutes.publish_summary(
                session, made.id, "# What we heard\n\n- **Contracts** need an exit\n- Share them"
            )
        return made.id


def _requests(network: Network) -> tuple[int, int]:
    """A request to be confirmed, and one that waits for the coordinator."""
    with database.transaction() as session:
        main = session.get_one(MailingList, network.main)
        asked = joining.request(session, main, "new@calder.example", "Nina New", source="form",
                                evidence="test")  # fmt: skip
        assert asked is not None
        held = JoinRequest(
            list_id=network.main, mailbox="olly@elsewhere.example", key="olly@elsewhere.example",
            name="Olly Outsider", organisation="Unknown Ltd", source="form",
            wording=joining.WORDING, evidence="test", state=RequestState.HELD,
            asked_at=clock.now(), confirmed_at=clock.now(),
        )  # fmt: skip
        session.add(held)
        session.flush()
        return asked.id, held.id


def _mailings(network: Network, people: list[tuple[int, str]]) -> tuple[int, int]:
    """A newsletter that is being sent, and a draft."""
    with database.transaction() as session:
        now = clock.now()
        common = {"kind": "newsletter", "list_id": network.main, "bulk": True, "created_at": now}
        sent = Mailing(**common, state=MailingState.SENDING, subject="February news",
                       message_id="february@lists.example.org", planned_at=now)  # fmt: skip
        draft = Mailing(**common, state=MailingState.DRAFT, subject="March news",
                        source="## Copilot\n\nHello [guide](https://example.org/guide).",
                        message_id="march@lists.example.org")  # fmt: skip
        session.add_all([sent, draft])
        session.flush()
        states = [
            (State.ACCEPTED, "250 2.0.0", "queued as 4F2"),
            (State.REFUSED, "550 5.1.1", "no such user"),
            (State.EXCLUDED, None, None),
        ]
        for (person, address), (state, code, words) in zip(people, states, strict=False):
            session.add(
                Delivery(
                    mailing_id=sent.id,
                    person_id=person,
                    address=address,
                    state=state,
                    code=code,
                    words=words,
                    next_try=now,
                    settled_at=now,
                    reason="suspended" if state == State.EXCLUDED else None,
                )
            )
        return sent.id, draft.id


def _stuck() -> int:
    raw = b"From: Mystery <m@council.example>\r\nSubject: What is this?\r\n\r\nNobody knows.\r\n"
    with database.transaction() as session:
        made = Incoming(
            mailbox="INBOX", uidvalidity=1, uid=1, raw=zlib.compress(raw), sha256="0" * 64,
            size=len(raw), arrived_at=clock.now(), state="stuck", why="no list is meant",
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


@pytest.fixture
def place(network: Network, moment: dt.datetime) -> Iterator[Place]:
    """A network with something of everything in it, served on a free port."""
    main, sub = network.main, network.sub
    anna = network.person("Anna Archer", "anna@ashford.example", main, mode="monthly")
    ben = network.person("Ben Baker", "ben@bexhill.example", main, sub)
    mod = network.person("Mo Moderator", "mo@calder.example", main, moderator=True)
    first = add_post(main, "Simply Readable in practice",
                     [("own", "Has anybody used it?\n\nSee https://example.org/tool\n"),
                      ("signature", "-- \nBen\n")])  # fmt: skip
    answer = add_post(
        main, "Re: Simply Readable in practice",
        [("own", "We have, in Ashford.\n"), ("quoted", "> Has anybody used it?\n> Really?\n")],
        author="Anna Archer", organisation="Ashford Council", parent=first,
    )  # fmt: skip
    add_post(main, "Re: Simply Readable in practice", [("own", "Thank you.\n")], parent=answer)
    closed = add_post(sub, f"Licences {CANARY}", [("own", f"What we pay {CANARY}\n")])
    held = add_post(main, "Buy my thing", [("own", "Cheap!\n")], author="Spammer",
                    organisation="", state=PostState.HELD)  # fmt: skip
    waiting = _requests(network)
    mailing, draft = _mailings(network, [(anna, "anna@ashford.example"),
                                         (ben, "ben@bexhill.example"),
                                         (mod, "mo@calder.example")])  # fmt: skip
    made = Place(
        network=network, port=0, anna=anna, ben=ben, mod=mod, thread=first.thread_id,
        closed_thread=closed.thread_id, post=first.id, closed_post=closed.id, held=held.id,
        attachment=add_attachment(first, "prices <1>.html", b"<script>alert(1)</script>"),
        closed_attachment=add_attachment(closed, f"{CANARY}.html", b"x"),
        meeting=add_meeting(main, "Procurement roundtable", 28),
        past=add_meeting(main, "Productivity", -28),
        closed_meeting=add_meeting(sub, f"Closed talk {CANARY}", 14),
        planned=add_meeting(main, "Not announced", 60, MeetingState.PLANNED),
        mailing=mailing, draft=draft, join=waiting[0], waiting=waiting[1], stuck=_stuck(),
    )  # fmt: skip
    with web_server(0) as port:
        made.port = port
        yield made


def meeting_of(number: int) -> Meeting:
    """A meeting as it stands."""
    with database.reading() as session:
        return session.get_one(Meeting, number)


def list_named(name: str) -> MailingList | None:
    """A list as it stands."""
    with database.reading() as session:
        return lists.by_name(session, name)
