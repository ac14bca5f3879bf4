"""From mail that arrived to posts in their threads: authority, routing, digests, questions."""

import json
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select, update

from archive import access, filing, items, moderation, reading, routing, targets
from archive.models import Attachment, Blob, Post, PostState, ReplyTarget, Thread
from archive.targets import Item
from core import database, settings, tokens
from core.events import MailingPlanned, PostArrived, PostFiled
from core.tokens import Purpose
from mailer.models import Incoming, Mailing, MessageAlias
from mailings import planning
from message import thread_index
from message.mould import Mould
from message.parse import parse
from subscribers.models import MailingList, Mode, Role, Subscription
from tests.archive.letters import TRUSTED, arrive, events, file, mail, mailing, post
from tests.archive.test_items import LICENCES, NOTES, PARKING, TEXT, quoted, section, until
from tests.conftest import Network

ANNA = "Anna Archer <anna@ashford.example>"
BEN = "Ben Brook <ben@bexhill.example>"
SPY = "Spy <spy@elsewhere.example>"


@pytest.fixture(autouse=True)
def _trusting(moment: object) -> None:
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": [TRUSTED]}))


@pytest.fixture
def anna(network: Network) -> int:
    """A member of the main list."""
    return network.person("Anna Archer", "anna@ashford.example", network.main)


@pytest.fixture
def ben(network: Network) -> int:
    """A member of both lists."""
    return network.person("Ben Brook", "ben@bexhill.example", network.main, network.sub)


# --- a post --------------------------------------------------------------------------------


def test_a_post_is_filed(network: Network, anna: int) -> None:
    """A member's message stands in a thread of its own, under her name and council."""
    (found,) = file(mail(ANNA, text="What do you pay?\n\n-- \nAnna\n"), network.main)
    filed = post(found)
    assert (filed.person_id, filed.author, filed.organisation) == (
        anna, "Anna Archer", "Ashford Council",
    )  # fmt: skip
    assert (filed.state, filed.reason, filed.parent_id) == (PostState.FILED, "new", None)
    assert filed.own_words == "What do you pay?"
    assert "".join(text for _, text in json.loads(filed.parts)).strip().endswith("Anna")
    assert events("PostFiled") == [json.dumps({"post": found})]
    with database.reading() as session:
        (thread,) = reading.threads_of(session, network.main)
        assert (thread.subject, thread.posts) == ("Copilot licences", 1)
        assert reading.why_here(filed)


def test_the_same_event_twice_is_once(network: Network, anna: int) -> None:
    """A reaction may run twice, and the same message may arrive by two ways."""
    letter = mail(ANNA, message_id="one@ashford.example")
    with database.transaction() as session:
        incoming = arrive(session, letter, network.main)
    for _ in range(2):
        with database.transaction() as session:
            filing.file_post(session, PostArrived(incoming))
    assert file(letter, network.main) == []
    with database.reading() as session:
        assert session.scalar(select(func.count(Post.id))) == 1
    assert len(events("PostFiled")) == 1


def test_without_message_id(network: Network, anna: int) -> None:
    """A message without Message-ID gets one from its hash, always the same."""
    letter = mail(ANNA)
    del letter["Message-ID"]
    (found,) = file(letter, network.main)
    assert post(found).message_id.endswith("@without-message-id.invalid")
    assert file(letter, network.main) == []


def test_attachments_are_kept_once(network: Network, anna: int) -> None:
    """The same file in two posts is one blob."""
    for number in (1, 2):
        letter = mail(ANNA, subject=f"Policy {number}", text=f"See attachment {number}.")
        letter.add_attachment(b"%PDF-1.7", "application", "pdf", filename="policy.pdf")
        (found,) = file(letter, network.main)
    with database.reading() as session:
        (attachment,) = reading.attachments_of(session, [found])[found]
        assert (attachment.name, attachment.type, attachment.size) == (
            "policy.pdf", "application/pdf", 8,
        )  # fmt: skip
        assert reading.content_of(session, attachment) == b"%PDF-1.7"
        assert session.scalar(select(func.count(Blob.sha256))) == 1
        assert session.scalar(select(func.count(Attachment.id))) == 2


