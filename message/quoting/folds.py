"""What nobody wrote: gateways' warnings, disclaimers, footers of lists and of notifications."""

import re

from message.phrases import Phrases
from message.quoting.lines import Line

_BANNER = re.compile(
    r"^[\W_]*(?:\[?external\b(?: (?:e-?mail|message|sender))?\]?[\s\W]*$|"
    r"(?:\[?(?:external|caution|warning|attention|notice|alert|beware|rhybudd|be careful|"
    r"think before|"
    r"stop|important|security|extern|achtung|vorsicht|attention|let op|advarsel)\b[\W_]*.{0,80})?"
    r"(?:this (?:e-?mail|message|mail) (?:originated|is from|was sent from|came from|comes from|"
    r"has (?:originated|come|been sent) from|has been received from)"
    r" (?:a |an |someone |somebody )?(?:outside|external|the internet|unknown|unverified)|"
    r"you don['’]t often (?:get|receive) e?-?mail from|"
    r"some people who received this message don['’]t|"
    r"this message (?:is from|was sent by) an external|this is an external e-?mail|"
    r"do not click (?:on )?(?:any )?(?:links|attachments)|(?:e-?mail|"
    r"message) from (?:an )?external|"
    r"(?:the )?sender (?:of this message )?is (?:from )?(?:outside|external|unverified)|"
    r"dim ond agor|mae'r (?:e-bost|neges) (?:hon|hwn) (?:wedi dod|yn dod)|"
    r"diese (?:e-?mail|nachricht) (?:kommt|stammt|wurde) von (?:einem )?(?:extern|auß)))",
    re.IGNORECASE,
)
# The same in other words: a warning first, and that it came from outside.
_WARNS = re.compile(
    r"^[\W_]*(?:caution|warning|external|attention|achtung|vorsicht|hinweis|warnung|let op|opgelet|"
    r"waarschuwing|advarsel|obs|varning|atención|precaución|aviso|advertencia|attenzione|avviso|"
    r"atenção|uwaga|ostrzeżenie|rhybudd|varoitus|huom|upozornění|pozor|figyelem|atenție|dikkat|uyarı|"
    r"внимание|увага|προσοχή|προσοχη|externt?\w*|注意|警告|주의)\b",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"\b(?:outside|external(?:ly)?|extern\w{0,3}|extérieure?|buiten(?:af)?|außerhalb|utanför|utenfor|"
    r"ekstern\w{0,2}|udefra|uden for|fuera|exterior|estern[oa]|fora|zewnątrz|zewnętrzn\w+|"
    r"ulkopuol\w+|mimo|kívül\w*|dışından|dışarıdan|внешн\w+|извне|зовнішн\w+|εξωτερικ\w+|allanol|"
    r"tu allan|unknown sender|unverified)\b|外部|외부",
    re.IGNORECASE,
)
# Marks of secrecy stand alone in a line, above or below all else.
_MARKING = re.compile(
    r"^[\W_]*(?:(?:OFFICIAL|SWYDDOGOL|UNCLASSIFIED|RESTRICTED|NOT PROTECTIVELY MARKED|PROTECT|"
    r"INTERNAL|CONFIDENTIAL|PUBLIC)(?:[ :/–-]{1,3}(?:SENSITIVE|SENSITIF|PERSONAL|COMMERCIAL|LOCSEN|"
    r"ONLY|INTERNAL|USE|STAFF|OFFICIAL|SWYDDOGOL))*|"
    r"(?:[Cc]lassification|[Pp]rotective [Mm]arking|[Ss]ensitivity|[Dd]osbarthiad)"
    r"[^\w\n]{1,3}\w.{0,60})[\W_]*$"
)
# What offices and firms must or like to say below a signature: law, registers, prizes.
_NOTICE = Phrases(
    "freedom of information|gdpr|rgpd|dsgvo|lopd|data protection|datenschutz|privacy|registered|"
    "company|vat |charity|amtsgericht|geschäftsführer|handelsregister|hra |hrb |ust-id|ustid|"
    "siret|rcs|kvk|btw|cif|p. iva|p.iva|environment|printing|imprim|drucken|stampa|"
    "medio ambiente|umwelt|survey|how did we do|award|follow us|in welsh|gymraeg|virus|s/mime|"
    "signatur|encrypted|monitored|disclos|accessib|equal opportunit",
    r"\b(?:freedom of information|gdpr|rgpd|dsgvo|lopd\w*|data protection|datenschutz|privacy|"
    r"registered (?:in|office|company|charity)|company (?:no|number)|vat (?:no|reg)|charity no|"
    r"amtsgericht|geschäftsführer\w*|handelsregister|hr[ab] \d|ust-?id\w*|siret|rcs|kvk|btw|cif|"
    r"(?:p\. ?iva)|environment|printing|imprimir|imprimer|drucken|stampa\w*|medio ambiente|umwelt|"
    r"survey|how did we do|award|follow us|in welsh|gymraeg|virus|s/mime|signatur|encrypted|"
    r"monitored|disclos\w+|accessib\w+|equal opportunit\w+)\b",
)
# When somebody works, which they say of themselves.
_HOURS = Phrases(
    "working|work flexibly|office hours|outside",
    r"\b(?:working (?:days|hours|pattern)|work flexibly|flexible working|office hours|"
    r"outside (?:of )?(?:your |my )?(?:own |usual )?(?:normal |working |hours\b))",
)
_PERSONAL = re.compile(r"\b(?:I|I['’]\w+|me|my|we['’]\w+)\b")
_ARMOUR = re.compile(r"^-----(?:BEGIN|END) PGP (?:SIGNED MESSAGE|SIGNATURE)-----$|^Hash: \w+$")
_PROOFPOINT = "ZjQcmQRYFpfptBanner"
# A disclaimer in any language: it speaks of a message, of secrecy, and of whom it is meant for.
_OF_MESSAGES = Phrases(
    "mail|bost|neges|message|nachricht|bericht|courriel|mensaje|correo|mensagem|messaggio|"
    "wiadomoś|meddelande|meddelels|melding|besked|viesti|zpráva|správa|сообщени|письмо|"
    "повідомлення|leti|üzenet|mesaj|μήνυμα|メール|邮件",
    r"\b(?:e-?mails?|e-?bost|neges|message|nachricht|bericht|courriel|mensaje|correo|mensagem|"
    r"messaggio|wiadomoś\w+|meddelande|meddelelsen?|melding|besked|viesti|zpráva|správa|сообщени\w+|"
    r"письмо|повідомлення|ileti|üzenet|mesaj\w*|μήνυμα)\b|メール|邮件",
)
_OF_SECRECY = Phrases(
    "confiden|vertraulich|vertrouwelijk|poufn|luottamuksell|konfiden|fortrolig|riservat|bizalmas|"
    "důvěrn|dôvern|конфиденциальн|конфіденційн|gizl|εμπιστευτικ|yfrinachol|機密|保密|privileged|"
    "strettamente",
    r"confiden[tzc]\w*|vertraulich|vertrouwelijk|poufn\w*|luottamuksell\w*|konfidenti\w*|fortrolig|"
    r"riservat\w*|bizalmas|důvěrn\w*|dôvern\w*|конфиденциальн\w*|конфіденційн\w*|gizli|"
    r"εμπιστευτικ\w*|cyfrinachol|gyfrinachol|konfidencial\w*|機密|保密|privileged|strettamente",
)
_OF_READERS = Phrases(
    "recipient|addressee|intended|adressat|empfänger|destinat|adresat|bestemd|geadresseerde|"
    "mottag|modtag|mottak|vastaanottaj|příjemc|príjemc|получател|адресат|címzett|alıcı|alici|"
    "παραλήπτη|wriad|unigolyn|受信|宛先|irrtüm|par erreur|por error|per errore|omyłkow|"
    "av misstag|ved en fejl",
    r"recipient|addressee|intended|adressat|empfänger|destinat\w*|adresat\w*|bestemd|geadresseerde|"
    r"mottagar\w*|modtager\w*|mottaker\w*|vastaanottaj\w*|příjemc\w*|príjemc\w*|получател\w*|"
    r"адресат\w*|címzett|alıcı|παραλήπτη|bwriad\w*|fwriad\w*|unigolyn|受信|宛先|irrtüm\w*|"
    r"par erreur|por error|per errore|omyłkow\w*|av misstag|ved en fejl",
)
_DISCLAIMER = re.compile(
    r"^[\W_]*(?:(?:this|the) (?:e-?mail|message|communication|transmission|information|content|"
    r"mail)s?\b"
    r".{0,200}\b(?:confidential|privileged|intended (?:only|solely|for|recipient)|monitored|"
    r"scanned|"
    r"virus|disclosed? under|private and|legally|freedom of information|protectively marked)|"
    r"(?:information|content|opinions?|views|any (?:views|opinions?))\b.{0,80}\b"
    r"(?:confidential|do not necessarily|not necessarily|those of the (?:author|sender)|"
    r"contained in this)|"
    r"if you (?:are not the|have received this|received this|receive this|are not an|"
    r"were not the)\b.{0,80}"
    r"(?:recipient|error|mistake|addressee)|if this (?:e-?mail|message) .{0,40}(?:error|mistake)|"
    r"(?:confidentiality|legal|privacy|e-?mail)(?: and \w+)? (?:notice|disclaimer|statement)\b|"
    r"disclaimer\W*$|confidential(?:ity)?(?: notice)?\W*$|"
    r"please consider (?:the environment|your environment)|think before you print|"
    r"please note:? .{0,60}(?:monitored|recorded|freedom of information|data protection)|"
    r"(?:all )?(?:e-?mails?|communications?) (?:sent|to|and|in|from)\b.{0,100}(?:monitored|"
    r"recorded|"
    r"freedom of information|data protection|logged)|(?:the|this) (?:council|authority|"
    r"organisation|company)"
    r" (?:accepts no|does not accept|cannot accept|reserves the right|may monitor|will process)|"
    r"[\w'’&. -]{3,60} (?:accepts? no|(?:do(?:es)?|can) ?not accept(?: any)?) (?:legal )?"
    r"(?:liability|responsibility)\b.{0,120}\bthis (?:message|e-?mail|transmission)\b|"
    r"senders and recipients of e-?mail|any (?:unauthori[sz]ed|disclosure|form of|copying)|"
    r"(?:whilst|while|although) (?:we|the|every|reasonable|this e-?mail).{0,80}(?:virus|malware|"
    r"precaution)|"
    r"(?:we|the council) (?:welcome|croesaw).{0,60}(?:welsh|cymraeg)|rydym yn croesawu gohebiaeth|"
    r"croesewir gohebiaeth|mae'?r (?:neges|e-bost|wybodaeth) .{0,80}(?:cyfrinachol|bwriad)|"
    r"for information about how we .{0,40}(?:use|process).{0,40}(?:data|information)|"
    r"diese e-?mail .{0,60}vertraulich|ce (?:message|courriel|mail) .{0,80}(?:confidentiel|destin)|"
    r"este (?:mensaje|correo) .{0,80}confidencial|le informazioni contenute|"
    r"(?:de (?:informatie|inhoud) (?:in|van) )?dit (?:e-?mail)?bericht .{0,80}"
    r"(?:vertrouwelijk|bestemd)|denne (?:e-?)?mail .{0,60}fortrolig|"
    r"registered (?:office|in england|company|charity)\b|company (?:no|number|registration)\b)",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"mailing list\b|listinfo|/unsubscribe|to unsubscribe|unsubscribe (?:from|send|link)|"
    r"you (?:are receiving|received|have received) this (?:message|e-?mail|because)|"
    r"reply to this e-?mail directly|view it on git|mute the thread|list archives?\b|"
    r"manage your (?:subscription|preferences)|-request@|-unsubscribe@|\+leave@|\+unsubscribe@",
    re.IGNORECASE,
)
_RULE = re.compile(r"^(?:[-_=*~—–#]\s?){2,}$|^[—–]$|^—-$")
_SCANNED = re.compile(
    r"^[\W_]*(?:scanned by|virus-?free|checked by avg|this email has been (?:checked|scanned)|"
    r"no virus found|avast|message protected by)", re.IGNORECASE,
)  # fmt: skip
LONGEST_FOOTER = 14
LONGEST_HEADING = 40


