"""How people end what they write: "-- ", "Kind regards", "Sent from my iPhone" and a card below."""

import re

from message.quoting.lines import Line

LONGEST_CLOSING = 60
LONGEST_CARD = 16  # lines of a signature that no exact "-- " announces
_DELIMITER = re.compile(r"^--[ \t\u00a0]?\r?\n?$")
_DASHES = re.compile(r"^(?:—|–|―|—-|__|—{3,}|–{3,})$")
_CLOSING = re.compile(
    r"^(?:(?:with |my |very |many |and |& |thanks,? |thank you,? |diolch,? ){0,5}"
    r"(?:(?:kind(?:est)?|best|warm(?:est)?|personal|good) ){0,3}(?:regards|rgds)(?: to all)?|"
    r"(?:all (?:the|my) |all )?best(?: wishes)?|(?:with )?(?:best|kind|warm|good) wishes|"
    r"(?:yours? )?(?:very )?(?:sincerely|faithfully|truly)(?: yours)?|br|kr|"
    r"cofion(?: (?:gorau|cynnes|caredig|cywir))?|(?:yr eiddoch )?yn (?:gywir|bur)|dymuniadau gorau|"
    r"(?:mit )?(?:viele|beste|freundliche|liebe|herzliche|schöne)[nr]? (?:grü(?:ß|ss)en?|grüsse)"
    r"(?: (?:aus|nach) \w+)?|mfg|vg|lg|gruß|grüße|hochachtungsvoll|"
    r"(?:bien |très )?cordialement|bien à (?:vous|toi)|amicalement|meilleures salutations|"
    r"salutations(?: distinguées)?|(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|"
    r"groet(?:en|jes)?|"
    r"mvg|(?:med )?(?:venlig|vennlig|vänlig|bästa|kärlig|hjertelig|mange)a?(?:ste)? "
    r"(?:hilsen|hilsner|hälsning(?:ar)?)|hilsen|hälsning(?:ar)?|mvh|kh|vh|dbh|"
    r"(?:un (?:cordial )?)?saludos?(?: cordiales)?|atentamente|un abrazo|atenciosamente|att|"
    r"(?:com os melhores )?cumprimentos|abraços?|(?:cordiali|distinti|un cordiale) salut[io]|"
    r"cordialmente|pozdrawiam(?: serdecznie)?|z (?:poważaniem|powazaniem|wyrazami szacunku)|"
    r"(?:s )?pozdrav(?:em|om|y)?|(?:ystävällisin )?terveisin|t(?:erv)?\.|parhain terveisin|"
    r"с уважением|з повагою|saygılarımla|üdvözlettel|cu stimă|με εκτίμηση|lugupidamisega|pagarbiai|"
    r"is mise le meas|le gach dea-mhéin|slán)\s*[,.!;:–-]*$",
    re.IGNORECASE,
)
_NAME = re.compile(r"^[-/~]\s?[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}$")
_POSTSCRIPT = re.compile(r"^(?:p\.? ?s\.?|p\.? ?p\.? ?s\.?|n\.?b\.?|edit|update)\b", re.IGNORECASE)
_DEVICE = (
    r"iphone|ipad|ios\b|ipod|apple|watch|mac\b|android|galaxy|samsung|huawei|honor|xiaomi|redmi|"
    r"oppo|pixel|"
    r"nokia|wiko|sony|lg|htc|motorola|moto|oneplus|fairphone|blackberry|windows|nexus|surface|"
    r"phone|"
    r"mobile|mobil|handy|tablet|smartphone|device|handheld|treo|outlook|yahoo|mail\b|gmail|proton|"
    r"thunderbird|spark|sparrow|typeapp|airmail|acompli|bluemail|aqua|nine|verizon|t-mobile|"
    r"vodafone|"
    r"o2|ee\b|orange|at&t|telefon|téléphone|telefoon|teléfono|telefono|móvil|portable|computer|"
    r"laptop|"
    r"messenger|hotmail|aol|gmx|web\.de|zoho|fastmail|superhuman|workspace|teams|ffôn"
)
_SENT_WITH = re.compile(
    rf"^[*_<\s]*(?:(?:sent|written|typed|envoyé|envoyée|gesendet|geschickt|verzonden|verstuurd|"
    rf"inviato|"
    rf"enviado|enviada|skickat|sendt|lähetetty|wysłan[eoy]|wysłano|odesláno|отправлено|gönderildi|"
    rf"anfonwyd|seolta)\b[^.!?\n]{{0,40}}\b(?:from|via|with|using|on|by|de|depuis|avec|à partir|"
    rf"von|mit|"
    rf"vanaf|met|van|da|con|dal|desde|do meu|från|fra|med|puhelimesta|z|ze|с|o|fy|ó)\b|"
    rf"(?:get|télécharger|obtenir|hent|hämta|skaffa|holen sie sich|laden sie|scarica|ottieni|"
    rf"obtener|"
    rf"obtenha|download|pobierz) (?:outlook|yahoo)|(?:von|vom) (?:meinem|unterwegs))"
    rf"[^.!?\n]{{0,60}}?(?:{_DEVICE})[^!?\n]{{0,60}}$",
    re.IGNORECASE,
)
# "Sent from my Wiko RIDGE FAB 4G", and no more: whatever it is, it is a thing.
_SENT_FROM_MY = re.compile(
    r"^sent from my (?!desk\b|heart\b|home\b|office\b|account\b|"
    r"address\b)[\w'’.-]+(?: [\w'’.+-]+){0,4}$",
    re.IGNORECASE,
)
_LINK = re.compile(r"\s*[<(\[]?\s*(?:https?|mailto):[^\s>)\]]*\s*[>)\]]?", re.IGNORECASE)
_SENTENCE = re.compile(r"[a-z]{2}[,;]? [a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}")


