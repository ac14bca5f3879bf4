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
    "Automatski odgovor: News", "Samodejni odgovor: News", "Automaatvastus: News",
    "Автоматичен отговор: News", "תשובה אוטומטית: News", "رد تلقائي: News", "自動応答: News",
    "Automatinis atsakymas: News", "Sjálfvirkt svar: News", "Balasan otomatis: News",
]  # fmt: skip
NOT_SUBJECTS = [
    "Automatic reply systems", "Automatic replies in Outlook", "Re: Automatic number plate reading",
    "Out of office hours support", "Auto-enrolment: questions", "Reading: a list", "Read: my "
    "article",
    "Automated decisions", "Automation of minutes", "Recall: what we said in March", "Leave policy",
    "Autonomous vehicles", "Office move", "Re: out of office culture", "Vacation policy",
]  # fmt: skip


#: A person's envelope, as final delivery writes it down (RFC 5321 §4.4).
PERSONAL = f"{FROM}Return-Path: <jo@swindon.example>\n"


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
    behind_relay = letter(f"{FROM}Return-Path: <>\nSubject: Read: this book", "It is short.\n")
    assert why_automatic(behind_relay) is None
    head = f"{FROM}Subject: Recall: News\nX-MS-TNEF-Correlator: <x@y.example>"
    said = 'Field, Jo would like to recall the message, "News".\n'
    german = f"{FROM}Subject: =?utf-8?q?R=C3=BCckruf=3A?= News"
    for recall in (
        letter(head, ""), letter(head, said),
        letter(f"{FROM}Subject: Recall: News\nX-CallingTelephoneNumber: IPM.Outlook.Recall"),
        letter(german, "Field, Jo möchte die Nachricht „News“ zurückrufen.\n"),
    ):  # fmt: skip
        assert why_automatic(recall) == "an attempt to recall a message"
    # Outlook packs what people write as well.
    assert why_automatic(letter(head, "Some of you will recall the workshop.\n")) is None


def test_i34_who_passes_on_a_receipt_has_written_a_post() -> None:
    """RFC 8098 §3: a receipt is a multipart/report; in mail of another kind it was passed on."""
    passed_on = letter(
        f"{PERSONAL}Subject: Fwd: Read: News\nContent-Type: multipart/mixed; boundary=y",
        "--y\n\nIs it fair to collect these?\n--y\n"
        "Content-Type: message/disposition-notification\n\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--y--\n",
    )
    assert why_automatic(passed_on) is None


def test_an_absence_note_that_only_its_words_tell() -> None:
    """A suppressed answer that says "I am out of the office" is one, whatever its subject."""
    head = f"{FROM}Subject: Re: News\nX-Auto-Response-Suppress: All\nIn-Reply-To: <a@b.example>"
    assert why_automatic(letter(head, "I am out of the office until Monday.\n")) is not None
    assert why_automatic(letter(head, "Yes, that works for us.\n")) is None


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Return-Path: <>\nSubject: Automatic reply: News", "Back on Monday.\n"),
        ("Subject: Automatic reply: News\nX-Auto-Response-Suppress: All", "Back on Monday.\n"),
        ("Subject: Automatic reply: News\nIn-Reply-To: <a@b.example>", "Back on Monday.\n"),
        ("Subject: Automatic reply: News\nThread-Topic: News", "Back on Monday.\n"),
        ("Subject: Automatic reply: Re: News", "Back on Monday.\n"),
        ("Subject: Automatic reply: [ai-network] News", "Back on Monday.\n"),
        ("Subject: Automatic reply: News", "I am out of the office until Monday.\n"),
        ("Subject: Automatische Antwort: News", "Guten Tag,\n\nich bin bis Montag im Urlaub.\n"),
        ("Subject: Re: News (Out of Office)", "Hello,\n\nI am on leave until Monday.\n"),
        ("Subject: Jo Field is out of the office.", "I will be out of the office from 2 May.\n"),
    ],
)
def test_a_subject_of_an_absence_and_a_second_sign(head: str, body: str) -> None:
    """RFC 3834 §3: the envelope, what is answered, or the first words, when a gateway took some."""
    base = FROM if head.startswith("Return-Path") else PERSONAL
    assert why_automatic(letter(base + head, body)) is not None


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Automatic reply: four words that people dislike", "That is the title of a talk.\n"),
        ("Réponse automatique : faut-il le dire ?", "Qu'avez-vous décidé chez vous ?\n"),
        ("Abwesenheitsnotiz vom Assistenten schreiben lassen", "Wie machen Sie es?\n"),
        ("RE: Out of Office: News", "Clause 14 is fine by us.\n"),
        ("Out of office", "I will be out of the office on Friday, so we meet on Thursday.\n"),
        ("Annual leave", "I will be on annual leave in August; Ruth looks after the list.\n"),
        ("Re: News", "I'm on leave until Monday but wanted to say: do not sign.\n"),
    ],
)
def test_a_subject_of_an_absence_alone_tells_nothing(subject: str, body: str) -> None:
    """Whose envelope is a person's may write about absences, and announce their own."""
    assert why_automatic(letter(f"{PERSONAL}Subject: {subject}", body)) is None


