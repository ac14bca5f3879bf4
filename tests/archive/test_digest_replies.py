"""Answers to a digest, as ten mail programs write them, land where a reader would put them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive import filing, intake
from archive.models import Post, PostState, ReplyTarget
from core import database, settings
from core.events import MailArrived, PostArrived
from core.outbox import EventRow
from mailer import inbox, sorting
from mailer.models import Incoming
from tests.archive.digest_replies.cases import HELD, NEW, NOTHING, QUESTION, Case, cases
from tests.archive.digest_replies.harder import harder, swept
from tests.archive.digest_replies.month import Month, make
from tests.archive.letters import TRUSTED
from tests.conftest import Network

RIGHT, ASKED, WRONG, LOST = "right", "asked in vain", "silently wrong", "lost"
#: In the right thread, but with words missing or with words of the digest.
GARBLED = "garbled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an answer: its posts by the title of their item, or in a word."""

    word: str
    posts: dict[str, str]


def outcome_of(session: Session, month: Month, raw: bytes) -> Outcome:
    """Have an answer arrive, be sorted and be filed."""
    number = inbox.keep(session, "network", 1, 1_000_000, raw)
    assert number is not None
    sorting.sort(session, MailArrived(number))
    incoming = session.get_one(Incoming, number)
    if incoming.verdict != "post":
        return Outcome(NOTHING, {})
    if incoming.state != "sorted":
        return Outcome("stuck", {})
    filing.file_post(session, PostArrived(number))
    posts = list(session.scalars(select(Post).where(Post.incoming_id == number)))
    if any(post.state == PostState.HELD for post in posts):
        return Outcome(HELD, {})
    if posts:
        return Outcome("filed", {_title(session, month, post): post.own_words for post in posts})
    asked = select(EventRow.id).where(EventRow.key == f"place-asked:{number}")
    return Outcome(QUESTION if session.scalar(asked) else str(incoming.state), {})


def _title(session: Session, month: Month, post: Post) -> str:
    """The item to whose thread a post belongs."""
    target = session.scalars(
        select(ReplyTarget).where(
            ReplyTarget.mailing_id == month.mailing, ReplyTarget.thread_id == post.thread_id
        )
    ).first()
    return target.title if target else NEW


def judged(case: Case, outcome: Outcome) -> str:
    """Whether an answer is where a reader would put it, with its own words and no others."""
    if outcome.word == "filed":
        if case.expected == NEW:
            return RIGHT if set(outcome.posts) == {NEW} else WRONG
        if not isinstance(case.expected, dict) or set(outcome.posts) != set(case.expected):
            return WRONG
        return RIGHT if _has_its_words(case.expected, outcome.posts) else GARBLED
    if outcome.word == case.expected:
        return RIGHT
    return ASKED if outcome.word in (QUESTION, HELD, "stuck") else LOST


def _has_its_words(expected: dict[str, str], posts: dict[str, str]) -> bool:
    for title, words in expected.items():
        said = " ".join(posts[title].split())
        others = [other for name, other in expected.items() if name != title]
        if words not in said or any(other in said for other in others):
            return False
        if "Answer this item by email" in said or "You get this email because" in said:
            return False
    return True


@dataclass(slots=True)
class Score:
    """How many answers came right, by program and by kind, and what became of the others."""

    tally: Counter[str] = field(default_factory=Counter)
    by: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def note(self, case: Case, outcome: Outcome) -> None:
        """Judge an answer."""
        verdict = judged(case, outcome)
        right = verdict == RIGHT
        self.tally[verdict] += 1
        self.by["program", case.program.name, right] += 1
        self.by["kind", case.kind, right] += 1
        if not right:
            told = f"{case.program.name}, {case.what}: {outcome} for {case.expected}"
            self.misses.append(f"{verdict}: {told}")

    def __str__(self) -> str:
        lines = [f"{self.tally.total()} answers to a digest: {dict(self.tally)}"]
        for sort, name in sorted({(sort, name) for sort, name, _ in self.by}):
            right, missed = self.by[sort, name, True], self.by[sort, name, False]
            lines.append(f"  {sort:8} {name:26} {right:2} of {right + missed:2}")
        return "\n".join([*lines, *self.misses])