def is_device(line: Line) -> bool:
    """Whether a line only tells by what device or program the message was sent."""
    said = _LINK.sub("", line.plain) if ":" in line.plain else line.plain
    said = said.rstrip(" .*_")
    if not said or "," in said or len(said.split()) > 9:
        return False
    return bool(_SENT_FROM_MY.match(said) or _SENT_WITH.match(said))


def mark(lines: list[Line]) -> None:
    """Mark the signatures in a run of own lines that stands between quotations or at an end."""
    end = _end(lines)
    start = _by_delimiter(lines, end)
    if start is None:
        start = _by_closing(lines, end)
    if start is not None:
        _mark(lines[start:end])
    for place, line in enumerate(lines):
        if line.kind == "own" and is_device(line) and _stands_alone(lines, place):
            line.kind = "signature"


def _mark(lines: list[Line]) -> None:
    for line in lines:
        if line.kind == "own":
            line.kind = "signature"


def _end(lines: list[Line]) -> int:
    """Where a run ends for somebody who does not see folded lines and blanks at its end."""
    end = len(lines)
    while end and (lines[end - 1].blank or lines[end - 1].kind == "folded"):
        end -= 1
    return end


def _by_delimiter(lines: list[Line], end: int) -> int | None:
    for place, line in enumerate(lines[:end]):
        if line.kind != "own":
            continue
        exact = _DELIMITER.match(line.raw) or line.plain == "--"
        if not exact and not _DASHES.match(line.plain):
            continue
        card = [one for one in lines[place + 1 : end] if not one.blank and one.kind == "own"]
        # RFC 3676 §4.3: "-- " is a signature whatever follows; others must look like one.
        real = line.raw.rstrip("\r\n") == "-- " and len(card) <= 40
        short = line.plain == "--" and len(card) <= 3 and not _is_post_script(card)
        if card and (real or short or (len(card) <= LONGEST_CARD and _is_card(card))):
            return place
    return None


def _is_post_script(lines: list[Line]) -> bool:
    return any(_POSTSCRIPT.match(line.plain) or line.plain.endswith("?") for line in lines)


def _is_card(lines: list[Line]) -> bool:
    talk = [line for line in lines if _is_talk(line)]
    return len(talk) <= len(lines) // 3 and not any(line.plain.endswith("?") for line in lines)


def _is_talk(line: Line) -> bool:
    """Whether a line is a sentence rather than a name, a number, or an address."""
    if _POSTSCRIPT.match(line.plain):
        return True
    return len(line.plain) > 90 or bool(_SENTENCE.search(line.plain) and "|" not in line.plain)


def _by_closing(lines: list[Line], end: int) -> int | None:
    """Where "Kind regards" begins, when nothing but a card follows to the end."""
    for place in range(end - 1, max(-1, end - 40), -1):
        line = lines[place]
        if line.kind != "own" or line.blank:
            continue
        if place == end - 1 and _NAME.match(line.plain) and _is_lonely(lines, place):
            return place
        if len(line.plain) > LONGEST_CLOSING or not _CLOSING.match(line.plain):
            if _is_talk(line):
                return None
            continue
        card = [one for one in lines[place + 1 : end] if not one.blank and one.kind == "own"]
        if len(card) <= LONGEST_CARD and _is_card(card):
            return place
        return None
    return None


def _is_lonely(lines: list[Line], place: int) -> bool:
    """Whether a line such as "- Jane" stands below a blank line, and not in a list."""
    if place == 0 or not lines[place - 1].blank:
        return False
    above = next((line for line in reversed(lines[:place]) if not line.blank), None)
    return above is not None and above.plain[0] != lines[place].plain[0]


def _stands_alone(lines: list[Line], place: int) -> bool:
    above = lines[place - 1] if place else None
    return above is None or above.blank or above.kind != "own" or _follows_nothing(lines, place)


def _follows_nothing(lines: list[Line], place: int) -> bool:
    return all(line.blank or line.kind != "own" for line in lines[place + 1 :])
