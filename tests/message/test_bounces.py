"""Bounces: RFC 3464 first, then what each server writes; who, whether for good, and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from message import bounces, verdict
from message.bounces import feedback
from message.parse import parse
from message.refusals import Reason
from tests.message.letters import FROM, letter, report

FAILED = """Final-Recipient: rfc822; anna@ashford.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <anna@ashford.example>: User unknown
"""


def test_i19_a_delivery_status_says_who_and_why() -> None:
    """I19, RFC 3464 §2.3: recipient, status, class, reason and the server's words."""
    [bounce] = bounces.read(report(FAILED))
    assert bounce.recipient == "anna@ashford.example"
    assert (bounce.status, bounce.permanent, bounce.reason) == ("5.1.1", True, Reason.MAILBOX)
    assert "User unknown" in bounce.diagnostic
    assert bounces.returned_ids(report(FAILED)) == ["a.1@lists.example.org"]


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (FAILED.replace("5.1.1", "5.2.2").replace("User unknown", "Mailbox full"),
         ("5.2.2", True, Reason.FULL)),
        (FAILED.replace("5.1.1", "5.7.1"), ("5.7.1", True, Reason.POLICY)),
        (FAILED.replace("5.1.1", "4.4.7").replace("550 ", "").replace("User unknown", "expired"),
         ("4.4.7", False, Reason.TRANSIENT)),
        ("Original-Recipient: rfc822;anna@ashford.example\nAction: failed\nStatus: 5.0.0\n"
         "Diagnostic-Code: smtp; 550 5.1.1 no such user\n", ("5.1.1", True, Reason.MAILBOX)),
        ("Action: failed\nDiagnostic-Code: smtp; 550-Please ask\n550 relaying denied\n"
         "Status: 5.7.1\nFinal-Recipient: rfc822; anna@ashford.example",
         ("5.7.1", True, Reason.POLICY)),
    ],
)  # fmt: skip
def test_classes_and_reasons(status: str, found: tuple[str, bool, Reason]) -> None:
    """RFC 3463: class 5 is for good, 4 for now; a vague status gives way to the server's words."""
    [bounce] = bounces.read(report(status))
    assert (bounce.status, bounce.permanent, bounce.reason) == found


def test_rfc_6533_addresses_are_read() -> None:
    """I19: the internationalised form of the report."""
    text = FAILED.replace("rfc822; anna", "utf-8; zoë")
    [bounce] = bounces.read(report(text, kind="message/global-delivery-status"))
    assert bounce.recipient == "zoë@ashford.example"