def test_what_no_database_can_store(network: Network, anna: int) -> None:
    """NUL bytes and broken characters do not stop a message."""
    letter = mail(ANNA, message_id="nul@ashford.example").as_bytes()
    letter = letter.replace(b"What do", b"What\x00 do \xff\xfe").replace(b"Copilot", b"Co\x00pilot")
    (found,) = file(letter, network.main)
    assert "you pay" in post(found).own_words


def test_html_is_made_safe(network: Network, anna: int) -> None:
    """The HTML that is stored can be shown."""
    letter = mail(ANNA)
    letter.add_alternative('<p onclick="x()">Hi<script>alert(1)</script></p>', subtype="html")
    (found,) = file(letter, network.main)
    html = post(found).html or ""
    assert "Hi" in html
    assert "script" not in html
    assert "onclick" not in html


# --- who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "sender", "proved", "why"),
    [
        ("a member whom our server vouches for", ANNA, True, None),
        ("a member whom nobody vouches for", ANNA, False, "sender not proved"),
        ("nobody we know", SPY, True, "not a member of the list"),
    ],
)
def test_who_may_post(
    network: Network, anna: int, what: str, sender: str, proved: bool, why: str | None
) -> None:
    """Proved members are filed; the rest waits for a moderator with the reason."""
    (found,) = file(mail(sender, proved=proved), network.main)
    filed = post(found)
    assert filed.held_why == why, what
    assert filed.state == (PostState.HELD if why else PostState.FILED)
    assert len(events("PostHeld")) == (1 if why else 0)
    assert len(events("PostFiled")) == (0 if why else 1)


@pytest.mark.parametrize(
    ("proof", "filed"), [("none", False), ("token", True), ("another's token", False)]
)
def test_without_a_trusted_server(
    network: Network, anna: int, ben: int, proof: str, filed: bool
) -> None:
    """With nobody to vouch, a reply address that only this person has is the proof."""
    settings.use(settings.current().model_copy(update={"trusted_authserv_ids": []}))
    with database.transaction() as session:
        _, copies = mailing(session, "newsletter", network.main, anna, ben)
    owner = {"token": anna, "another's token": ben}.get(proof)
    token = tokens.make(Purpose.REPLY, copies[owner], 0) if owner else None
    (found,) = file(mail(ANNA), network.main, token)
    assert (post(found).state == PostState.FILED) is filed


def test_the_post_office_is_its_own_witness(network: Network, anna: int) -> None:
    """For trying out, a member's From is enough."""
    update = {"trusted_authserv_ids": [], "post_office": True}
    settings.use(settings.current().model_copy(update=update))
    (found,) = file(mail(ANNA, proved=False), network.main)
    assert post(found).state == PostState.FILED


def test_announcements_only(network: Network, anna: int) -> None:
    """On a list for announcements members' posts wait; those of coordinators do not."""
    with database.transaction() as session:
        session.get_one(MailingList, network.main).announce_only = True
    (held,) = file(mail(ANNA), network.main)
    (filed,) = file(mail("Carol <carol@host.example>", subject="News"), network.main)
    assert post(held).held_why == "the list is for announcements"
    assert post(filed).state == PostState.FILED


def test_moderation(network: Network, anna: int) -> None:
    """An approved post moves into the thread that it answers; two moderators act once."""
    (first,) = file(mail(ANNA, message_id="a@ashford.example"), network.main)
    answer = mail(SPY, subject="Re: Copilot licences", In_Reply_To="<a@ashford.example>")
    (held,) = file(answer, network.main)
    other = network.person("Mo", "mo@calder.example", network.main, moderator=True)
    with database.transaction() as session:
        with pytest.raises(access.NotAllowed):
            moderation.approve(session, held, anna)
        assert moderation.approve(session, held, other)
        assert not moderation.approve(session, held, network.coordinator)
        assert not moderation.reject(session, held, network.coordinator, "late")
    assert post(held).parent_id == first
    assert post(held).thread_id == post(first).thread_id
    with database.reading() as session:
        (thread,) = reading.threads_of(session, network.main)
        assert thread.posts == 2
    assert len(events("PostFiled")) == 2
    (second,) = file(mail(SPY, subject="Buy now"), network.main)
    with database.transaction() as session:
        assert moderation.reject(session, second, other, "advertising")
        assert moderation.held(session, access.Viewer(other)) == []
    assert post(second).state == PostState.REJECTED


