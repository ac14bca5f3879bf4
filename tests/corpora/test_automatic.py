"""Automatic replies and people's mail of public archives, each seen as what it is."""

import re
from collections import Counter
from pathlib import Path

import pytest

from message import bounces, quoting, verdict
from message.automatic import why_automatic
from message.parse import parse
from tests.corpora.mail import cases, corpus
from tests.corpora.test_bounces import message_of, told

#: I31: one reader of an Apache list, who answered seven posts with these words alone.
ASKS = "Please remove me from your mailing list immediately. Thank you."
_BEGINS = re.compile(rb"(?m)^(?=From \S+.* \d{4}\r?\n)")


def test_i4_tables_of_headers() -> None:
    """Where the sources agree we do; where they differ, RFC 3834 §2 and §5 decide.

    Precedence: list, bulk and junk, List-Id, X-Auto-Response-Suppress and a null return path forbid
    an answer, but say not that nobody wrote; any value of Auto-Submitted but "no" does (§5.4).
    """
    wrong = []
    for case in told("autoreply-header-tables", "auto_reply"):
        automatic = why_automatic(message_of("autoreply-header-tables", case)) is not None
        expected = case["expected"].get("auto_reply", "auto-forwarded" in case["id"])
        if automatic != expected:
            wrong.append(case["id"])
    assert wrong == []


@pytest.mark.parametrize("source", ["sisimai", "spamassassin-rules", "mimekit"])
def test_i4_answers_of_machines(source: str) -> None:
    """Absence notes, challenges, notices of filters and read receipts are no posts."""
    capability = "read_receipt" if source == "mimekit" else "auto_reply"
    posts = [
        case["id"]
        for case in told(source, capability)
        if verdict.judge(message_of(source, case)).kind is verdict.Kind.POST
    ]
    assert posts == []


@pytest.mark.parametrize(
    "source", ["spamassassin-ham", "twisted-python-archive", "ponymail-corpus"]
)
def test_i4_no_person_is_taken_for_a_machine(source: str) -> None:
    """8,800 messages of public lists: only what mail servers sent to them is no post.

    And what asks to leave and says nothing else, which one reader did.
    """
    files = {case["file"] for case in told(source, "mbox_archive")}
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    for name in sorted(files):
        for raw in _messages(corpus() / source / name):
            message = parse(raw)
            kind = verdict.judge(message).kind
            tally[kind] += 1
            author = (message.get("From") or "").lower()
            server = "mailer-daemon" in author or "postmaster" in author
            if kind is verdict.Kind.COMMAND and quoting.own_words(message.passages) == ASKS:
                continue
            if kind is not verdict.Kind.POST and not (server and bounces.read(message)):
                wrong.append(f"{kind}: {message.subject}")
    print(f"\n{source}: {dict(tally)}")
    assert wrong == []


def _messages(path: Path) -> list[bytes]:
    return [raw for raw in _BEGINS.split(path.read_bytes()) if raw.strip()]


def test_authentication_results_of_a_library() -> None:
    """RFC 8601: the examples of the RFC and others, as authres reads them."""
    from message.authentication import parse_results

    right = 0
    missed = []
    found = cases("authres", "authentication_results")
    if not isinstance(found[0], dict):
        pytest.skip(f"no real mail in {corpus() / 'authres'} (MAIL_CORPORA)")
    for case in found:
        value = (corpus() / "authres" / case["file"]).read_text().partition(":")[2]
        _, results = parse_results(" ".join(value.split()))
        wanted = [(one["method"], one["result"]) for one in case["expected"]["results"]]
        if [(one.method, one.result) for one in results] == wanted:
            right += 1
        else:
            missed.append(case["id"])
    print(f"\nauthres: {right} of {len(found)}, missed {missed}")
    assert right >= len(found) - 3  # three answers are of other fields than the ones given
