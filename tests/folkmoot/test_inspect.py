"""`folkmoot inspect`: what it shows of a message, and that nothing makes it fail."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot import inspect
from tests.folkmoot.conftest import Run
from tests.message.sealed import Zone, letter, signed

CORPORA = Path(os.environ.get("MAIL_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
FIELDS = ["file", "kind", "why", "from", "subject", "message_id", "parent_candidates", "text",
          "html", "attachments", "bounces", "calendar", "authentication", "defects"]  # fmt: skip
POST = """From: Jo Field <jo@swindon.example>
To: ai-network@lists.example.org
Subject: =?utf-8?q?Caf=C3=A9?=
Message-ID: <c@swindon.example>
In-Reply-To: <b@swindon.example>
References: <a@swindon.example> <b@swindon.example>
Authentication-Results: mx.host.example; dkim=pass header.d=swindon.example; dmarc=pass
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=utf-8

Yes, please.

> Shall we?

--{blank}
Jo
--x
Content-Type: text/csv
Content-Disposition: attachment; filename=figures.csv

a,b
--x--
""".replace("{blank}", " ")  # a signature begins with "-- "
BOUNCE = """From: MAILER-DAEMON@mx.example
To: ai-network+token@lists.example.org
Subject: Undelivered
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=y

--y
Content-Type: text/plain

It did not work.
--y
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; gone@swindon.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
--y--
"""
ANSWER = """From: jo@swindon.example
To: ai-network+token@lists.example.org
Subject: Accepted: March meeting
Content-Type: text/calendar; method=REPLY; charset=utf-8

BEGIN:VCALENDAR
VERSION:2.0
METHOD:REPLY
BEGIN:VEVENT
UID:meeting-1@lists.example.org
SEQUENCE:2
DTSTAMP:20270201T090000Z
ATTENDEE;PARTSTAT=ACCEPTED:mailto:jo@swindon.example
END:VEVENT
END:VCALENDAR
"""


def look(text: str) -> inspect.Found:
    """What inspect finds in a message written with plain line ends."""
    return inspect.look("x.eml", text.replace("\n", "\r\n").encode())


def test_a_post_is_shown_with_all_its_fields() -> None:
    """Every field is there, in order; own words, quotation and signature are told apart."""
    found = look(POST)
    assert list(found) == FIELDS
    assert (found["kind"], found["from"], found["subject"]) == (
        "post", "jo@swindon.example", "Café"
    )  # fmt: skip
    assert found["message_id"] == "c@swindon.example"
    assert found["parent_candidates"] == ["b@swindon.example", "a@swindon.example"]
    assert found["text"]["own"].strip() == "Yes, please."
    assert "Shall we?" in found["text"]["quoted"]
    assert "Jo" in found["text"]["signature"]
    [file] = found["attachments"]
    assert (file["name"], file["type"]) == ("figures.csv", "text/csv")
    assert len(file["sha256"]) == 64
    assert found["authentication"] == {"dkim": "pass", "arc": None, "dmarc": "pass"}
    assert found["html"] is None
    assert found["calendar"] is None
    assert found["bounces"] == []


def test_a_bounce_is_shown_with_whom_and_why() -> None:
    """RFC 3464: recipient, status, whether for good, and the server's words."""
    found = look(BOUNCE)
    assert found["kind"] == "bounce"
    [bounce] = found["bounces"]
    assert set(bounce) == {"recipient", "status", "permanent", "class", "diagnostic"}
    assert (bounce["recipient"], bounce["status"], bounce["permanent"], bounce["class"]) == (
        "gone@swindon.example", "5.1.1", True, "mailbox",
    )  # fmt: skip


def test_an_answer_to_an_invitation_is_shown() -> None:
    """RFC 5546 §3.2.3: method, UID, sequence, who, and what they say."""
    found = look(ANSWER)
    assert found["kind"] == "calendar"
    assert found["calendar"] == {
        "method": "REPLY", "uid": "meeting-1@lists.example.org", "sequence": 2,
        "attendee": "jo@swindon.example", "partstat": "ACCEPTED",
    }  # fmt: skip