# --- answers ---------------------------------------------------------------------------------


def test_an_answer_by_header(network: Network, anna: int, ben: int) -> None:
    """In-Reply-To and References lead into the thread."""
    (first,) = file(mail(ANNA, message_id="a@ashford.example"), network.main)
    (second,) = file(
        mail(BEN, subject="Re: Copilot licences", In_Reply_To="<a@ashford.example>"), network.main
    )
    assert (post(second).parent_id, post(second).reason) == (first, "in-reply-to")


def test_an_answer_to_the_copy_of_a_post(network: Network, anna: int, ben: int) -> None:
    """The copy went out under the mailing's Message-ID, or one rewritten on the way."""
    (first,) = file(mail(ANNA, message_id="a@ashford.example"), network.main)
    with database.transaction() as session:
        copies, _ = mailing(session, "post", network.main, ben, about=first)
        session.add(MessageAlias(message_id="rewritten@exchange.example", mailing_id=copies.id))
        copy_id = copies.message_id
    for minute, name in enumerate((copy_id, "rewritten@exchange.example"), 1):
        (answer,) = file(
            mail(BEN, subject="Re: Copilot licences", minute=minute, In_Reply_To=f"<{name}>"),
            network.main,
        )
        assert post(answer).parent_id == first


def outlook(letter: EmailMessage, index: bytes) -> EmailMessage:
    """The letter with the index of Outlook's answer to a message with an index."""
    letter["Thread-Index"] = thread_index.written(index + b"12345")
    return letter


def test_i10_an_answer_that_only_outlook_can_place(network: Network, anna: int, ben: int) -> None:
    """By Thread-Index below what it answers; an id of a message would go before it."""
    opening = thread_index.opening("anything")
    began = mail(ANNA, message_id="a@ashford.example")
    began["Thread-Index"] = thread_index.written(opening)
    (first,) = file(began, network.main)
    (other,) = file(mail(ANNA, subject="o", message_id="b@ashford.example"), network.main)
    (answer,) = file(outlook(mail(BEN, subject="Re: x", minute=2), opening), network.main)
    assert (post(answer).parent_id, post(answer).reason) == (first, "thread-index")
    assert "Outlook" in reading.why_here(post(answer))
    both = mail(BEN, subject="Re: y", minute=3, In_Reply_To="<b@ashford.example>")
    (named,) = file(outlook(both, opening), network.main)
    assert (post(named).parent_id, post(named).reason) == (other, "in-reply-to")


def test_i10_answers_in_outlook_find_each_other(network: Network, anna: int, ben: int) -> None:
    """Of a conversation that began before the list was written to; another one stays apart."""
    began, another = thread_index.opening("private"), thread_index.opening("another")
    letters = [
        outlook(mail(ANNA, subject="Re: z"), began),
        outlook(mail(BEN, subject="Re: w", minute=1), began),
        outlook(mail(BEN, subject="Re: v", minute=2), another),
    ]
    first, second, apart = (post(file(one, network.main)[0]).thread_id for one in letters)
    assert first == second != apart


def test_i10_an_answer_in_outlook_to_what_we_sent(network: Network, anna: int, ben: int) -> None:
    """Copies of a post, and of its answer, carry an index that leads back to each."""
    with database.transaction() as session:
        session.execute(update(Subscription).values(mode=Mode.EACH))
    (first,) = file(mail(ANNA, message_id="a@ashford.example"), network.main)
    (second,) = file(
        mail(ANNA, subject="Re: Copilot licences", minute=1, message_id="b@ashford.example",
             In_Reply_To="<a@ashford.example>"), network.main,
    )  # fmt: skip
    for number in (first, second):
        with database.transaction() as session:
            planning.start("post")(session, PostFiled(number))
    with database.reading() as session:
        moulds = {one.about: one.mould or b"" for one in session.scalars(select(Mailing))}
    indexes = {about: sent_index(mould) for about, mould in moulds.items()}
    assert indexes[second].startswith(indexes[first])
    for minute, number in enumerate((first, second), 2):
        answer = outlook(mail(BEN, subject="Re: q", minute=minute), indexes[number])
        assert post(file(answer, network.main)[0]).parent_id == number