def test_guards_against_loops() -> None:
    """A responder's X-Loop names its author; a list's names the list (and people write there)."""
    loop = "Subject: Re: News\nX-Loop: jo@swindon.example"
    assert why_automatic(letter(PERSONAL + loop, "We are closed.\n")) is not None
    assert why_automatic(letter(f"{PERSONAL}{loop}\nList-Id: <x.swindon.example>")) is None
    assert why_automatic(letter(f"{PERSONAL}Subject: News\nX-Loop: x@other.example")) is None
    assert why_automatic(letter(f"{PERSONAL}{loop}\nAuto-Submitted: no")) is None


ACKNOWLEDGED = [
    "Thank you for your email. This is an automated acknowledgement. We answer within five days.",
    "*** This is an automated message, please do not reply ***\n\nWe have received your request.",
    "Your enquiry has been received under reference number 100123. Please do not reply to this "
    "email.",
    "Thank you for contacting us.\n\nYour message has not been read. Do not reply to this email.",
    "Guten Tag,\n\nIhre Anfrage ist bei uns eingegangen. Dies ist eine automatisch erzeugte "
    "Nachricht.",
    "Bonjour,\n\nNous avons bien reçu votre demande. Ceci est un message automatique.",
    "Geachte heer,\n\nUw melding is geregistreerd. Dit is een automatisch gegenereerd bericht.",
    "Diolch am gysylltu â ni. Rydym wedi derbyn eich neges. Neges awtomatig yw hon.",
    "** PLEASE DO NOT REPLY TO THIS EMAIL **\n\nThank you for your email. This is an automated "
    "acknowledgement.",
    "Thank you for contacting my office. I get hundreds of emails, and this automated response is "
    "to let you know that yours has arrived.",
    "Mrs Field no longer works for Swindon. This mailbox is not monitored.",
    "Herr Field ist zum 31.03. aus unserem Haus ausgeschieden. Ihre Nachricht wird nicht gelesen.",
]  # fmt: skip
NOT_ACKNOWLEDGED = [
    'Our new text: "Thank you for your email. This is an automated response. Please do not reply '
    'to this email." Too cold?',
    "Our new text:\n\nThank you for your email. This is an automated response. Please do not "
    "reply to this email.\n\nToo cold?",
    "Thank you for your email. What you saw is ours, and this is an automated response it sent by "
    "mistake.",
    "Thank you for your email. We use v2 for that. Please do not reply to this address.",
    "This is an automated message, said the bot, and I believed it.",
    "We have received your comments, and the case for a shared bot is made in chapter 2; please do "
    "not reply to the list.",
    "Jo Field here. My colleague has left the council, and her mailbox is no longer monitored.",
    "Anna Archer has left the council. Her mailbox is no longer monitored, so please write to Bo.",
    "I have left Swindon. This mailbox is no longer monitored.",
    "Thank you for your comments. We have received your report and will be in touch.",
]  # fmt: skip


@pytest.mark.parametrize("text", ACKNOWLEDGED)
def test_i4_acknowledgements_that_only_their_words_tell(text: str) -> None:
    """I4: offices and ticket systems that write no field of RFC 3834."""
    assert why_automatic(letter(f"{PERSONAL}Subject: Your message", text)) is not None


@pytest.mark.parametrize("text", NOT_ACKNOWLEDGED)
def test_i4_people_who_write_of_acknowledgements(text: str) -> None:
    """I4: they quote them, and answer through systems that add such sentences."""
    assert why_automatic(letter(f"{PERSONAL}Subject: Your message", text)) is None


@pytest.mark.parametrize(
    ("author", "more", "automatic"),
    [
        ("Team <hello@willow.example>", "", True),
        ("Town <noreply@town.example>", "", True),
        ("Team <hello@willow.example>", "In-Reply-To: <x@y.example>\n", False),
        ("Ann <a.postlethwaite@town.example>", "", False),
        ("Ann <postlethwaite@town.example>", "", False),
    ],
)
def test_whose_acknowledgement_it_is(author: str, more: str, automatic: bool) -> None:
    """An office thanks, has received and promises; a person answers what they have received."""
    text = "Thanks for writing to us. We've received your message and answer as soon as we can."
    head = f"From: {author}\nReturn-Path: <x@town.example>\n{more}Subject: Thanks!"
    assert (why_automatic(letter(head, text)) is not None) is automatic


def test_a_question_about_an_acknowledgement_is_one() -> None:
    """Who asks in the subject may have pasted the whole text."""
    head = f"{PERSONAL}Subject: What do you think of this?"
    assert why_automatic(letter(head, ACKNOWLEDGED[0])) is None


def test_filters_that_hold_a_message_until_somebody_clicks() -> None:
    """A challenge of a gateway, in another language; a person who asks to click is none."""
    body = "Pour que votre message me soit remis, merci de cliquer sur ce lien :\nhttps://x.example"
    gateway = "From: Jo <noreply@filter.example>\nReturn-Path: <noreply@filter.example>\n"
    assert why_automatic(letter(f"{gateway}Subject: Votre message", body)) is not None
    assert why_automatic(letter(f"{PERSONAL}Subject: Votre message", body)) is None


def test_what_mailman_says_itself() -> None:
    """X-List-Administrivia: a message held for a moderator, not one that somebody wrote."""
    assert why_automatic(letter(f"{PERSONAL}X-List-Administrivia: yes")) is not None