def mark(lines: list[Line], first: bool) -> None:
    """Fold what nobody wrote in a run of own lines; `first` when the run opens the message."""
    if any(line.plain.startswith("-----BEGIN PGP") for line in lines):
        _mark_armour(lines)
    blocks = _blocks(lines)
    # Gateways put their warnings above what came, and so above what is quoted of it.
    for start, end in blocks[:3]:
        if not _is_banner(lines[start:end]):
            break
        _fold(lines[start:end])
    _mark_footer(lines)
    for number, (start, end) in enumerate(blocks):
        block = [line for line in lines[start:end] if line.kind == "own"]
        # What opens a message is its text, whatever it looks like; so is a word below a quotation.
        below = number or (not first and sum(len(line.plain) for line in block) > LONGEST_HEADING)
        if block and below and (is_disclaimer(block) or _is_marking(block)):
            _fold(block)
    _mark_rules(lines)


def is_notice(lines: list[Line]) -> bool:
    """Whether a paragraph below a signature is what an office says below all its mail."""
    joined = " ".join(line.plain for line in lines[:40])[:1500]
    if _NOTICE.search(joined) and not _PERSONAL.search(joined):
        return True
    return bool(_HOURS.search(joined)) or is_disclaimer(lines) or _is_marking(lines)


def _mark_armour(lines: list[Line]) -> None:
    """RFC 9580 §7: what a program puts around a signed text, and its signature."""
    inside = False
    for line in lines:
        begins = line.plain == "-----BEGIN PGP SIGNATURE-----"
        if inside or begins or _ARMOUR.match(line.plain):
            line.kind = "folded"
        inside = (inside or begins) and line.plain != "-----END PGP SIGNATURE-----"