def sent_index(mould: bytes) -> bytes:
    """The Thread-Index in the copies of a mailing, beside the topic that Outlook wants with it."""
    cast = Mould.from_bytes(mould)
    sent = parse(cast.fill(dict.fromkeys(cast.slots(), "x@x.example")))
    assert sent.get("Thread-Topic") == "Copilot licences"
    found = thread_index.read(sent.get("Thread-Index") or "")
    assert found is not None
    return found


def test_an_answer_by_token(network: Network, anna: int, ben: int) -> None:
    """The reply address needs no header and no subject; a finer reference still counts."""
    (first,) = file(mail(ANNA, message_id="a@ashford.example"), network.main)
    (second,) = file(
        mail(ANNA, subject="Re: Copilot licences", minute=1, message_id="b@ashford.example",
             In_Reply_To="<a@ashford.example>"), network.main,
    )  # fmt: skip
    with database.transaction() as session:
        _, copies = mailing(session, "post", network.main, ben, about=first)
    token = tokens.make(Purpose.REPLY, copies[ben], 0)
    (bare,) = file(mail(BEN, subject="", minute=2), network.main, token)
    assert (post(bare).parent_id, post(bare).reason) == (first, "reply token")
    finer = mail(BEN, subject="Re: x", minute=3, In_Reply_To="<b@ashford.example>")
    (answer,) = file(finer, network.main, token)
    assert post(answer).parent_id == second


def test_a_visible_number(network: Network, anna: int, ben: int) -> None:
    """`[#12]` in the subject names the thread, on its own list only."""
    (first,) = file(mail(ANNA), network.main)
    number = post(first).thread_id
    (answer,) = file(mail(BEN, subject=f"[#{number}] one more thing", minute=1), network.main)
    assert (post(answer).parent_id, post(answer).reason) == (first, items.VISIBLE)
    (other,) = file(mail(BEN, subject=f"[#{number}] elsewhere", minute=2), network.sub)
    assert post(other).parent_id is None


@pytest.mark.parametrize("early", [False, True])
def test_an_answer_to_a_newsletter(network: Network, anna: int, ben: int, early: bool) -> None:
    """A newsletter opens a discussion; an answer finds it by token and by Message-ID, even one
    that is filed before the newsletter itself."""
    with database.transaction() as session:
        news, copies = mailing(
            session, "newsletter", network.main, anna, ben,
            subject="News of February", source="# Hello\n\nThree *case studies*.",
        )  # fmt: skip
    token = tokens.make(Purpose.REPLY, copies[anna], 0)
    letters = [
        (mail(ANNA, subject="Re: News of February", minute=1), token),
        (mail(BEN, subject="AW: other", minute=2, References=f"<{news.message_id}>"), None),
    ]

    def file_news() -> None:
        for _ in range(2):
            with database.transaction() as session:
                filing.file_mailing(session, MailingPlanned(news.id))

    if not early:
        file_news()
    answers = [file(letter, network.main, used)[0] for letter, used in letters]
    if early:
        file_news()
    with database.reading() as session:
        root = session.scalars(select(Post).where(Post.mailing_id == news.id)).one()
        assert (root.author, root.subject) == ("AI Network", "News of February")
        assert "case studies" in root.own_words
        assert "<em>case studies</em>" in (root.html or "")
        (target,) = targets.targets_of(session, news.id)
        assert (target.item, target.post_id, target.thread_id) == (0, root.id, root.thread_id)
    assert [post(one).parent_id for one in answers] == [root.id, root.id]
    assert len(events("PostFiled")) == 2


