"""Posts that are filed together have the fate that each would have had by itself."""

import itertools
from collections.abc import Callable, Sequence
from email.message import EmailMessage

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from archive import filing, intake
from archive.models import Attachment, Post, Reference, Thread
from core import database, settings
from core.events import PostArrived
from core.outbox import EventRow
from mailer.models import Incoming
from subscribers.models import MailingList
from tests.archive.letters import NINE, TRUSTED, arrive, mail
from tests.conftest import Network

ANNA, BEN = "Anna Archer <anna@ashford.example>", "Ben Boon <ben@bexhill.example>"
ZED = "Zed <zed@elsewhere.example>"


def letters() -> list[EmailMessage]:
    """A week of mail: discussions, answers with and without ids, copies, strangers, no proof."""
    return [
        mail(ANNA, "Copilot", message_id="a@x"),
        mail(BEN, "Re: Copilot", "Ten pounds.", message_id="b@x", minute=1, In_Reply_To="<a@x>"),
        mail(ANNA, "Re: Copilot", "Thanks!", message_id="c@x", minute=2, References="<a@x> <b@x>"),
        mail(BEN, "RE: Copilot", "No ids here.", message_id="d@x", minute=3),
        mail(ANNA, "Copilot", message_id="a@x"),
        mail(ANNA, "Another day", "Same id.", message_id="a@x", minute=9),
        mail(ZED, "Hello", "May I?", message_id="z@x", minute=4),
        mail(BEN, "Not me", "Really?", message_id="n@x", minute=5, proved=False),
        mail(BEN, "[#1] Numbers", "Into thread one.", message_id="v@x", minute=6),
        mail(ANNA, "Minutes", "Shared.", message_id="m@x", minute=7),
    ]


def together(session: Session, numbers: Sequence[int]) -> None:
    """All in one reaction."""
    intake.file_posts(session, [PostArrived(number) for number in numbers])


def one_by_one(session: Session, numbers: Sequence[int]) -> None:
    """Each in a reaction of its own."""
    for number in numbers:
        filing.file_post(session, PostArrived(number))


Way = Callable[[Session, Sequence[int]], None]


def outcome(network: Network, order: Sequence[int], way: Way) -> dict[str, object]:
    """What stands in the archive afterwards, without any number of a row; then it is emptied."""
    mails = letters()
    with database.transaction() as session:
        numbers = [arrive(session, mails[place], network.main, at=NINE) for place in order]
    with database.transaction() as session:
        way(session, numbers)
    with database.transaction() as session:
        posts = session.scalars(select(Post)).all()
        names = {post.id: post.message_id for post in posts}
        groups = {
            frozenset(other.message_id for other in posts if other.thread_id == post.thread_id)
            for post in posts
            if post.state == "filed"
        }
        found = {
            "posts": {
                (p.message_id, names.get(p.parent_id or 0), p.reason, p.state, p.held_why, p.author)
                for p in posts
            },
            "threads": groups,
            "notes": sorted(
                (why or "").rpartition(" ")[0] for why in session.scalars(select(Incoming.why))
            ),
            "events": sorted(
                name
                for name in session.scalars(select(EventRow.name))
                if name in {"PostFiled", "PostHeld", "MailNotUnderstood"}
            ),
        }
        for table in (Attachment, Reference, Post, Thread, Incoming, EventRow):
            session.execute(delete(table))
    return found


@pytest.fixture
def members(network: Network, moment: object) -> Network:
    """A network of two members, in which nobody has written yet."""
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    network.person("Anna Archer", "anna@ashford.example", network.main)
    network.person("Ben Boon", "ben@bexhill.example", network.main)
    return network


@hypothesis.settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(range(9)))
def test_together_is_as_one_by_one(members: Network, order: list[int]) -> None:
    """Whatever the order: the same posts, places, reasons, holds, notes and events."""
    order = [place for place in order if place != 8]  # a number in a subject depends on the order
    assert outcome(members, order, together) == outcome(members, order, one_by_one)


def test_the_same_twice_is_as_once(members: Network) -> None:
    """A reaction that runs again finds all filed."""
    with database.transaction() as session:
        numbers = [arrive(session, one, members.main) for one in letters()]
    for _ in range(2):
        with database.transaction() as session:
            together(session, numbers)
    with database.reading() as session:
        posts = session.scalars(select(Post.message_id)).all()
        events = session.scalars(select(EventRow.key).where(EventRow.name == "PostFiled")).all()
    assert len(posts) == len(set(posts)) == 9
    assert len(events) == len(set(events))


def test_several_lists_and_none(members: Network) -> None:
    """Posts of two lists are filed in one go, each on its list; one for no list is given up."""
    with database.transaction() as session:
        lists = itertools.cycle([members.main, members.sub])
        session.get_one(MailingList, members.sub).closed = False
        for one, list_id in zip(letters()[:4], lists, strict=False):
            arrive(session, one, list_id)
        arrive(session, mail(ANNA, "Nowhere", message_id="w@x"), None)
        numbers = session.scalars(select(Incoming.id).order_by(Incoming.id)).all()
        together(session, numbers)
        where = {row.message_id: row.list_id for row in session.scalars(select(Post))}
        assert where["a@x"] == where["c@x"] == members.main
        assert where["b@x"] == where["d@x"] == members.sub
        assert session.get_one(Incoming, numbers[-1]).state == "stuck"