def scored(month: Month, letters: Iterable[tuple[Case, bytes]]) -> Score:
    """Have each letter arrive as if it were the only one."""
    score = Score()
    for case, raw in letters:
        with database.transaction() as session:
            score.note(case, outcome_of(session, month, raw))
            session.rollback()
    print(score)
    return score


@pytest.fixture
def month(network: Network, moment: object) -> Month:
    """A month with a digest, in a network that trusts its server."""
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))
    return make(network)


def test_digest_replies(month: Month) -> None:
    """At least 95 of 100 stand where they belong; none stands elsewhere unasked; none is lost."""
    score = scored(month, ((case, case.write(month)) for case in cases()))
    assert score.tally.total() >= 60
    assert score.tally[WRONG] == 0, score.misses
    assert score.tally[LOST] + score.tally[GARBLED] == 0, score.misses
    assert score.tally[RIGHT] >= 0.95 * score.tally.total(), score.misses


def test_harder_digest_replies(month: Month) -> None:
    """The same of rarer programs, tempting words and chains; a question more often is allowed."""
    score = scored(month, ((case, case.write(month)) for case in harder()))
    assert score.tally[WRONG] == 0, score.misses
    assert score.tally[LOST] + score.tally[GARBLED] == 0, score.misses
    assert score.tally[RIGHT] >= 0.9 * score.tally.total(), score.misses


def test_every_program_every_shape_every_item(month: Month) -> None:
    """Wherever words stand next to an item, in whatever program, they go to that item."""
    every = list(swept(month))
    score = scored(month, ((case, case.write(month)) for case in every))
    assert score.tally.total() > 300
    assert score.tally[WRONG] == 0, score.misses
    assert score.tally[LOST] + score.tally[GARBLED] == 0, score.misses
    assert score.tally[RIGHT] >= 0.95 * score.tally.total(), score.misses


def test_parts_know_of_each_other(month: Month) -> None:
    """An answer under two items becomes two posts: one message, the second names the first."""
    two = next(case for case in cases() if case.kind == "inline, several items")
    with database.transaction() as session:
        assert outcome_of(session, month, two.write(month)).word == "filed"
        number = session.scalars(select(Incoming.id)).all()[-1]
        posts = session.scalars(
            select(Post).where(Post.incoming_id == number).order_by(Post.id)
        ).all()
        assert len({post.thread_id for post in posts}) == 2
        assert len({post.message_id for post in posts}) == 2
        assert posts[1].reason.endswith(f"with {posts[0].id}")
        session.rollback()


def test_many_at_once_are_filed_alike(month: Month) -> None:
    """Filing many at once takes no answer to a digest for an ordinary post."""
    lost = [case for case in cases() if case.fields.get("In-Reply-To", "") is None]
    assert lost
    for case in lost:
        with database.transaction() as session:
            number = inbox.keep(session, "network", 1, 1_000_000, case.write(month))
            assert number is not None
            sorting.sort(session, MailArrived(number))
            intake.file_posts(session, [PostArrived(number)])
            posts = session.scalars(select(Post).where(Post.incoming_id == number))
            found = {_title(session, month, post): post.own_words for post in posts}
            wanted = case.expected if isinstance(case.expected, dict) else {}
            assert set(found) == set(wanted), case.what
            session.rollback()


def test_digest_replies_in_html_alone(month: Month) -> None:
    """A program that sends no plain text is understood as well."""
    every = [case for case in (*cases(), *harder()) if case.program.has_html]
    score = scored(month, ((case, case.write(month, plain=False)) for case in every))
    assert score.tally[WRONG] == 0, score.misses
    assert score.tally[LOST] + score.tally[GARBLED] == 0, score.misses
    assert score.tally[RIGHT] >= 0.95 * score.tally.total(), score.misses
