"""Blocks that head a quoted message: "From: Sent: To: Subject:", "-----Original Message-----"."""

import re

from message.quoting.lines import Line

MOST_LINES = 24
MOST_RECIPIENTS = 20
LONGEST_BARE = 30
_WORDS = {
    "from": (
        "from|von|de|da|van|fra|från|od|od kogo|от|отправитель|від|lähettäjä|feladó|kimden|"
        "gönderen|"
        "expéditeur|mittente|remitente|από|发件人|寄件者|差出人|보낸 사람|보낸사람|"
        "odesílatel|"
        "de la|oddelek|o|wth|oddi wrth|ó|saatja|nuo|no|von meinem|message de|من|מאת|від|frá|"
        "şuradan|dari|từ|expeditor|pošiljatelj|šalje"
    ),
    "sent": (
        "sent|gesendet|gesendet am|envoyé|envoyé le|envoyée|inviato|verzonden|sendt|skickat|"
        "skickades|"
        "wysłano|wysłane|data wysłania|enviado|enviado el|enviada em|enviat|lähetetty|odesláno|"
        "odoslané|"
        "отправлено|відправлено|gönderildi|gönderilme|elküldve|küldve|trimis|εστάλη|στάλθηκε|"
        "anfonwyd|"
        "发送时间|傳送時間|寄件日期|送信日時|보낸 날짜|poslano|saadetud|išsiųsta|seolta|"
        "date|datum|data|dato|dátum|fecha|päivämäärä|дата|tarih|ημερομηνία|日付|日期|날짜|dyddiad|"
        "message du|تم الإرسال|التاريخ|תאריך|נשלח|dátum|надіслано|sent on|poslano|trimis la"
    ),
    "to": (
        "to|an|à|a|aan|til|till|do|para|per|komu|кому|vastaanottaja|címzett|kime|către|προς|at|"
        "收件人|收件者|宛先|받는 사람|받는사람|za|kam|kepada|chuig|إلى|אל|către|prima"
    ),
    "cc": "cc|bcc|kopie|copie|copie à|copia|kopi|kopia|"
    "dw|kopio|másolat|копия|bilgi|κοιν|抄送|副本|참조",
    "subject": (
        "subject|betreff|objet|oggetto|onderwerp|emne|ämne|temat|asunto|assunto|assumpte|aihe|"
        "předmět|الموضوع|נושא|naslov|predmet|тема|konu|tárgy|subiect|θέμα|主题|主旨|件名|제목|pwnc|teema|tema|ábhar|re"
    ),
    "other": (
        "reply-to|antwort an|répondre à|rispondi a|importance|wichtigkeit|attachments|anlagen|"
        "pièces jointes|allegati|bijlagen|priority|sensitivity|organization|newsgroups|when|where"
    ),
}
_LABELS = {label: kind for kind, words in _WORDS.items() for label in words.split("|")}
_LABELLED = re.compile(r"^[>*_\s]*([^\W\d][^:：*\n]{0,30}?)[*_\s]*[:：][*_\s]*(.*)$")
_INLINE = re.compile(
    r"[\s*](?:Date|Sent|To|Subject|Datum|An|Betreff|Objet|Date|Envoyé|Asunto|Oggetto)\s?:\*?\s",
)
_MARKS = re.compile(r"^[ \t>]+")
_RULE = re.compile(r"^[-_=*—─–~\s]{3,}$|^_{2,}$")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h]\s?\d{2}(?!\d)")
_ORIGINAL = re.compile(
    r"^[-_*=>—\s]{2,}\s*(?:original (?:message|email|e-mail|appointment)|reply message|"
    r"(?:ursprüngliche|originale?) (?:nachricht|mail)|original ?nachricht|originaltermin|"
    r"message (?:d['’]origine|original|initial)|messaggio originale|mensaje original|"
    r"mensagem original|missatge original|oorspronkelijk bericht|origineel bericht|"
    r"oprindelig (?:meddelelse|besked|mail)|original(?:t)? ?meddelande|ursprungligt meddelande|"
    r"opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|"
    r"pôvodná správa|původní (?:zpráva|e-mail)|исходное сообщение|оригинальное сообщение|"
    r"(?:orijinal|özgün) ileti|eredeti üzenet|mesaj original|neges wreiddiol|"
    r"原始邮件|原始郵件|元のメッセージ|원본 메시지|quoted message|previous message)\s*[-_*=—\s:]*$|"
    # In any words of any language between drawn lines, with the stem of "original" among them.
    r"^-{2,20} ?(?:[^-\s]{1,20}[- ]){0,3}?(?:origin|원본|原始|元の|оригинал|исходн|eredeti|původn|"
    r"pôvodn|alkuper|oprind|opprin|oorspronk|wreiddiol|ursprüng)[^-\s]{0,16}(?:[- ][^-\s]{1,20})? ?"
    r"-{2,20}$",
    re.IGNORECASE,
)
_DRAWN = frozenset("-_*=>—")
_QUOTES = frozenset("\"'")
_SIGNS = _DRAWN | _QUOTES
_ABOVE = re.compile(
    r"^[-_#*=\s]*(?:please )?(?:(?:type|write|enter|add) your (?:reply|response)|reply|respond) "
    r"above (?:this|the) line\b",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"^[-_*=>—\s]*(?:begin )?(?:forwarded (?:message|email|mail)(?: (?:from|by) .{1,60})?|"
    r"weitergeleitete (?:nachricht|mail)|anfang der weitergeleiteten (?:nachricht|e-mail)|"
    r"message (?:transféré|réexpédié)|début du message (?:transféré|réexpédié)|messaggio inoltrato|"
    r"inizio messaggio inoltrato|mensaje reenviado|inicio del mensaje reenviado|"
    r"mensagem encaminhada|doorgestuurd bericht|begin doorgestuurd bericht|videresendt "
    r"(?:meddelelse|besked|melding)|vidarebefordrat (?:meddelande|brev)|välitetty viesti|"
    r"(?:wiadomość )?przekazana wiadomość|přeposlaná zpráva|пересланное сообщение|"
    r"пересылаемое сообщение|iletilen mesaj|továbbított üzenet|neges a anfonwyd ymlaen|"
    r"转发的邮件|轉寄的郵件|転送メッセージ|전달된 메시지)\s*[-_*=—\s:]*$",
    re.IGNORECASE,
)


