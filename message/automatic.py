"""Mail that no person wrote just now: absence notes, acknowledgements, receipts (RFC 3834)."""

import re

from message.parse import Message

_SUBJECT = re.compile(
    r"^\s*(?:\[[^\]]*\]\s*)?(?:"
    r"(?:auto(?:matic|mated)?|out[- ]of[- ](?:the[- ])?office|ooo)[ -]?(?:reply|response|answer|"
    r"message|auto\W*reply|assistant)?\s*:|"
    r"(?:auto[- ]?(?:reply|response|responder)|autoreply|automatic reply|automated (?:reply|response)"
    r"|out of (?:the )?office(?: auto\W*reply)?|on (?:annual |maternity |holiday )?leave|"
    r"vacation (?:reply|notice|response)|away from (?:the |my )?(?:office|desk))\b|"
    r"ateb awtomatig|allan o'r swyddfa|automatische antwort|abwesenheits(?:notiz|meldung)|"
    r"r[ée]ponse automatique|absence du bureau|respuesta autom[aá]tica|fuera de (?:la )?oficina|"
    r"risposta automatica|automatisch antwoord|afwezigheids?(?:bericht|melding)|autosvar|"
    r"automatiskt? svar|automaattinen vastaus|resposta autom[aá]tica|automatyczna odpowied|"
    r"自動返信|自动(?:回复|答复))",
    re.I,
)
_RECEIPT_SUBJECT = re.compile(r"^\s*(?:read|not read|delivered|gelesen|lu)\s*:", re.I)
_RECALL = re.compile(r"^\s*(?:recall|message recall\w*)\s*:", re.I)
#: Fields that only responders write.
_FIELDS = ("X-Autoreply", "X-Autorespond", "X-AutoReply-From", "X-Auto-Reply", "X-Mail-Autoreply",
           "X-Autoresponder")  # fmt: skip


def why_automatic(message: Message) -> str | None:
    """Why a message was written by no person, as a short sentence; None if one wrote it.

    List mail with `Precedence: list` or `bulk` is what people wrote; that field alone says nothing.
    """
    submitted = (message.get("Auto-Submitted") or "").split(";")[0].split("(")[0].strip().lower()
    if submitted and submitted != "no":  # RFC 3834 §5
        return f"Auto-Submitted says {submitted.split()[0]}"
    for name in _FIELDS:
        value = message.get(name)
        if value is not None and value.strip().lower() not in {"", "no", "none", "false"}:
            return f"{name} is there"
    if (message.get("Precedence") or "").strip().lower() in {"auto_reply", "auto-reply"}:
        return "Precedence says auto_reply"
    if message.get("X-Auto-Response-Suppress") and _SUBJECT.search(message.subject):
        return "Exchange wrote it"
    if any(part.type == "message/disposition-notification" for part in message.leaves):
        return "a read receipt (RFC 8098)"
    if _RECALL.search(message.subject) and message.get("X-MS-Exchange-Organization-Recall") is not None:
        return "Exchange recalls a message"
    if _SUBJECT.search(message.subject) and not message.references[1:]:
        return "the subject is that of an automatic reply"
    if _RECEIPT_SUBJECT.search(message.subject) and message.root.type == "multipart/report":
        return "a read receipt (RFC 8098)"
    return None


def says_absent(subject: str) -> bool:
    """Whether a subject is that of an automatic reply."""
    return _SUBJECT.search(subject) is not None