def _fold(lines: list[Line]) -> None:
    for line in lines:
        if line.kind == "own":
            line.kind = "folded"


def _blocks(lines: list[Line]) -> list[tuple[int, int]]:
    """Paragraphs, as places in the lines."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for place, line in enumerate(lines):
        if line.blank:
            if start is not None:
                found.append((start, place))
            start = None
        elif start is None:
            start = place
    if start is not None:
        found.append((start, len(lines)))
    return found


def _is_banner(lines: list[Line]) -> bool:
    joined = " ".join(line.plain for line in lines[:8])
    if len(lines) > 8 or len(joined) > 900:
        return False
    warns = _WARNS.match(joined) and _OUTSIDE.search(joined[:300]) and "?" not in joined
    return bool(warns or _BANNER.match(joined) or _PROOFPOINT in joined) or _is_marking(lines)


def _is_marking(lines: list[Line]) -> bool:
    return len(lines) == 1 and bool(_MARKING.match(lines[0].plain))


def is_disclaimer(lines: list[Line]) -> bool:
    """Whether a paragraph says of messages what lawyers want said."""
    joined = " ".join(line.plain for line in lines[:40])[:1500].lstrip("-_=* ")
    if "?" in joined and len(joined) < 400:
        return False  # somebody asks about disclaimers
    if _DISCLAIMER.match(joined) or _SCANNED.match(joined):
        return True
    speaks = _OF_MESSAGES.search(joined[:160]) and _OF_SECRECY.search(joined)
    return bool(speaks and _OF_READERS.search(joined))


def _mark_footer(lines: list[Line]) -> None:
    """A drawn line, and below it up to the end what a list or a notifier says of itself."""
    full = [place for place, line in enumerate(lines) if not line.blank]
    for place in full[-LONGEST_FOOTER:]:
        if lines[place].plain[0].isalnum() or not _RULE.match(lines[place].plain):
            continue
        if any(_FOOTER.search(lines[at].plain) for at in full if at > place):
            _fold(lines[place:])
            return


def _mark_rules(lines: list[Line]) -> None:
    """Drawn lines and blanks next to folded paragraphs at the end go with them."""
    at = len(lines)
    while at and (
        lines[at - 1].blank or lines[at - 1].kind == "folded" or _is_frame(lines, at - 1)
    ):
        at -= 1
    if any(line.kind == "folded" for line in lines[at:]):
        _fold(lines[at:])


def _is_frame(lines: list[Line], place: int) -> bool:
    return bool(_RULE.match(lines[place].plain))
