"""What a server that we trust found out about a sender: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from message.address import domain_of
from message.parse import Message

MOST_RESULTS = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<comment>\()|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"?|(?P<sign>[;=])|(?P<word>[^\s;=()\"]+))"
)
_COMMENT = re.compile(r"\([^()\\]*\)")
_METHODS = ("dkim", "arc", "dmarc", "spf")


@dataclass(frozen=True, slots=True)
class Authentication:
    """The results of a trusted server; None where it says nothing.

    `aligned_domain` is the author's domain that DMARC, or a DKIM signature of that very domain,
    vouches for; None if nothing does.
    """

    dkim: str | None = None
    arc: str | None = None
    dmarc: str | None = None
    spf: str | None = None
    aligned_domain: str | None = None


@dataclass(slots=True)
class Result:
    """One method's result with its properties, such as header.d."""

    method: str
    result: str
    reason: str | None = None
    properties: dict[str, str] = field(default_factory=dict)


def read_results(message: Message, trusted: Sequence[str]) -> Authentication:
    """The results in the topmost field that a trusted server wrote (RFC 8601 §5, §7.1).

    `trusted` are authserv-ids; any other field may be forged, and so may those of attached
    messages, which are never looked at. Without a trusted field nothing is known. The trusted id
    "" stands for a server that writes the field without an id, as Exchange Online does: then only
    the very first field counts.
    """
    ours = {one.strip().lower() for one in trusted}
    for place, value in enumerate(message.get_all("Authentication-Results")):
        server, results = parse_results(value)
        if server in ours and (server or place == 0):
            return _summary(results, message)
    return Authentication()


def parse_results(value: str) -> tuple[str, list[Result]]:
    """One field taken apart: the authserv-id in lower case, and the results in order. Never raises.

    The id is "" when the field begins with a result, as some servers write it.
    """
    groups: list[list[str]] = [[]]
    for word in _tokens(value):
        if word == ";":
            groups.append([])
        else:
            groups[-1].append(word)
    head, rest = groups[0], groups[1:]
    server = ""
    if "=" in head:
        rest = groups
    elif head:
        server = head[0].strip('"').lower()
    results = [one for group in rest[:MOST_RESULTS] if (one := _result(group)) is not None]
    return server, results


def _tokens(value: str) -> list[str]:
    """RFC 8601 §2.2: words, quoted strings and signs; comments, nested too, are left out."""
    if '"' not in value:
        bare = _COMMENT.sub(" ", value) if "(" in value else value
        if "(" not in bare and ")" not in bare:  # as nearly all are
            return bare.replace(";", " ; ").replace("=", " = ").split()
    tokens: list[str] = []
    at = 0
    while match := _TOKEN.match(value, at):
        at = match.end()
        if match.group("comment"):
            at = _after_comment(value, at)
        elif match.group("quoted") is not None:
            tokens.append(re.sub(r"\\(.)", r"\1", match.group("quoted")))
        else:
            tokens.append(match.group("sign") or match.group("word"))
    return tokens


def _after_comment(value: str, at: int) -> int:
    depth = 1
    while at < len(value) and depth:
        if value[at] == "\\":
            at += 1
        elif value[at] == "(":
            depth += 1
        elif value[at] == ")":
            depth -= 1
        at += 1
    return at


def _result(tokens: list[str]) -> Result | None:
    """RFC 8601 §2.2: method [/version] = result [reason=...] [ptype.property=value ...]."""
    if len(tokens) < 3 or tokens[1] != "=":
        return None
    found = Result(tokens[0].partition("/")[0].lower(), tokens[2].lower())
    at = 3
    while at + 2 < len(tokens):
        if tokens[at + 1] != "=":
            at += 1
            continue
        name, text = tokens[at].lower(), tokens[at + 2]
        at += 3
        if name == "reason":
            found.reason = text
        else:
            found.properties.setdefault(name, text)
    return found


def _summary(results: list[Result], message: Message) -> Authentication:
    # RFC 5322 §3.6.2: with two authors, or two From fields, nobody is vouched for.
    domains = {box.domain for box in message.authors}
    author = domains.pop() if len(domains) == 1 else ""
    best: dict[str, str] = {}
    aligned: str | None = None
    for one in results:
        if one.method in _METHODS and best.get(one.method) != "pass":
            best[one.method] = one.result
        if one.result == "pass" and author and author == _vouched(one, author):
            aligned = author
    return Authentication(
        best.get("dkim"), best.get("arc"), best.get("dmarc"), best.get("spf"), aligned
    )


def _vouched(one: Result, author: str) -> str:
    """The domain that a passed result speaks for."""
    if one.method == "dmarc":
        return domain_of("@" + one.properties.get("header.from", author).rpartition("@")[2])
    if one.method == "dkim":
        signer = one.properties.get("header.d") or one.properties.get("header.i", "")
        return domain_of("@" + signer.rpartition("@")[2])
    return ""
