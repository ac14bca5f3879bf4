"""What a server that we trust found out about a sender: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from message.address import domain_of
from message.parse import Message

_COMMENT = re.compile(r"\([^()]*\)")
_METHOD = re.compile(r"(dkim|arc|dmarc|spf)(?:/\d+)?\s*=\s*([a-z]+)(.*)", re.I | re.S)
_PROPERTY = re.compile(r"(header|smtp|policy)\.([a-z]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.I)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The results of a trusted server; None where it says nothing.

    `domain` is the author's domain that DMARC (or an aligned DKIM signature) vouches for.
    """

    dkim: str | None = None
    arc: str | None = None
    dmarc: str | None = None
    spf: str | None = None
    domain: str | None = None


def read_results(message: Message, trusted: Sequence[str]) -> Authentication:
    """The results in the topmost field that a trusted server wrote (RFC 8601 §5).

    `trusted` are authserv-ids; any other field may be forged, and so may those of attached
    messages, which are never looked at. Without a trusted field nothing is known.
    """
    ours = {one.lower() for one in trusted}
    for value in message.get_all("Authentication-Results"):
        server, methods = parse_results(value)
        if server in ours:
            return _summary(methods, message)
    return Authentication()


def parse_results(value: str) -> tuple[str, list[tuple[str, str, dict[str, str]]]]:
    """One field taken apart: the authserv-id, and each method with its result and properties."""
    bare = value
    for _ in range(5):  # comments may be nested (RFC 5322 §3.2.2)
        bare = _COMMENT.sub(" ", bare)
    head, *rest = bare.split(";")
    words = head.split()
    methods = []
    for item in rest:
        match = _METHOD.match(item.strip())
        if match:
            pairs = {
                f"{kind.lower()}.{name.lower()}": text.strip('"')
                for kind, name, text in _PROPERTY.findall(match[3])
            }
            methods.append((match[1].lower(), match[2].lower(), pairs))
    return (words[0].lower() if words else ""), methods


def _summary(
    methods: list[tuple[str, str, dict[str, str]]], message: Message
) -> Authentication:
    results: dict[str, str] = {}
    author = domain_of(message.from_.address) if message.from_ else ""
    vouched: str | None = None
    for method, result, properties in methods:
        if results.get(method) != "pass":
            results[method] = result
        if result != "pass":
            continue
        if method == "dmarc" and domain_of("@" + properties.get("header.from", author)) == author:
            vouched = author
        signer = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
        if method == "dkim" and signer and signer.lower() == author:
            vouched = vouched or author
    return Authentication(
        results.get("dkim"), results.get("arc"), results.get("dmarc"), results.get("spf"), vouched
    )