@pytest.mark.parametrize("blank", ["\n", "\n\n\n", ""])
def test_several_recipients(blank: str) -> None:
    """RFC 3464 §2.1: one group a recipient, also without or with too many blank lines."""
    both = FAILED + blank + FAILED.replace("anna@", "ben@")
    assert [one.recipient for one in bounces.read(report(both))] == [
        "anna@ashford.example", "ben@ashford.example",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
def test_i21_a_delay_or_a_success_counts_nothing(action: str) -> None:
    """I21: delayed, relayed, delivered, expanded are no bounce; they are automatic mail."""
    status = "4.4.1" if action == "delayed" else "2.0.0"
    message = report(FAILED.replace("failed", action).replace("5.1.1", status))
    assert not bounces.is_bounce(message)
    assert bounces.is_delay(message)
    assert all(not one.permanent for one in bounces.read(message))
    assert verdict.judge(message).kind is verdict.Kind.AUTOMATIC


DAEMON = "From: MAILER-DAEMON@mx.example\nTo: x@lists.example.org\nReturn-Path: <>\nSubject: "
FREE = [
    ("failure notice", "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't "
    "able "
     "to deliver your message to the following addresses.\nThis is a permanent error; I've given "
     "up."
     "\n\n<anna@ashford.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 "
     "no such user\n\n--- Below this line is a copy of the message.\n\nTo: someone@else.example\n"),
    ("Mail delivery failed: returning message to sender", "This message was created automatically "
     "by mail delivery software.\n\nA message that you sent could not be delivered to one or "
     "more of "
     "its\nrecipients. The following address(es) failed:\n\n  anna@ashford.example\n    SMTP error "
     "from remote mail server after RCPT TO:<anna@ashford.example>:\n    550 5.1.1 User unknown\n"),
    ("Undeliverable: News", "Your message\n\n  To: x\n  Subject: News\n\ndid not reach the "
    "following "
     "recipient(s):\n\nanna@ashford.example on Tue, 2 Feb 2027\n    The recipient name is not "
     "recognized\n"),
    ("DELIVERY FAILURE: User anna not listed in Domino Directory", "Your message\n\nwas not "
     "delivered to:\n\n  anna@ashford.example\n\nbecause:\n\n  User anna not listed in Domino "
     "Directory\n"),
    ("Undelivered Mail Returned to Sender", "<anna@ashford.example>: host mx said: 550 5.1.1 User "
     "unknown (in reply to RCPT TO command)\n"),
    ("Delivery Status Notification (Failure)", "Delivery to the following recipient failed "
     "permanently:\n\n     anna@ashford.example\n\nTechnical details:\n550 5.1.1 no such "
     "account\n\n"
     "----- Original message -----\n\nFrom: me@lists.example.org\nTo: other@x.example\n"),
    ("Mail Error", "Unknown user: anna@ashford.example\n\nOriginal message follows.\n\nTo: "
    "a@b.example\n"),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "body"), FREE, ids=[subject for subject, _ in FREE])
def test_i19_servers_that_write_words_only(subject: str, body: str) -> None:
    """I19: qmail, Exim, Exchange, Domino, Postfix, Gmail and others."""
    message = letter(DAEMON + subject, body)
    [bounce] = bounces.read(message)
    assert bounce.recipient == "anna@ashford.example"
    assert (bounce.permanent, bounce.reason) == (True, Reason.MAILBOX)
    assert verdict.judge(message).kind is verdict.Kind.BOUNCE


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("Die Nachricht konnte nicht zugestellt werden:\n\n  anna@ashford.example\n\nDas Postfach "
         "existiert nicht.", Reason.MAILBOX),
        ("Votre message n'a pas pu être remis à :\n\n  anna@ashford.example\n\nLa boîte aux "
         "lettres est pleine.", Reason.FULL),
        ("Uw bericht kon niet worden afgeleverd aan\n\n  anna@ashford.example\n\nDe gebruiker is "
         "onbekend.", Reason.MAILBOX),
        ("No se ha podido entregar el mensaje a\n\n  anna@ashford.example\n\nEl buzón no existe.",
         Reason.MAILBOX),
        ("Impossibile consegnare il messaggio a\n\n  anna@ashford.example\n\nLa casella è piena.",
         Reason.FULL),
        ("Meddelandet kunde inte levereras till\n\n  anna@ashford.example\n\nMottagaren finns "
         "inte.", Reason.MAILBOX),
    ],
)  # fmt: skip
def test_servers_that_speak_other_languages(body: str, reason: Reason) -> None:
    """I19: what the words say, wherever the server stands."""
    message = letter(DAEMON + "Mail", body)
    assert [(one.recipient, one.reason) for one in bounces.read(message)] == [
        ("anna@ashford.example", reason)
    ]
    assert verdict.judge(message).kind is verdict.Kind.BOUNCE


def test_i21_a_delay_in_another_language_counts_nothing() -> None:
    """I21: the server still tries, and says so in German."""
    body = "Ihre Nachricht wurde noch nicht zugestellt:\n\n  anna@ashford.example\n\nDie " \
        "Zustellung wird weiterhin versucht."  # fmt: skip
    message = letter(DAEMON + "Zustellung verzögert", body)
    assert not bounces.is_bounce(message)
    assert verdict.judge(message).kind is verdict.Kind.AUTOMATIC


