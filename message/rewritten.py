"""Message-IDs that a relay puts in place of ours, as far as its answer to the message tells."""

import re

_IN_BRACKETS = re.compile(r"<([^<>@\s]{1,200}@[A-Za-z0-9.-]{1,200})>")
#: Amazon SES answers `Ok` with an id from which it makes a Message-ID at a domain of its region.
_SES_ANSWER = re.compile(r"\bOk ([0-9a-f]{16}-[0-9a-f-]{36,60})(?:\s|$)", re.IGNORECASE)
_SES_HOST = re.compile(r"email-smtp(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com\.?", re.IGNORECASE)


def rewritten_id(host: str, words: str, ours: str) -> str | None:
    """The Message-ID, without brackets, that a message got from the relay; None if it kept ours.

    `host` is the relay's name, `words` what it said after the final dot.
    """
    if place := _SES_HOST.fullmatch(host):
        if answer := _SES_ANSWER.search(words):
            domain = "email" if place[1] == "us-east-1" else place[1]
            return f"{answer[1]}@{domain}.amazonses.com"
        return None
    found = _IN_BRACKETS.findall(words)
    if not found or ours in found:
        return None
    return str(found[0])