def test_service_mail_opens_no_discussion(network: Network, anna: int) -> None:
    """A welcome is no post, and an answer to it is a topic of its own."""
    with database.transaction() as session:
        welcome, _ = mailing(session, "welcome", network.main, anna)
        filing.file_mailing(session, MailingPlanned(welcome.id))
        assert session.scalar(select(func.count(Post.id))) == 0
    answer = mail(ANNA, subject="Re: Welcome", In_Reply_To=f"<{welcome.message_id}>")
    (found,) = file(answer, network.main)
    assert post(found).parent_id is None


# --- answers to a digest ---------------------------------------------------------------------


class Digest:
    """A digest of three discussions that went to Anna and Ben."""

    def __init__(self, network: Network, anna: int, ben: int) -> None:
        self.network = network
        self.posts = {
            item.number: file(
                mail(BEN, subject=item.title, text=item.words, minute=item.number), network.main
            )[0]
            for item in (LICENCES, NOTES, PARKING)
        }
        self.threads = {number: post(one).thread_id for number, one in self.posts.items()}
        with database.transaction() as session:
            row, self.copies = mailing(
                session, "digest", network.main, anna, ben,
                subject="AI Network: digest of February 2027",
            )  # fmt: skip
            self.id, self.message_id = row.id, row.message_id
            targets.leave_targets(
                session, row.id,
                [
                    Item(i.number, network.main, self.threads[i.number], self.posts[i.number],
                         i.title, i.words)
                    for i in (LICENCES, NOTES, PARKING)
                ],
            )  # fmt: skip
        self.anna, self.ben = anna, ben

    def answer(self, text: str, item: int | None = 0, **more: str) -> list[Post]:
        """What becomes of Anna's answer: to a reply address, or (None) to the list."""
        token = (
            tokens.make(Purpose.REPLY, self.copies[self.anna], item) if item is not None else None
        )
        headers = {"subject": "Re: AI Network: digest of February 2027"} | more
        if "In_Reply_To" not in headers and item is None:
            headers["In_Reply_To"] = f"<{self.message_id}>"
        letter = mail(ANNA, text=text, minute=60, **headers)  # type: ignore[arg-type]
        return [post(one) for one in file(letter, self.network.main, token)]


@pytest.fixture
def digest(network: Network, anna: int, ben: int) -> Digest:
    """A digest with three items."""
    return Digest(network, anna, ben)


@pytest.mark.parametrize("item", [1, 2, 3])
def test_digest_by_item_address(digest: Digest, item: int) -> None:
    """The address beside an item needs nothing else."""
    (found,) = digest.answer("About 24 pounds.", item, subject="")
    assert (found.thread_id, found.reason) == (digest.threads[item], "reply token")
    assert found.parent_id == digest.posts[item]


@pytest.mark.parametrize("by_token", [True, False])
def test_digest_by_quotation(digest: Digest, by_token: bool) -> None:
    """The item quoted above the answer, whether the reply went to the token or to the list."""
    text = f"{quoted(until(NOTES))}\nWe tried it.\n"
    (found,) = digest.answer(text, 0 if by_token else None)
    assert (found.parent_id, found.reason) == (digest.posts[2], items.QUOTED)
    assert found.own_words == "We tried it."


def test_digest_answered_in_html_only(digest: Digest) -> None:
    """A phone sends no plain text: the quoted block still tells the item."""
    letter = mail(ANNA, subject="Re: AI Network: digest of February 2027", minute=60)
    quotation = f"<h2>{NOTES.title}</h2><p>{NOTES.words}</p>"
    letter.set_content(
        f"<p>We tried it.</p><blockquote type='cite'>{quotation}</blockquote>", subtype="html"
    )
    token = tokens.make(Purpose.REPLY, digest.copies[digest.anna], 0)
    (found,) = file(letter, digest.network.main, token)
    assert post(found).parent_id == digest.posts[2]
    assert post(found).own_words == "We tried it."