def may_begin(line: Line) -> bool:
    """Whether to look at a line more closely: most prose has none of these signs."""
    plain = line.plain
    return not line.blank and (
        len(plain) < LONGEST_BARE
        or plain[0] in _SIGNS
        or ":" in plain
        or "：" in plain
        or " above " in plain
    )


def is_original(line: Line) -> bool:
    """Whether a line says that the original message, or all that is to be cut, follows."""
    if line.plain[:1] in _DRAWN and _ORIGINAL.match(line.plain):
        return True
    return " above " in line.plain and bool(_ABOVE.match(line.plain))


def is_bare_original(line: Line) -> bool:
    """The same without drawn lines beside it (BlackBerry): a short line says so above a block."""
    return bool(_ORIGINAL.match(f"--{line.plain}--"))


def is_forward(line: Line) -> bool:
    """Whether a line says that what follows is passed on, to be read."""
    dashes = line.plain.startswith(("-", "_", "=", "*", "—")) or line.plain.endswith((":", "-"))
    return dashes and bool(_FORWARD.match(line.plain))


def is_rule(line: Line) -> bool:
    """Whether a line is a drawn line."""
    return bool(_RULE.match(line.plain))


def recipients(lines: list[Line]) -> list[str]:
    """The names of those to whom the first quoted message was written: one of them may answer."""
    for line in lines:
        if line.kind == "quoted" and (":" in line.raw or "：" in line.raw):
            kind, value = _labelled(Line(_MARKS.sub("", line.raw)))
            if kind == "to":
                return [part.strip() for part in value.split(";")][:MOST_RECIPIENTS]
    return []