def test_nothing_at_all_has_every_field_too() -> None:
    """An empty file has every field, empty."""
    found = inspect.look("empty.eml", b"")
    assert list(found) == FIELDS
    assert found["attachments"] == found["bounces"] == found["parent_candidates"] == []
    assert found["text"] == {"own": "", "quoted": "", "signature": "", "folded": ""}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    """Any bytes give one line of JSON."""
    line = inspect.as_json(inspect.look("x", raw))
    assert "\n" not in line
    assert list(json.loads(line)) == FIELDS


def test_signatures_are_verified_where_the_dns_is_asked() -> None:
    """Our own results in place of a server's, and why nobody vouches for the author."""
    home = "ashford.example"
    zone = Zone().key(home).rule(home, "p=reject")
    good = inspect.look("x.eml", signed(letter(), home), texts=zone)
    assert good["authentication"] == {"dkim": "pass", "arc": "none", "dmarc": "pass", "why": None}
    forged = b"Authentication-Results: x; dkim=pass header.d=ashford.example\r\n" + letter()
    found = inspect.look("x.eml", forged, texts=zone)
    why = "it is not signed; its domain asks that such mail be kept apart"
    assert found["authentication"] == {"dkim": "none", "arc": "none", "dmarc": "fail", "why": why}
    assert f"authentication: dkim=none, arc=none, dmarc=fail ({why})" in inspect.in_words(found)
    assert list(found) == FIELDS


def test_one_line_of_json_for_each_file(run: Run, tmp_path: Path) -> None:
    """Several files give several lines, each naming its file; standard input is `-`."""
    (tmp_path / "a.eml").write_text(POST)
    (tmp_path / "b.eml").write_text(BOUNCE)
    result = run("inspect", "--json", "a.eml", "b.eml", "-", text=ANSWER)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["file"], line["kind"]) for line in lines] == [
        ("a.eml", "post"), ("b.eml", "bounce"), ("-", "calendar"),
    ]  # fmt: skip
    assert result.exit_code == 0


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(run: Run, tmp_path: Path) -> None:
    """A missing file, or a folder, is one line on standard error; the rest is shown; exit is 1."""
    (tmp_path / "a.eml").write_text(POST)
    (tmp_path / "folder").mkdir()
    result = run("inspect", "--json", "missing.eml", "folder", "a.eml")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["missing.eml", "folder"]


def test_people_can_read_it_too(run: Run, tmp_path: Path) -> None:
    """Without --json the same is said in lines for people."""
    (tmp_path / "a.eml").write_text(POST)
    out = run("inspect", "a.eml").stdout
    assert "a.eml: post" in out
    assert "| Yes, please." in out
    assert "figures.csv" in out


def test_it_needs_neither_settings_nor_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken settings file does not matter, and nothing is written."""
    (tmp_path / "folkmoot.toml").write_text("not toml at all [")
    (tmp_path / "a.eml").write_text(POST)
    before = sorted(tmp_path.iterdir())
    assert run("inspect", "--json", "a.eml").exit_code == 0
    assert sorted(tmp_path.iterdir()) == before


def test_real_mail_makes_it_neither_fail_nor_guess(capsys: pytest.CaptureFixture[str]) -> None:
    """Every message of the corpora is read without an error; says plainly when there are none."""
    kinds: dict[str, int] = {}
    troubles: list[str] = []
    endings = {".eml", ".msg", ".raw", ".txt"}
    files = sorted(p for p in CORPORA.rglob("*") if p.suffix in endings and p.is_file())
    for file in files:
        found = inspect.look(str(file.relative_to(CORPORA)), file.read_bytes())
        json.loads(inspect.as_json(found))
        assert list(found) == FIELDS
        kinds[str(found["kind"])] = kinds.get(str(found["kind"]), 0) + 1
        troubles += [f"{found['file']}: {d}" for d in found["defects"] if "could not be read" in d]
    with capsys.disabled():
        where = f"{len(files)} messages" if files else f"no corpora at {CORPORA}"
        print(f"\ninspect: {where} {dict(sorted(kinds.items()))}")
    assert troubles == []