def test_an_address_amid_the_words_hides_no_reason() -> None:
    """Courier writes the recipient into the sentence."""
    said = FAILED.replace("Status: 5.1.1", "Status: 5.0.0").replace(
        "550 5.1.1 <anna@ashford.example>: User unknown", "550 User <anna@ashford.example> unknown"
    )
    [bounce] = bounces.read(report(said))
    assert bounce.reason is Reason.MAILBOX


def test_a_program_that_failed_says_nothing_of_the_mailbox() -> None:
    """x-unix: a filter broke (sysexits.h); with a status of its own it counts."""
    said = FAILED.replace("smtp; 550 5.1.1 <anna@ashford.example>: User unknown",
                          'x-unix; Command died with status 1: "filter": Unknown user')  # fmt: skip
    [bounce] = bounces.read(report(said.replace("Status: 5.1.1", "Status: 5.3.0")))
    assert bounce.reason is not Reason.MAILBOX
    [bounce] = bounces.read(report(said))
    assert bounce.reason is Reason.MAILBOX


def test_a_full_mailbox_that_asks_for_another_try_is_no_dead_one() -> None:
    """Without a code it is the words that say whether it passes."""
    body = "Your message to anna@ashford.example could not be stored, because the mailbox has " \
        "exceeded its limit. Please try again later."  # fmt: skip
    [bounce] = bounces.read(letter(DAEMON + "Mailbox full", body))
    assert (bounce.permanent, bounce.reason) == (False, Reason.FULL)


def test_each_of_several_has_its_own_reason() -> None:
    """Exchange names each twice; and one address may be the end of another."""
    body = (
        "Delivery has failed to these recipients:\n\njoanna@ashford.example\n"
        "The mailbox is full.\n\nanna@ashford.example\nThe address couldn't be found.\n\n"
        "joanna@ashford.example\nServer returned '554 5.2.2 mailbox full'\n\n"
        "anna@ashford.example\nServer returned '550 5.1.1 user unknown'\n"
    )
    found = {one.recipient: one.reason for one in bounces.read(letter(DAEMON + "Failed", body))}
    assert found == {
        "joanna@ashford.example": Reason.FULL, "anna@ashford.example": Reason.MAILBOX,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        ("ai-network-bounces+anna=ashford.example@lists.example.org", "anna@ashford.example"),
        ("ai-network-return-12-anna=ashford.example@lists.example.org", "anna@ashford.example"),
        ("ai-network+token@lists.example.org", "ai-network+token@lists.example.org"),
    ],
)
def test_a_server_that_names_nobody_is_known_by_the_way_back(to: str, recipient: str) -> None:
    """The report came to the return path of one copy; a report to the list itself names nobody."""
    body = "Delivery of your message failed permanently.\n\n  550 account closed\n"
    head = DAEMON.replace("x@lists.example.org", to) + "Delivery failed"
    [bounce] = bounces.read(letter(head, body))
    assert (bounce.recipient, bounce.permanent) == (recipient, True)
    assert bounces.read(letter(DAEMON + "Delivery failed", body)) == []


def test_people_behind_a_relay_without_a_way_back() -> None:
    """A null path is no server's name: numbers like codes and an address below make no bounce."""
    body = "We had 450 answers, of which 12 could not be processed. Unknown users are left out, " \
        "see below.\n\nJo Field\njo.field@swindon.example\n"  # fmt: skip
    for subject in ("Re: Errors in the returned forms", "What we learned"):
        message = letter(f"{FROM}Return-Path: <>\nSubject: {subject}", body)
        assert bounces.read(message) == []
        assert verdict.judge(message).kind is verdict.Kind.POST