def test_digest_two_items_two_posts(digest: Digest) -> None:
    """Answers under two items become two posts, the second of which names the first."""
    text = f"{quoted(until(LICENCES))}\n20 pounds.\n\n{quoted(section(NOTES))}\nWe tried it.\n"
    first, second = digest.answer(text)
    assert (first.parent_id, second.parent_id) == (digest.posts[1], digest.posts[2])
    assert (first.own_words, second.own_words) == ("20 pounds.", "We tried it.")
    assert second.reason == f"{items.QUOTED}; with {first.id}"
    assert first.message_id != second.message_id
    with database.transaction() as session:
        filing.file_post(session, PostArrived(first.incoming_id or 0))
        assert session.scalar(select(func.count(Post.id))) == 5


@pytest.mark.parametrize(
    ("subject", "text", "item"),
    [
        ("Re: digest [#3]", "We do the same.", 3),
        ("Re: Note taking in social care", "We tried it.", 2),
        ("Re: AI Network: digest of February 2027", "[#1] 20 pounds.", 1),
    ],
)
def test_digest_by_number_and_title(digest: Digest, subject: str, text: str, item: int) -> None:
    """What is typed into subject or body."""
    (found,) = digest.answer(text, subject=subject)
    assert found.parent_id == digest.posts[item]


def test_digest_new_topic(digest: Digest) -> None:
    """Who answers a digest with a subject of his own opens a discussion."""
    (found,) = digest.answer("Who uses chatbots?", subject="Chatbots")
    assert (found.parent_id, found.subject) == (None, "Chatbots")
    assert found.thread_id not in digest.threads.values()


def question(digest: Digest) -> tuple[int, str]:
    """An answer that fits nothing, and the address to which the choice is to be sent."""
    assert digest.answer(f"We tried it.\n\n{quoted(TEXT)}") == []
    (fact,) = events("PlaceAsked")
    asked = json.loads(fact)["incoming"]
    with database.transaction() as session:
        assert session.get_one(Incoming, asked).why
        _, copies = mailing(session, "question", digest.network.main, digest.anna, about=asked)
    return asked, tokens.make(Purpose.REPLY, copies[digest.anna], 0)


@pytest.mark.parametrize(
    ("said", "item"),
    [
        ("2", 2), ("3 please", 3), ("NEW", None), ("Number 1.", 1), ("[#2]", 2),
        ("Item 3, sorry", 3), ("The note taking one", 2), ("It was for Copilot licences", 1),
        ("Dear network,\n\n3", 3),
    ],
)  # fmt: skip
def test_digest_question(digest: Digest, said: str, item: int | None) -> None:
    """Given an answer that fits nothing, when the sender answers the question, then the first
    message is filed where they said."""
    asked, token = question(digest)
    assert (
        file(mail(ANNA, subject="Re: Which?", text=said, minute=90), digest.network.main, token)
        == []
    )
    with database.reading() as session:
        found = session.scalars(select(Post).where(Post.incoming_id == asked)).one()
    assert found.own_words == "We tried it."
    assert found.parent_id == (digest.posts[item] if item else None)
    assert len(events("PostFiled")) == 4
    # A second choice changes nothing.
    assert (
        file(mail(ANNA, subject="Re: Which?", text="1", minute=95), digest.network.main, token)
        == []
    )
    assert len(events("PostFiled")) == 4


@pytest.mark.parametrize(
    ("sender", "said"), [
        (ANNA, "What do you mean?"), (ANNA, "99"), (BEN, "2"), (SPY, "2"),
        (ANNA, "1 or 2, I am not sure"), (ANNA, "I do not have 2 minutes for this, I am afraid"),
        (ANNA, "Is there anything new in number 2?"),
    ],
)  # fmt: skip
def test_digest_question_not_answered(digest: Digest, sender: str, said: str) -> None:
    """What is no choice, or not the sender's, goes to the coordinator; nothing is filed."""
    asked, token = question(digest)
    file(mail(sender, subject="Re: Which?", text=said, minute=90), digest.network.main, token)
    assert len(events("MailNotUnderstood")) == 1
    with database.reading() as session:
        assert session.scalar(select(Post.id).where(Post.incoming_id == asked)) is None