def length_at(lines: list[Line], place: int, announced: bool = False) -> int:
    """How many lines the header block that begins here takes; 0 when there is none.

    `announced`: a line above says that a message follows, so the block need not prove it.
    """
    kind, value = _labelled(lines[place])
    if kind not in {"from", "sent", "subject", "to"}:
        return _unknown_block(lines, place) or _notes_block(lines, place)
    if kind == "from" and "@" in value and _INLINE.search(value):
        return 1
    found = {kind: value}
    end, gap = place + 1, 0
    for at in range(place + 1, min(len(lines), place + MOST_LINES)):
        line = lines[at]
        if line.blank:
            gap += 1
            if gap > 1:
                break
            continue
        label, value = _labelled(line)
        if not label or label in found:
            if gap or not _continues(line, found):
                break
            continue
        found[label] = value
        end, gap = at + 1, 0
    if place and not announced and len(found) < 3 and _goes_on(lines[place - 1], lines[place]):
        return 0
    return end - place if _is_block(found, lines[place:end], announced) else 0


def _goes_on(above: Line, line: Line) -> bool:
    """Whether a line is set in as far as the one right above: both are of what somebody shows."""
    depth = _depth(line)
    return depth > 0 and not above.blank and _depth(above) == depth


def _depth(line: Line) -> int:
    return len(line.raw) - len(line.raw.lstrip(" \t"))


def _labelled(line: Line) -> tuple[str, str]:
    if line.marked or not (":" in line.plain or "：" in line.plain):
        return "", ""
    match = _LABELLED.match(line.plain)
    if not match:
        return "", ""
    # Bilingual offices write "From/Oddi wrth".
    names = (name.strip() for name in match.group(1).lower().split("/"))
    return next((kind for name in names if (kind := _LABELS.get(name))), ""), match.group(2)


def _continues(line: Line, found: dict[str, str]) -> bool:
    """Whether an unlabelled line belongs to the field above: addresses and subjects are wrapped."""
    return len(found) < 4 or "@" in line.plain or ";" in line.plain


_NOTES_FROM = re.compile(r"^[\"'].{2,60}[\"'] <[^<>\s]+@[^<>\s]+>$")
_NOTES_DATE = re.compile(r"^\d{1,4}[./-]\d{1,2}[./-]\d{2,4} \d{1,2}[:.]\d{2}")


def _notes_block(lines: list[Line], place: int) -> int:
    """The table that Lotus Notes puts above what it quotes: name, date, and "To" below."""
    first = lines[place].plain
    if first[:1] not in _QUOTES or not _NOTES_FROM.match(first):
        return 0
    below = [at for at in range(place + 1, min(len(lines), place + 12)) if not lines[at].blank]
    if not below or not _NOTES_DATE.match(lines[below[0]].plain):
        return 0
    labels = [at for at in below[1:] if lines[at].plain.lower() in _LABELS]
    return labels[-1] + 2 - place if labels else 0


_ANY_LABEL = re.compile(r"^[*_ ]*[^\W\d][^:：\d@]{0,28}[:：][*_ ]*(\S.*)$")
_FULL_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


def _unknown_block(lines: list[Line], place: int) -> int:
    """How many lines a block in a language that we do not know takes; 0 when it is none.

    It is told by its form: below a blank line three fields or more in a row, the first an address,
    the second a full date with the time of day.
    """
    if "@" not in lines[place].plain:
        return 0
    if place and not (lines[place - 1].blank or is_rule(lines[place - 1])):
        return 0
    values: list[str] = []
    for line in lines[place : place + 6]:
        match = _ANY_LABEL.match(line.plain) if not line.marked else None
        if match is None:
            break
        values.append(match.group(1))
    if len(values) < 3 or "@" not in values[0] or "://" in values[0]:
        return 0
    dated = _FULL_DATE.search(values[1]) and _TIME.search(values[1])
    return len(values) if dated else 0


def _is_block(found: dict[str, str], lines: list[Line], announced: bool) -> bool:
    if len(found) < 2 or not ({"from", "sent"} & set(found)):
        return False
    if "from" not in found and not ({"to", "subject"} & set(found) and len(found) > 1):
        return False
    # Who describes a form, a journey or a meeting names the same fields: in the head of a message
    # stand an address, or the time of day.
    address = any("@" in line.plain or "mailto:" in line.plain for line in lines)
    timed = "from" in found and bool(_TIME.search(found.get("sent", "")))
    return address or timed or (announced and (len(found) >= 4 or "from" in found))