def test_x_failed_recipients_names_them() -> None:
    """Exim and Gmail name the recipients in a field."""
    message = letter(f"{DAEMON}Mail failed\nX-Failed-Recipients: anna@ashford.example", "No.")
    assert [one.recipient for one in bounces.read(message)] == ["anna@ashford.example"]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: Undelivered Mail Returned to Sender", "I got this: 550 5.1.1 <anna@ashford.example> "
         "User unknown. Does anybody know her new address?"),
        ("Delivery problems", "Our parcels could not be delivered to bob@x.example last week."),
        ("FW: failure notice", "Hi,\n\nthis is a permanent error; I've given "
        "up.\n\n<a@b.example>:\n"
         "550 no such user"),
    ],
)  # fmt: skip
def test_people_who_write_about_bounces(subject: str, body: str) -> None:
    """A person who quotes a bounce posts; nobody is marked."""
    message = letter(f"{FROM}Return-Path: <jo@swindon.example>\nSubject: {subject}", body)
    assert bounces.read(message) == []
    assert verdict.judge(message).kind is verdict.Kind.POST


def test_i28_an_attached_report_is_not_the_messages_own() -> None:
    """I28: a report that somebody forwards as an attachment is their post."""
    inner = (
        "Content-Type: multipart/report; boundary=z\n\n--z\nContent-Type: message/delivery-status"
    )
    message = letter(
        f"{FROM}Subject: What is this?\nContent-Type: multipart/mixed; boundary=y",
        f"--y\n\nWhat is this?\n--y\nContent-Type: message/rfc822\n\n{inner}\n\n{FAILED}\n--z--\n"
        "--y--\n",
    )
    assert verdict.judge(message).kind is verdict.Kind.POST


@pytest.mark.parametrize(
    "part",
    [f"Content-Type: message/delivery-status\n\n{FAILED}",
     "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"],
)  # fmt: skip
def test_i28_reports_that_a_person_passes_on_in_parts(part: str) -> None:
    """I28, RFC 3464 §2, RFC 5965 §2: some programs take a report apart when they forward it."""
    message = letter(
        f"{FROM}Return-Path: <jo@swindon.example>\nSubject: Fwd: Undelivered Mail\n"
        "Content-Type: multipart/mixed; boundary=y",
        f"--y\n\nWhat is this?\n--y\n{part}\n--y--\n",
    )
    assert verdict.judge(message).kind is verdict.Kind.POST


ARF = """--y
Content-Type: text/plain

This is an abuse report.
--y
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 0.1
Original-Mail-From: <ai-network+b1@lists.example.org>
Original-Rcpt-To: redacted@example.com

--y
Content-Type: message/rfc822

Message-ID: <a.1@lists.example.org>
To: redacted

Hi
--y--
"""


def test_i32_a_complaint_leads_back_to_the_copy() -> None:
    """I32, RFC 5965: the recipient may be redacted; the copy tells which one it was."""
    message = letter(
        "From: feedback@arf.mail.example\nTo: fbl@lists.example.org\nSubject: FW: News\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=y", ARF,
    )  # fmt: skip
    found = feedback.read_report(message)
    assert found is not None
    assert (found.type, found.message_id) == ("abuse", "a.1@lists.example.org")
    assert found.return_path == "ai-network+b1@lists.example.org"
    assert verdict.judge(message).kind is verdict.Kind.REPORT


def test_i32_microsofts_junk_reports() -> None:
    """I32: JMRP attaches the message and says so in the subject only."""
    message = letter(
        "From: staff@hotmail.com\nTo: fbl@lists.example.org\n"
        "Subject: complaint about message from 192.0.2.1\n"
        "Content-Type: multipart/mixed; boundary=y",
        "--y\nContent-Type: message/rfc822\n\nMessage-ID: <a.1@x.example>\n\nHi\n--y--\n",
    )
    found = feedback.read_report(message)
    assert found is not None
    assert found.message_id == "a.1@x.example"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([body for _, body in FREE]))
def test_any_bytes_are_read(noise: bytes, body: str) -> None:
    """Whatever comes, reading it does not fail."""
    for head in (DAEMON + "failure notice\n\n", "Content-Type: message/delivery-status\n\n"):
        message = parse(head.encode() + noise + body.encode() + noise)
        bounces.read(message)
        bounces.returned_ids(message)
        feedback.read_report(message)
