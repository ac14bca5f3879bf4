"""Shows what the network understands of a message: pure, without database or network."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from message import bounces, itip, quoting, sanitise, signatures, verdict, witness
from message.arc import verify_chain
from message.authentication import read_results
from message.canonical import Letter
from message.parse import Message, parse
from message.signatures import Texts

Found = dict[str, Any]
T = TypeVar("T")


class _Reader:
    """Reads one aspect after another; one that fails leaves a note, and the others go on."""

    def __init__(self, notes: Sequence[str]) -> None:
        self.notes = list(notes)

    def ask(self, what: str, question: Callable[[], T], otherwise: T) -> T:
        """The answer to a question, or `otherwise` and a note that says what could not be read."""
        try:
            return question()
        except Exception as trouble:  # noqa: BLE001 - whatever somebody sent, inspect goes on
            self.notes.append(f"{what} could not be read ({type(trouble).__name__})")
            return otherwise


def look(name: str, raw: bytes, trusted: Sequence[str] = (), texts: Texts | None = None) -> Found:
    """What the network understands of a message; never raises, absent things are None or empty.

    With `texts`, answers of the DNS, the signatures are verified in place of believing a server.
    """
    message = parse(raw)
    reader = _Reader(message.defects)
    judged = reader.ask("kind", lambda: verdict.judge(message), None)
    found: Found = {
        "file": name,
        "kind": str(judged.kind) if judged else None,
        "why": judged.why if judged else None,
        "from": message.from_.address if message.from_ else None,
        "subject": message.subject,
        "message_id": message.message_id,
        "parent_candidates": reader.ask("parents", lambda: parent_candidates(message), list[str]()),
        "text": reader.ask("text", lambda: _texts(message), _texts_of([])),
        "html": reader.ask("html", lambda: _html(message), None),
        "attachments": reader.ask("attachments", lambda: _attachments(message), list[Found]()),
        "bounces": reader.ask("bounces", lambda: _bounces(message), list[Found]()),
        "calendar": reader.ask("calendar", lambda: _calendar(message), None),
        "authentication": reader.ask(
            "authentication",
            lambda: _verified(raw, texts) if texts else _authentication(message, trusted),
            _no_authentication(),
        ),
    }
    found["defects"] = reader.notes
    return found


def as_json(found: Found) -> str:
    """One line of JSON."""
    return json.dumps(found)


def parent_candidates(message: Message) -> list[str]:
    """Message-IDs that this one may answer, nearest first: In-Reply-To, then References."""
    return list(dict.fromkeys([*message.in_reply_to, *reversed(message.references)]))


def _texts(message: Message) -> dict[str, str]:
    return _texts_of(message.passages)


def _texts_of(passages: Sequence[quoting.Passage]) -> dict[str, str]:
    def of(kind: str) -> str:
        return "".join(passage.text for passage in passages if passage.kind == kind)

    own = quoting.own_words(list(passages))
    return {
        "own": own,
        "quoted": of("quoted"),
        "signature": of("signature"),
        "folded": of("folded"),
    }


def _html(message: Message) -> str | None:
    return sanitise.clean(message.html) if message.html is not None else None


def _attachments(message: Message) -> list[Found]:
    return [
        {"name": file.name, "type": file.type, "size": file.size, "sha256": file.sha256}
        for file in message.attachments
    ]


def _bounces(message: Message) -> list[Found]:
    return [
        {"recipient": bounce.recipient, "status": bounce.status, "permanent": bounce.permanent,
         "class": str(bounce.reason), "diagnostic": bounce.diagnostic}
        for bounce in bounces.read(message)
    ]  # fmt: skip


def _calendar(message: Message) -> Found | None:
    for part in message.calendars:
        answer = itip.read_answer(part.text)
        if answer is not None:
            return {"method": answer.method, "uid": answer.uid, "sequence": answer.sequence,
                    "attendee": answer.attendee, "partstat": answer.partstat}  # fmt: skip
    return None


def _no_authentication() -> dict[str, str | None]:
    return {"dkim": None, "arc": None, "dmarc": None}


def _authentication(message: Message, trusted: Sequence[str]) -> dict[str, str | None]:
    """What the receiving server found. It is the topmost to have signed, unless one is named."""
    servers = trusted or _topmost_server(message)
    results = read_results(message, servers)
    return {"dkim": results.dkim, "arc": results.arc, "dmarc": results.dmarc}


def _verified(raw: bytes, texts: Texts) -> dict[str, str | None]:
    """What we find out ourselves, and why nobody vouches for the author if so."""
    letter = Letter(raw)
    found = witness.look(letter, witness.head_of(letter), texts)
    results = sorted((one.result for one in signatures.verify(letter, texts)), key="pass".__ne__)
    return {
        "dkim": results[0] if results else "none",
        "arc": verify_chain(letter, texts),
        "dmarc": "pass" if found.vouched else "fail",
        "why": found.doubt,
    }


def _topmost_server(message: Message) -> list[str]:
    # RFC 8601 §2.2: authserv-id [version] ";" results
    value = message.get("Authentication-Results") or ""
    words = value.partition(";")[0].split()
    return words[:1]


def in_words(found: Found) -> str:
    """The same for people to read."""
    lines = [f"{found['file']}: {found['kind'] or 'unknown'}" + _because(found["why"])]
    for label in ("from", "subject", "message_id"):
        lines.append(f"  {label.replace('_', ' ')}: {found[label] or '-'}")
    if found["parent_candidates"]:
        lines.append(f"  answers: {found['parent_candidates'][0]}")
    for kind, text in found["text"].items():
        if text.strip():
            lines += [f"  {kind}:", *(f"    | {line}" for line in text.strip().splitlines())]
    for file in found["attachments"]:
        lines.append(f"  attachment: {file['name']} ({file['type']}, {file['size']} bytes)")
    for bounce in found["bounces"]:
        how = "for good" if bounce["permanent"] else "for now"
        lines.append(
            f"  bounce: {bounce['recipient']} {how}, {bounce['class']}, {bounce['status']}"
        )
    if found["calendar"]:
        lines.append("  calendar: " + ", ".join(f"{k} {v}" for k, v in found["calendar"].items()))
    told = {key: value for key, value in found["authentication"].items() if value}
    why = told.pop("why", None)
    results = ", ".join(f"{key}={value}" for key, value in told.items())
    lines.append(f"  authentication: {results or '-'}" + _because(why))
    lines += [f"  defect: {defect}" for defect in found["defects"]]
    return "\n".join(lines)


def _because(why: str | None) -> str:
    return f" ({why})" if why else ""
