"""What a message is: the first that fits of bounce, report, automatic, calendar, command, post."""

import time

import pytest

from message.verdict import Kind, judge
from tests.message.letters import FROM, letter, report

LEAVE = [
    "unsubscribe", "Unsubscribe", "UNSUBSCRIBE!", "Please unsubscribe me", "unsubscribe me please",
    "Please remove me from this list", "Remove me from the mailing list. Thanks", "leave", "STOP",
    "Hi,\n\nplease unsubscribe me from this list.\n\nThanks\nJo", "opt out", "Opt-out please",
    "Please take me off this mailing list", "Can you remove me from your distribution list please",
    "I would like to unsubscribe", "I want to be removed from this list", "sign off",
    "Please could you unsubscribe my email address", "Unsubscribe\n\nKind regards\nJo Field",
    "Please remove my address from the list", "remove", "dad-danysgrifio", "Unsubscribe, thank "
    "you.",
    "unsubscribe\n\nSent from my iPhone",
]  # fmt: skip
POSTS = [
    "How do people unsubscribe from your newsletter? We need a text.",
    "We had to remove me from the rota.", "I leave at five.", "Stop the roll-out of X, says the "
    "paper",
    "Should we remove the list of vendors?", "Please do not unsubscribe me, I am still here",
    "Leave it with me", "Unsubscribe rates went up after the last issue.", "No.", "Remove me? "
    "Never!",
    "I am about to leave my council for Wiltshire; please keep me on the list.",
]  # fmt: skip


@pytest.mark.parametrize("text", LEAVE)
def test_i31_a_lone_unsubscribe_is_a_command(text: str) -> None:
    """I31: in 20 and more phrasings, quoted digest or not."""
    for body in (text, f"{text}\n\nOn 2 Feb 2027, at 09:30, AI <ai@x.example> wrote:\n> News\n"):
        found = judge(letter(f"{FROM}Subject: Re: News", body))
        assert (found.kind, found.command) == (Kind.COMMAND, "leave")


@pytest.mark.parametrize("text", POSTS)
def test_i31_who_writes_about_leaving_posts(text: str) -> None:
    """I31: near misses pass through."""
    assert judge(letter(f"{FROM}Subject: Re: News", text)).kind is Kind.POST


def test_i31_the_subject_alone_will_do() -> None:
    """An empty mail with the subject "unsubscribe" asks to leave."""
    assert judge(letter(f"{FROM}Subject: unsubscribe", "")).command == "leave"


def test_i31_mail_programs_that_leave_for_their_users() -> None:
    """Apple Mail says that its mail to List-Unsubscribe was automatic; it is a command."""
    found = judge(
        letter(
            f"{FROM}Subject: unsubscribe\nAuto-Submitted: auto-replied",
            "Apple Mail sent this email to unsubscribe from the message “News”.\n",
        )
    )
    assert (found.kind, found.command) == (Kind.COMMAND, "leave")


def test_a_command_address_is_obeyed_unless_a_machine_wrote() -> None:
    """What came to a command address is that command; an absence note sent there is not."""
    assert judge(letter(FROM, "Please let me in."), "join").command == "join"
    away = letter(f"{FROM}Auto-Submitted: auto-replied", "I am away.")
    assert judge(away, "join").kind is Kind.AUTOMATIC
    failed = report("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n")
    assert judge(failed, "join").kind is Kind.BOUNCE


def test_answers_to_invitations() -> None:
    """RFC 5546 §3.2.3: REPLY and COUNTER are answers, also when Outlook marks them automatic."""
    for method in ("REPLY", "COUNTER"):
        calendar = (
            f"BEGIN:VCALENDAR\nMETHOD:{method}\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR\n"
        )
        head = f"{FROM}Subject: Accepted: News\nContent-Type: text/calendar; method={method}"
        assert judge(letter(head, calendar)).kind is Kind.CALENDAR
        automatic = head + "\nAuto-Submitted: auto-generated"
        assert judge(letter(automatic, calendar)).kind is Kind.CALENDAR
    request = f"{FROM}Content-Type: text/calendar; method=REQUEST"
    assert judge(letter(request, "BEGIN:VCALENDAR\nEND:VCALENDAR\n")).kind is Kind.POST


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: reaction", "👍\n"),
        ("Subject: Re: News", "Jo Field reacted to your message: 👍\n"),
        ("Subject: Re: News", "👍 Jo Field reacted via Gmail\n"),
        ("Subject: Jo liked your message", "Jo Field liked your message:\n\n> News\n"),
    ],
)
def test_reactions(head: str, body: str) -> None:
    """RFC 9078, and what Outlook and Gmail write for others."""
    assert judge(letter(FROM + head, body)).kind is Kind.REACTION


def test_a_person_posts() -> None:
    """Everything else is a post; the reason is a short sentence."""
    found = judge(letter(f"{FROM}Subject: Minutes", "We use it for minutes.\n"))
    assert (found.kind, found.command) == (Kind.POST, None)
    assert 5 < len(found.why) < 80


@pytest.mark.parametrize(
    "word",
    ["hi all ", "please ", "thanks many thanks ", "thanks and ", "with kind best regards ",
     "unable to ", "could not be ", "On 2 Feb 2027 at 09:30 ", "out of office until ",
     "<a@b.example> ",
     "this email ", "sent from my ", "550 ", "From: a@b "],
)  # fmt: skip
def test_i15_no_words_make_it_slow(word: str) -> None:
    """I15: words repeated on purpose, few and many, cost no time wherever they stand."""
    started = time.process_time()
    for size in (150, 60_000):
        words = (word * (size // len(word) + 1))[:size]
        for author in ("jo@swindon.example", "MAILER-DAEMON@mx.example"):
            judge(letter(f"From: {author}\nSubject: {words}", "Hello"))
            judge(letter(f"From: {author}\nSubject: undelivered", words + "\nx"))
            judge(letter(f"From: {author}\nSubject: unsubscribe", words + "\nx"))
    assert time.process_time() - started < 5
