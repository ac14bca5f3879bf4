"""What we sent ourselves is known again in an answer, however a mail program quotes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.quoting import own_words, split
from message.quoting.known import Known

SENT = """Hello Dora Dale,

[#1] Copilot licences
Anna Archer (Ashford Council), 1 new post
What does your council pay per head for Copilot? We were quoted 24 pounds a month for all staff.
Answer this item by email:
ai-network+abc@lists.example.org

[#2] Transcription
Which product copes with several speakers in a large chamber?

You get this email because you are a member and chose a digest of the discussions.
"""
KNOWN = Known([SENT])
HEAD = (
    "From: AI Network <ai-network@lists.example.org>\nSent: 02 February 2027 09:30\n"
    "To: Dora Dale <dora@calder.example>\nSubject: AI Network digest\n\n"
)
#: Everything up to the end of the first item, and the rest.
FIRST, REST = SENT.split("\n[#2]")


@pytest.mark.parametrize(
    ("what", "text", "own"),
    [
        ("above", f"Thanks!\n\n{HEAD}{SENT}", "Thanks!"),
        (
            "between, in a program that marks nothing",
            f"See below.\n\n{HEAD}{FIRST}\nWe pay 20.\n\n[#2]{REST}",
            "See below.\n\nWe pay 20.",
        ),
        (
            "between, nothing above",
            f"{HEAD}{FIRST}\nWe pay 20.\n\n[#2]{REST}",
            "We pay 20.",
        ),
        (
            "between, marked like what is around it",
            "".join(f"> {line}\n" for line in f"{FIRST}\nWe pay 20.\n\n[#2]{REST}".splitlines()),
            "We pay 20.",
        ),
        (
            "a link and nothing else",
            f"See below.\n\n{HEAD}{FIRST}\nhttps://calder.example/policy\n\n[#2]{REST}",
            "See below.\n\nhttps://calder.example/policy",
        ),
        (
            "typed on behind a line",
            f"See below.\n\n{HEAD}{SENT.replace('all staff.', 'all staff. And we pay 20.')}",
            "See below.\n\nAnd we pay 20.",
        ),
        ("pasted without any mark", f"{FIRST}\nWe pay 20.\n", "We pay 20."),
        (
            "below, the rest cut off",
            f"Hello,\n\n{HEAD}{FIRST}\nWe pay 20.\n",
            "Hello,\n\nWe pay 20.",
        ),
        (
            "a gateway's warning above what came",
            f"Thanks!\n\n{HEAD}CAUTION: This email originated from outside of the council.\n\n"
            f"{SENT}",
            "Thanks!",
        ),
        (
            "what somebody else wrote into it",
            f"Dora, can you send it?\n\n{HEAD.replace('AI Network', 'Dora Dale')}"
            f"See below.\n\n{HEAD}{FIRST}\nWe pay 20.\n\n[#2]{REST}",
            "Dora, can you send it?",
        ),
        (
            "what somebody else wrote into it, marked",
            "Dora, can you send it?\n\nOn Tue, 2 Feb 2027 at 09:30, Dora <d@x.example> wrote:\n"
            + "".join(f"> > {line}\n" for line in FIRST.splitlines())
            + "> We pay 20.\n"
            + "".join(f"> > {line}\n" for line in REST.splitlines()),
            "Dora, can you send it?",
        ),
        ("words by chance", "We were quoted 24 pounds too.\n", "We were quoted 24 pounds too."),
    ],
)
def test_known_again(what: str, text: str, own: str) -> None:
    """What is known is quoted, and what stands between it is the author's."""
    passages = split(text, KNOWN)
    assert own_words(passages) == own, what
    assert "".join(passage.text for passage in passages) == text


_LINES = st.sampled_from(
    [*SENT.splitlines(), *HEAD.splitlines(), "We pay 20.", "> yes", "-- ", "> > no", "Regards", ""]
)


@given(st.lists(_LINES | st.text(max_size=40), max_size=40))
def test_nothing_is_lost(lines: list[str]) -> None:
    """Put together again the passages are the text, whatever it is."""
    text = "\n".join(lines)
    assert "".join(passage.text for passage in split(text, KNOWN)) == text


@given(st.text(alphabet="abc >\n-:", max_size=200))
def test_without_a_known_line_all_is_as_before(text: str) -> None:
    """A text in which nothing is known is taken apart as if nobody knew anything."""
    assert split(text, KNOWN) == split(text)
