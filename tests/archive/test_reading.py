"""Reading the archive: pages of threads, trees, and what is new for a digest."""

import datetime as dt

from archive import reading
from archive.models import Post
from core import database
from tests.archive.letters import NINE, mail, put
from tests.conftest import Network


def test_threads_come_in_pages_the_last_active_first(network: Network) -> None:
    """Who wrote last stands first."""
    with database.transaction() as session:
        for n in range(5):
            put(
                session,
                network.main,
                mail(subject=f"No {n}", minute=n, message_id=f"{n}@x.example"),
            )
        put(session, network.main, mail(subject="Re: No 1", minute=9, In_Reply_To="<1@x.example>"))
    with database.reading() as session:
        pages = [reading.threads_of(session, network.main, page, size=3) for page in (1, 2, 3)]
    assert [[thread.subject for thread in page] for page in pages] == [
        ["No 1", "No 4", "No 3"], ["No 2", "No 0"], [],
    ]  # fmt: skip


def test_a_tree_is_read_from_top_to_bottom(network: Network) -> None:
    """Each answer below what it answers, in the order of time; depth costs no stack."""
    with database.transaction() as session:
        letters = [mail(message_id="0@x.example")]
        for n in range(1, 1500):
            letters.append(
                mail(subject="Re: x", minute=n, message_id=f"{n}@x.example",
                     In_Reply_To=f"<{n - 1}@x.example>")
            )  # fmt: skip
        letters.append(mail(subject="Re: x", minute=5000, In_Reply_To="<0@x.example>"))
        first = put(session, network.main, *letters)[0]
    with database.reading() as session:
        tree = reading.thread_tree(session, session.get_one(Post, first).thread_id)
    assert [depth for depth, _ in tree] == [*range(1500), 1]


def test_digest_items(network: Network) -> None:
    """What people wrote after the last digest, the liveliest discussion first."""
    with database.transaction() as session:
        put(session, network.main,
            mail(subject="Old", minute=0), mail(subject="One", minute=10),
            mail(subject="Two", minute=11, message_id="two@x.example"),
            mail(subject="Re: Two", minute=12, In_Reply_To="<two@x.example>"),
            mail(subject="Late", minute=30))  # fmt: skip
        put(session, network.sub, mail(subject="Elsewhere", minute=10))
    with database.reading() as session:
        since, until = (NINE + dt.timedelta(minutes=m) for m in (0, 20))
        found = reading.digest_items(session, network.main, since, until)
    assert [(item.thread.subject, len(item.posts)) for item in found] == [("Two", 2), ("One", 1)]
