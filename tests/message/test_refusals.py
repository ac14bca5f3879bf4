"""Refusals of real servers, and what each means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from message.refusals import Reason, judge

MAILBOX = [
    "550 5.1.1 <jo@swindon.example>: Recipient address rejected: User unknown in local recipient "
    "table",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try "
    "double-checking",
    "550-5.1.1 The email account that you tried to reach does not exist.",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jo@swindon.example not found by SMTP "
    "address",
    "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR01FT012]",
    "550 5.2.1 The email account that you tried to reach is disabled.",
    "550 No such user here",
    "550 sorry, no mailbox here by that name. (#5.1.1)",
    "550 Unknown recipient jo@swindon.example",
    "554 delivery error: dd This user doesn't have a yahoo.com account (jo@yahoo.com) [0]",
    "550 5.1.1 unknown or illegal alias: jo@swindon.example",
    "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
    "550 5.1.0 Address rejected 550",
    "550 Invalid recipient jo@swindon.example (Mode: normal)",
    "550 unrouteable address",
    "551 User not local; please try <jo@wiltshire.example>",
    "550 5.1.6 Recipient has moved",
    "550 jo@swindon.example is not a known user at this site",
    "553 5.3.0 <jo@swindon.example>... No such user",
    "550 5.1.2 Host unknown (Name server: swindon.example: host not found)",
    "550 This account has been disabled or discontinued [#102].",
    "554 5.4.4 Host or domain name not found. Name service error for name=x.example type=AAAA",
    "550 Addressee unknown, relay=[192.0.2.1]",
    "5.1.1 User unknown",
]
FULL = [
    "552 5.2.2 The email account that you tried to reach is over quota.",
    "452 4.2.2 The email account that you tried to reach is over quota.",
    "550 5.2.2 <jo@swindon.example>: Mailbox full",
    "554 5.2.2 STOREDRV.Deliver; mailbox full. The following information should help",
    "552 Requested mail action aborted: exceeded storage allocation; quota exceeded",
    "422 The recipient's mailbox is over its storage limit",
    "550 Mailbox quota exceeded",
    "550 user has too many messages on the server",
]
POLICY = [
    "550 5.7.1 Unauthenticated email from swindon.example is not accepted due to domain's DMARC "
    "policy",
    "550-5.7.26 This mail has been blocked because the sender is unauthenticated.",
    "550 5.7.509 Access denied, sending domain swindon.example does not pass DMARC verification",
    "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
    "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "550 5.7.1 Our system has detected that this message is likely unsolicited mail.",
    "554 5.7.1 Message rejected because of unacceptable content",
    "554 5.7.1 <jo@swindon.example>: Relay access denied",
    "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; recipient only accepts from its "
    "members",
    "550 5.7.124 Sender not allowed to send to this group",
    "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
    "550 5.7.23 The message was rejected because of Sender Policy Framework violation",
    "550 5.7.1 User unknown",  # O8: 5.7.x never speaks of the mailbox
    "554 Your access to this mail system has been rejected due to poor reputation of a domain used",
    "550 SPF check failed.",
    "550 Rejected by policy",
    "554 Message contains spam or phishing content",
    "550 Administrative prohibition - envelope blocked - "
    "https://community.mimecast.com/docs/DOC-1369#550",
    "554 5.7.0 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.1",
    "550 High probability of spam",
    "550 DKIM signature verification failed",
    "550 5.1.8 Sender address rejected: Domain not found",
    "550 5.1.1 Mail rejected: your IP is listed at bl.example.net, address unknown",
    "553 sorry, that domain isn't in my list of allowed rcpthosts; sender rejected",
    "550 Virus found in message",
    "550 Reverse DNS lookup failed for 192.0.2.1",
    "554 5.7.105 DMARC: message rejected by the policy of the domain owner",
    "550 Greylisting policy does not apply: sender blacklisted",
]
SIZE = [
    "552 5.3.4 Message size exceeds fixed maximum message size (10485760)",
    "552 5.2.3 Message too large for recipient",
    "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
    "523 the message size exceeds the recipient's size limit",
]
TRANSIENT = [
    "450 4.7.1 Client host rejected: Greylisted, see http://postgrey.example/help",
    "451 4.7.1 Greylisting in action, please come back later",
    "421 4.3.2 Service not available, closing transmission channel",
    "451 4.3.0 Temporary lookup failure",
    "421 4.7.0 Try again later, closing connection.",
    "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
    "452 4.5.3 Too many recipients",
    "451 Temporary local problem - please try later",
    "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
    "450 4.1.1 <jo@swindon.example>: Recipient address rejected: unverified address: Address "
    "lookup",
]


def _split(text: str) -> tuple[int | None, str]:
    head, _, words = text.replace("-", " ", 1).partition(" ")
    return (int(head), words) if head.isdigit() else (None, text)


@pytest.mark.parametrize("text", MAILBOX)
def test_the_mailbox_is_gone(text: str) -> None:
    """Permanent, and about the mailbox (or its domain)."""
    code, words = _split(text)
    refusal = judge(code, None, words)
    assert (refusal.permanent, refusal.reason) == (True, Reason.MAILBOX)


@pytest.mark.parametrize("text", POLICY)
def test_o8_policy_is_never_held_against_a_mailbox(text: str) -> None:
    """O8: policy, spam, DMARC, SPF, 5.7.x speak of the sender or the text, never of the mailbox."""
    code, words = _split(text)
    refusal = judge(code, None, words)
    assert (refusal.permanent, refusal.reason) == (True, Reason.POLICY)


@pytest.mark.parametrize(("texts", "reason"), [(FULL, Reason.FULL), (SIZE, Reason.SIZE)])
def test_full_and_too_large(texts: list[str], reason: Reason) -> None:
    """A full mailbox and a message that is too large are what they are, with 4xx or 5xx."""
    for text in texts:
        code, words = _split(text)
        assert judge(code, None, words).reason is reason, text


@pytest.mark.parametrize("text", TRANSIENT)
def test_trouble_in_passing(text: str) -> None:
    """4xx is tried again, whatever it says."""
    code, words = _split(text)
    refusal = judge(code, None, words)
    assert (refusal.permanent, refusal.reason) == (False, Reason.TRANSIENT)


def test_o11_552_for_too_many_recipients_is_temporary() -> None:
    """O11, RFC 5321 §4.5.3.1.10: 552 was once the code of "too many recipients"."""
    assert not judge(552, None, "Too many recipients").permanent
    assert judge(552, "5.3.4", "message size exceeds fixed maximum").permanent


def test_challenges_are_told_apart() -> None:
    """A server that wants a person to click is no dead mailbox."""
    words = "Please click the link to be approved: challenge-response system"
    assert judge(550, None, words).reason is Reason.CHALLENGE


def test_an_address_or_a_version_is_no_status() -> None:
    """5.1.1 inside of an IP address or a version number is not an enhanced status."""
    assert judge(550, None, "host 5.1.1.20 said hello").reason is Reason.OTHER
    assert judge(None, None, "nothing at all") == judge(None, "", "")


@given(st.none() | st.integers(0, 999), st.none() | st.text(max_size=9), st.text(max_size=300))
def test_any_words_are_judged(code: int | None, enhanced: str | None, words: str) -> None:
    """Nothing a server says makes it fail, and 5.7.x is never about a mailbox."""
    assert judge(code, enhanced, words).reason in Reason
    assert judge(code, "5.7.1", words).reason is not Reason.MAILBOX
