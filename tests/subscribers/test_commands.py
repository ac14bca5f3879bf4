"""What mails to command addresses ask for."""

import pytest

from message.address import Mailbox
from subscribers.commands import Ask, Wish, read

ANNA = Mailbox("Anna Archer", "anna@ashford.example")


@pytest.mark.parametrize(
    ("command", "subject", "text", "ask"),
    [
        ("join", "", "", Ask.JOIN),
        ("join", "leave", "please remove me", Ask.JOIN),
        ("leave", "", "", Ask.LEAVE),
        ("leave", "Re: [AI Network] March news", "Thanks for all!", Ask.LEAVE),
        ("owner", "A question", "How do I ...", Ask.OWNER),
        ("updates", "News from Socitm", "We have ...", Ask.UPDATES),
        ("help", "", "", Ask.HELP),
        ("help", "How do I join?", "", Ask.HELP),
        ("help", "subscribe", "", Ask.JOIN),
        ("help", "Re: unsubscribe", "", Ask.LEAVE),
        ("help", "hello", "Dear all\n\nplease unsubscribe me", Ask.HELP),
        ("help", "hello", "Hi\nleave", Ask.LEAVE),
        ("something new", "", "", Ask.HELP),
        ("confirm", "Re: Confirm that you want to join", "", Ask.CONFIRM),
        ("confirm", "Re: Confirm", "Yes\n> No, not me", Ask.CONFIRM),
        ("confirm", "No subject", "> To join, do one of these\n", Ask.CONFIRM),
        ("confirm", "", "Hello,\n\nyes please, I did not see it earlier", Ask.CONFIRM),
        ("confirm", "", "Nottingham City Council would love to join", Ask.CONFIRM),
        ("confirm", "", "Not sure what to write, but yes", Ask.CONFIRM),
        ("confirm", "", "No thanks.", Ask.DECLINE),
        ("confirm", "", "This wasn't me!", Ask.DECLINE),
        ("confirm", "", "I did not ask for this", Ask.DECLINE),
        ("confirm", "", "Hi,\n\nI didn't sign up", Ask.DECLINE),
        ("confirm", "", "I never signed up", Ask.DECLINE),
        ("confirm", "", "STOP", Ask.DECLINE),
        ("confirm", "", "Unsubscribe", Ask.DECLINE),
        ("confirm", "", "On Tue, 2 Feb 2027 at 09:30, AI Network wrote:\n> No", Ask.CONFIRM),
    ],
)
def test_what_a_mail_asks_for(command: str, subject: str, text: str, ask: Ask) -> None:
    """The address decides; words count for help, and for a no to a confirmation."""
    assert read(command, ANNA, subject, text) == Wish(ask, "Anna Archer")


def test_joining_may_name_the_organisation() -> None:
    """A line of its own tells it; it is a hint for the coordinator, no proof."""
    wish = read("join", ANNA, "", "Please let me in.\nOrganisation: Ashford Council \nThanks")
    assert wish == Wish(Ask.JOIN, "Anna Archer", "Ashford Council")


@pytest.mark.parametrize("sender", [None, Mailbox("X", "")])
def test_a_mail_of_nobody_asks_for_nothing(sender: Mailbox | None) -> None:
    """There is nobody to act for, and nobody to answer."""
    assert read("leave", sender, "", "").ask == Ask.NOTHING
