"""Machine mail is recognised; what people write, also about machines, is not taken for it."""

import pytest

from message.automatic import why_automatic
from tests.message.letters import FROM, letter

MACHINE = [
    "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated (vacation)",
    "Auto-Submitted: AUTO-NOTIFIED; owner=x", "X-Autoreply: yes", "X-Autorespond: away",
    "Precedence: auto_reply", "X-Auto-Reply: 1",
]  # fmt: skip
PERSON = [
    "Auto-Submitted: no", "Auto-Submitted: No (really)", "Precedence: list", "Precedence: bulk",
    "List-Id: <other.example.net>", "X-Auto-Response-Suppress: All", "Return-Path: <>",
    "X-Autoreply: no",
]  # fmt: skip
SUBJECTS = [
    "Automatic reply: News", "Out of Office: News", "Out of the office", "Auto: News",
    "Automatic Reply", "Autoreply: away", "OOO: back on Monday", "Out of Office AutoReply: Re: "
    "News",
    "Annual leave", "On annual leave until 3 March", "Ateb awtomatig: Newyddion",
    "Ateb Awtomatig / Automatic Reply: News", "Automatische Antwort: News", "Abwesenheitsnotiz: "
    "News",
    "Réponse automatique : News", "Automatisch antwoord: News", "Automatiskt svar: News",
    "Autosvar: News", "Respuesta automática: News", "Risposta automatica: News",
    "Automaattinen vastaus: News", "Odpowiedź automatyczna: News", "自動返信: News",
    "[EXTERNAL] Automatic reply: News", "I am out of office", "Allan o'r swyddfa",
]  # fmt: skip
NOT_SUBJECTS = [
    "Automatic reply systems", "Automatic replies in Outlook", "Re: Automatic number plate reading",
    "Out of office hours support", "Auto-enrolment: questions", "Reading: a list", "Read: my "
    "article",
    "Automated decisions", "Automation of minutes", "Recall: what we said in March", "Leave policy",
    "Autonomous vehicles", "Office move", "Re: out of office culture", "Vacation policy",
]  # fmt: skip


@pytest.mark.parametrize("field", MACHINE)
def test_i4_fields_that_only_machines_write(field: str) -> None:
    """I4, RFC 3834 §5: any value of Auto-Submitted but "no", and responders' own fields."""
    why = why_automatic(letter(FROM + field))
    assert why is not None
    assert len(why) < 80


@pytest.mark.parametrize("field", PERSON)
def test_what_forbids_an_answer_is_no_answer_itself(field: str) -> None:
    """RFC 3834 §2: lists' posts and suppressed answers are still what people wrote."""
    assert why_automatic(letter(FROM + field + "\nSubject: News")) is None


@pytest.mark.parametrize("subject", SUBJECTS)
def test_i4_subjects_of_automatic_replies(subject: str) -> None:
    """I4: Outlook and others in many languages, Welsh among them."""
    assert why_automatic(letter(f"{FROM}Subject: {subject}")) is not None


@pytest.mark.parametrize("subject", NOT_SUBJECTS)
def test_i4_people_who_write_about_machines(subject: str) -> None:
    """I4: a subject about automatic replies is no automatic reply."""
    assert why_automatic(letter(f"{FROM}Subject: {subject}")) is None


def test_i34_receipts_and_recalls() -> None:
    """I34, RFC 8098: receipts, also Exchange's in TNEF, and attempts to recall."""
    receipt = letter(
        f"{FROM}Subject: Read: News\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=y",
        "--y\n\nYour message was read.\n--y\nContent-Type: message/disposition-notification\n\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--y--\n",
    )
    assert why_automatic(receipt) == "a receipt (RFC 8098)"
    tnef = letter(f"{FROM}Subject: Read: News\nContent-Type: application/ms-tnef", "x")
    assert why_automatic(tnef) == "a receipt"
    recall = letter(f"{FROM}Subject: Recall: News\nX-MS-TNEF-Correlator: <x@y.example>")
    assert why_automatic(recall) == "an attempt to recall a message"


def test_an_absence_note_that_only_its_words_tell() -> None:
    """A suppressed answer that says "I am out of the office" is one, whatever its subject."""
    head = f"{FROM}Subject: Re: News\nX-Auto-Response-Suppress: All\nIn-Reply-To: <a@b.example>"
    assert why_automatic(letter(head, "I am out of the office until Monday.\n")) is not None
    assert why_automatic(letter(head, "Yes, that works for us.\n")) is None
