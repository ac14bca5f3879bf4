"""What a spam filter makes of our mail: real copies of all kinds, judged by SpamAssassin."""

from pathlib import Path

import pytest

from mailings import kinds
from tests.servers import spamassassin
from tests.standards.real_copies import wire

#: As the reader's server stamps it: from a server with a name, over TLS. The address is a public
#: one, since those kept for documents (192.0.2.0/24) cost 1.3 points as addresses nobody can have;
#: nothing is asked about it.
RECEIVED = (
    b"Received: from mail.lists.example.org (mail.lists.example.org [93.184.215.14])\r\n"
    b"\tby mx.swindon.example with ESMTPS id 4Vx1 for <jane.doe@swindon.example>;\r\n"
    b"\tTue, 02 Feb 2027 09:30:05 +0000\r\n"
)
SPAM = RECEIVED + (
    b"From: \"Prize\" <a@b.example>\r\nSubject: VIAGRA!!! MAKE MONEY FAST $$$\r\n"
    b"Content-Type: text/html\r\n\r\n<font color=white>x</font> Dear friend, click here!!! "
    b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
)  # fmt: skip


def test_no_kind_of_mail_looks_like_spam(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind scores 0 or less; the filter is awake, since it knows spam."""
    messages = {kind: RECEIVED + wire(kind) for kind in sorted(kinds.ALL)}
    found = spamassassin.scores(tmp_path, messages | {"spam": SPAM})
    assert found.pop("spam").points > 100
    assert set(found) == set(kinds.ALL)
    with capsys.disabled():
        print()
        for kind, score in sorted(found.items()):
            print(f"  SpamAssassin {score.points:5.1f}  {kind}: {', '.join(score.rules)}")
    assert {kind: score for kind, score in found.items() if score.points > 0} == {}
