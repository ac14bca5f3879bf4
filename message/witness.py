"""What a message itself can prove about its author, and in plain words why it proves nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from message import dmarc, signatures
from message.address import parse_mailboxes
from message.canonical import Letter
from message.dmarc import Standing
from message.parse import Message, parse
from message.signatures import Signature, Texts

NO_AUTHOR = "it does not name one author"
MALFORMED = "its header is broken: programs read it differently"
TWICE = "a field stands twice in it that may stand once"
SILENT = "the DNS did not answer when it came"
#: RFC 6376 §8.15: one signs the last of equal fields, another shows the first.
_ONCE = (
    "subject", "date", "message-id", "in-reply-to", "references", "mime-version", "content-type",
    "content-transfer-encoding",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """The author's domain if its own signature vouches for the message, else why not."""

    vouched: str | None
    doubt: str | None


def head_of(letter: Letter) -> Message:
    """The header of a message, read as all others read it."""
    return parse(b"".join(letter.fields) + b"\r\n")


def look(letter: Letter, head: Message, texts: Texts, now: int | None = None) -> Finding:
    """Verify the signatures of a message and hold them against its From (RFC 9989 §5.3).

    Never raises, as long as `texts` does nothing but answer or raise Unanswered.
    """
    author = author_domain(letter, head)
    if author is None:
        return Finding(None, NO_AUTHOR if letter.sound else MALFORMED)
    found = signatures.verify(letter, texts, now)
    standing = dmarc.judge(author, found, texts)
    if standing.vouched and any(len(letter.named(name)) > 1 for name in _ONCE):
        return Finding(None, TWICE)
    if standing.vouched:
        return Finding(author, None)
    return Finding(None, _doubt(author, found, standing))


def author_domain(letter: Letter, head: Message) -> str | None:
    """The domain of From; None where there are several, or none (RFC 5322 §3.6.2)."""
    values = head.get_all("From")
    if not letter.sound or len(letter.named("from")) != 1 or len(values) != 1:
        return None
    domains = {box.domain for box in parse_mailboxes(values[0])}
    domain = domains.pop() if len(domains) == 1 else ""
    return domain if signatures.is_domain(domain) else None


def _doubt(author: str, found: Sequence[Signature], standing: Standing) -> str:
    if standing.unanswered:
        return SILENT
    rule = (
        "its domain asks that such mail be kept apart"
        if standing.protected
        else "its domain has no rule against forgery"
    )
    return f"{_fault(author, found)}; {rule}"


def _fault(author: str, found: Sequence[Signature]) -> str:
    if not found:
        return "it is not signed"
    own = [one for one in found if one.domain == author]
    failed = next((one for one in own or found if one.result != "pass"), None)
    if failed is None or (not own and any(one.result == "pass" for one in found)):
        return "it is signed by another domain"
    return f"its signature does not count: {failed.why}"
