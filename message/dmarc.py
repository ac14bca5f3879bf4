"""Whether the author's domain stands behind a message: DMARC (RFC 9989) by DKIM alone.

SPF is about the connection that a message came by, which nobody sees any more once it lies in a
mailbox; RFC 9989 §8 advises against relying on it anyway.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from message.address import domain_of
from message.canonical import tags
from message.signatures import Signature, Texts, Unanswered

#: RFC 9989 §4.10: a walk up the tree takes at most so many questions.
MOST_QUESTIONS = 8
Policy = Literal["none", "quarantine", "reject"]
_MILDER: dict[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}
_POLICIES: dict[str, Policy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}


@dataclass(frozen=True, slots=True)
class Record:
    """A policy record and the domain that it stands at; None where it says nothing valid."""

    domain: str
    policy: Policy
    below: Policy | None = None
    absent: Policy | None = None
    suffix: str = "u"
    strict: bool = False
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for an author's domain: the policy for what fails, and how strictly it aligns."""

    policy: Policy
    strict: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found out: the domain whose signature vouches, or None; the author's rule, if any.

    `unanswered`: the DNS was asked in vain for something that could have changed it.
    """

    vouched: str | None
    rule: Rule | None
    unanswered: bool = False

    @property
    def protected(self) -> bool:
        """Whether the author's domain asks that mail which is not aligned be kept apart."""
        return self.rule is not None and self.rule.policy != "none"


def judge(author: str, signatures: Sequence[Signature], texts: Texts) -> Standing:
    """Whether one of the signatures speaks for the author's domain; never raises by itself.

    Without a policy record nobody can tell which domains belong together: then only a signature of
    that very domain counts.
    """
    author = domain_of("@" + author)
    silent = any(one.result == "temperror" for one in signatures)
    passed = [one.domain for one in signatures if one.result == "pass"]
    try:
        records = walk(author, texts)
        rule = _rule(author, records, texts)
    except Unanswered:
        # Its own signature is aligned, however strict the rule.
        own = author if author in passed else None
        return Standing(own, None, unanswered=own is None)
    if author in passed:
        return Standing(author, rule)
    if rule is not None and not rule.strict:
        home = organisation(author, records)
        for domain in dict.fromkeys(passed):
            try:
                if _may_be_kin(domain, author) and home == _home(domain, texts):
                    return Standing(domain, rule)
            except Unanswered:
                silent = True
    return Standing(None, rule, unanswered=silent)


def walk(domain: str, texts: Texts) -> list[Record]:
    """The records found on the way up from a domain, the nearest first (RFC 9989 §4.10)."""
    found = []
    for name in _steps(domain):
        record = _at(name, texts)
        if record is not None:
            found.append(record)
            if record.suffix != "u":
                break
    return found


def organisation(domain: str, records: Sequence[Record]) -> str:
    """The organisational domain, by the records of its walk (RFC 9989 §4.10.2)."""
    for record in records:
        if record.suffix == "n":
            return record.domain
        if record.suffix == "y" and record.domain != domain:
            return _one_below(record.domain, domain)
    return records[-1].domain if records else domain


def parse_record(domain: str, text: bytes) -> Record | None:
    """A policy record (RFC 9989 §4.7); None if the text is none. What is not valid is not there."""
    version, _, rest = text.partition(b";")
    name, _, number = version.partition(b"=")
    if name.strip().lower() != b"v" or number.strip() != b"DMARC1":
        return None
    found = _lenient(rest)
    return Record(
        domain,
        _POLICIES.get(found.get("p", "").lower(), "none"),
        _POLICIES.get(found.get("sp", "").lower()),
        _POLICIES.get(found.get("np", "").lower()),
        suffix if (suffix := found.get("psd", "u").lower()) in ("y", "n") else "u",
        found.get("adkim", "r").lower() == "s",
        found.get("t", "n").lower() == "y",
    )


def _lenient(rest: bytes) -> dict[str, str]:
    """RFC 9989 §4.7: unknown or broken tags are passed over; of equal ones the first counts."""
    found: dict[str, str] = {}
    for part in rest.split(b";"):
        for name, value in (tags(part) or {}).items():
            found.setdefault(name.lower(), value)
    return found


def _steps(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    yield domain
    # RFC 9989 §4.10: from a long name only its last seven labels are asked for next.
    above = labels[1:] if len(labels) < MOST_QUESTIONS else labels[-(MOST_QUESTIONS - 1) :]
    for at in range(len(above)):
        yield ".".join(above[at:])


def _at(domain: str, texts: Texts) -> Record | None:
    records = [
        record
        for text in texts(f"_dmarc.{domain}") or ()
        if (record := parse_record(domain, text)) is not None
    ]
    return records[0] if len(records) == 1 else None  # RFC 9989 §4.10: several are none


def _rule(author: str, records: Sequence[Record], texts: Texts) -> Rule | None:
    """RFC 9989 §4.10.1: the record of the domain itself, or of the organisation, or above it."""
    if not records:
        return None
    home = organisation(author, records)
    record = next(
        (one for where in (author, home) for one in records if one.domain == where), records[-1]
    )
    policy = record.policy
    if record.domain != author:
        policy = record.below or policy
        if record.absent and texts(author) is None:
            policy = record.absent
    return Rule(_MILDER[policy] if record.trial else policy, record.strict)


def _home(domain: str, texts: Texts) -> str:
    return organisation(domain, walk(domain, texts))


def _may_be_kin(one: str, other: str) -> bool:
    """Domains under different top-level domains never belong together; nobody needs to ask."""
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _one_below(suffix: str, domain: str) -> str:
    labels = domain.split(".")
    return ".".join(labels[-(suffix.count(".") + 2) :])