def test_digest_is_asked_once_and_not_of_strangers(digest: Digest) -> None:
    """One question for a message; none for whoever is not proved: no backscatter."""
    asked, _ = question(digest)
    with database.transaction() as session:
        filing.file_post(session, PostArrived(asked))
    assert len(events("PlaceAsked")) == 1
    letter = mail(SPY, subject="Re: digest", In_Reply_To=f"<{digest.message_id}>")
    (held,) = file(letter, digest.network.main)
    assert len(events("PlaceAsked")) == 1
    assert post(held).state == PostState.HELD


def test_items_without_a_thread(network: Network, anna: int, ben: int) -> None:
    """The first answer to a meeting in a digest opens its thread; the next ones join it."""
    with database.transaction() as session:
        row, copies = mailing(session, "digest", network.main, anna, ben)
        targets.leave_targets(
            session, row.id, [Item(1, network.main, None, None, "Roundtable on procurement")]
        )
    found = [
        post(
            file(
                mail(sender, subject=subject, minute=minute),
                network.main,
                tokens.make(Purpose.REPLY, copies[who], 1),
            )[0]
        )
        for minute, (sender, who, subject) in enumerate(
            [(ANNA, anna, "I come"), (BEN, ben, ""), (ANNA, anna, "Re: And a question")]
        )
    ]
    assert len({one.thread_id for one in found}) == 1
    assert {one.parent_id for one in found} == {None}
    with database.reading() as session:
        assert session.scalar(select(ReplyTarget.thread_id)) == found[0].thread_id
        assert session.scalar(select(func.count(Thread.id)).where(Thread.posts > 0)) == 1


def test_never_into_a_list_that_the_sender_may_not_see(
    network: Network, anna: int, ben: int
) -> None:
    """An item of a closed list in a digest is no place for whoever is not on that list."""
    (closed,) = file(mail(BEN, subject="Secret", text="Only among us."), network.sub)
    with database.transaction() as session:
        row, copies = mailing(session, "digest", network.main, anna, ben)
        targets.leave_targets(
            session, row.id,
            [Item(1, network.sub, post(closed).thread_id, closed, "Secret", "Only among us."),
             Item(2, network.main, None, None, "Open")],
        )  # fmt: skip
    # Anna has an address for the closed item (forwarded to her, say): her answer is not filed.
    (found,) = file(
        mail(ANNA, subject="Re: Secret", minute=1), network.main,
        tokens.make(Purpose.REPLY, copies[ben], 1),
    )  # fmt: skip
    assert post(found).state == PostState.HELD
    # Quoting it, she does not speak of the one item that she may read: she is asked.
    quoting = file(
        mail(ANNA, subject="Re: x", text=f"{quoted('Only among us.')}\nReally?\n", minute=2),
        network.main, tokens.make(Purpose.REPLY, copies[anna], 0),
    )  # fmt: skip
    assert quoting == []
    assert len(events("PlaceAsked")) == 1
    (fine,) = file(
        mail(BEN, subject="Re: Secret", minute=3), network.main,
        tokens.make(Purpose.REPLY, copies[ben], 1),
    )  # fmt: skip
    assert (post(fine).list_id, post(fine).parent_id) == (network.sub, closed)


def test_written_to_no_list(network: Network, anna: int) -> None:
    """A post without any list goes to the coordinator."""
    assert file(mail(ANNA), None) == []
    assert len(events("MailNotUnderstood")) == 1


def test_a_forged_token_counts_for_nothing(network: Network, anna: int) -> None:
    """A token that we did not make is none."""
    (found,) = file(mail(ANNA), network.main, "a" * 43)
    assert (post(found).state, post(found).reason) == (PostState.FILED, "new")
    assert routing.TOKEN not in post(found).reason


def test_coordinators_write_everywhere(network: Network) -> None:
    """A coordinator needs no subscription."""
    network.person("Otto", "otto@host.example", role=Role.OPERATOR)
    (found,) = file(mail("Otto <otto@host.example>"), network.sub)
    assert post(found).state == PostState.FILED
