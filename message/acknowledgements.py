"""Acknowledgements of offices and ticket systems that only their words tell, by language.

Not one sentence decides: people quote them, and answer through such systems. The text has to begin
as an acknowledgement does, and to say a second thing that only one says.
"""

import re

from message import openings, subject
from message.parse import Message
from message.phrases import Phrases

LONGEST = 3_000


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


#: "This is an automatic message."
_AUTOMATIC = Phrases(
    "auto|awtom|system|computer",
    r"\bthis (?:is|was) an? (?:auto-?|automatic(?:ally)? |automatically-|automated |system[- ]|"
    r"computer[- ])(?:generated )?(?:e-?mail|message|reply|response|acknowledge?ment|"
    r"notification|receipt|answer|note)(?=\s*(?:[.,;:!*)–-]|$| to (?:your|let|confirm|inform)\b|"
    r" and\b))",
    r"\b(?:e-?mail|message|reply|response) (?:was|has been|is) (?:auto(?:matically)?[- ]?"
    r"(?:generated|sent|created)|(?:generated|sent|created) automatically)",
    r"\bthis (?:automatic|automated|auto-?generated) (?:reply|response|message|e-?mail|"
    r"acknowledge?ment|notification)\b[^.\n]{0,30}\b(?:to (?:let|confirm|inform|advise|"
    r"acknowledge)|confirms|acknowledges)\b",
    r"\bdies ist eine automati(?:sche|sierte)?\w* (?:\w+e )?(?:antwort|nachricht|e-?mail|mail|"
    r"(?:eingangs|empfangs)bestätigung|benachrichtigung)",
    r"\bdiese (?:e-?mail|mail|nachricht|antwort) (?:wurde|wird|ist) (?:\w+ )?automatisch",
    r"\bautomatisch (?:generierte|erzeugte|erstellte|versandte|versendete) (?:e-?mail|mail|"
    r"nachricht|antwort)",
    r"\b(?:ceci est|il s'agit d') ?une? (?:message|courriel|e-?mail|mail|réponse|accusé de "
    r"réception) (?:\w+ )?automatique",
    r"\bce (?:message|courriel|mail|e-?mail) (?:est|a été) (?:\w+ )?(?:automatique|(?:généré|"
    r"envoyé) (?:de manière )?automatique)",
    r"\bdit is een (?:automatisch(?:e)?|geautomatiseerd(?:e)?) (?:\w+ )?(?:bericht|e-?mail|mail|"
    r"antwoord|reactie|ontvangstbevestiging)",
    r"\b(?:bericht|e-?mail|mail) (?:is|wordt|werd) automatisch (?:gegenereerd|verzonden|verstuurd|"
    r"aangemaakt)",
    r"\b(?:este es un|esta es una) (?:mensaje|correo|respuesta) (?:electrónico )?automátic[oa]",
    r"\beste (?:mensaje|correo)(?: electrónico)? (?:es automático|(?:ha sido|se ha|fue) "
    r"(?:generado|enviado) (?:de forma )?automática)",
    r"\bquest[oa] è una? (?:messaggio|risposta|e-?mail) automatic[oa]",
    r"\bmessaggio (?:è stato )?(?:generato|inviato) automaticamente",
    r"\best[ae] é uma? (?:mensagem|resposta|e-?mail) automátic[oa]",
    r"\bmensagem (?:foi )?(?:gerada|enviada) automaticamente",
    r"\bdet(?:ta|te) (?:är|er) (?:et|ett|en) (?:autosvar|automati\w+ (?:\w+ )?(?:svar|meddelande|"
    r"mejl|besked|melding|mail|e-?post|kvittering|bekräftelse))",
    r"\btämä on automaattinen (?:vastaus|viesti|ilmoitus)",
    r"\bto jest (?:automatyczna (?:odpowiedź|wiadomość)|wiadomość (?:wysłana |wygenerowana )?"
    r"automatyczn)",
    r"\b(?:neges|ymateb|ateb|e-?bost|cydnabyddiaeth) awtom(?:atig|ataidd) (?:yw|ydy) h(?:wn|on)",
    r"\b(?:mae hwn yn|mae hon yn|dyma) (?:neges|ymateb|ateb|e-?bost) awtom(?:atig|ataidd)",
)
#: "Your enquiry has been received."
_RECEIVED = Phrases(
    "your|has been|ihr|bien |accusons|uw |su |hemos|abbiamo|è stata|recebemos|sua |vi har|"
    "olemme|otrzymali|zgłoszenie|eich",
    r"\byour (?:e-?mail|message|enquir\w+|inquir\w+|request|query|case|ticket|report|submission|"
    r"application|correspondence|incident)\b[^.\n]{0,60}\b(?:has|have) been (?:successfully )?"
    r"(?:received|logged|registered|recorded|created|opened|passed|assigned)\b(?! well)",
    r"\bwe(?:'ve| have)? (?:received|logged|registered|recorded) your (?:e-?mail|message|enquiry|"
    r"inquiry|request|query|report|submission|application|correspondence|ticket)\b",
    r"\b(?:ticket|case|incident)\b[^.\n]{0,60}\bhas been (?:created|opened|logged|raised)",
    r"\b(?:ihre? (?:anfrage|nachricht|e-?mail|meldung|anliegen|ticket)\b[^.\n]{0,60}\b(?:"
    r"eingegangen|erhalten|registriert|erfasst|aufgenommen)|wir haben ihre? [^.\n]{3,40} erhalten)",
    r"\b(?:nous avons bien reçu|(?:a|ont) bien été (?:reçu|enregistré|pris)|accusons réception)",
    r"\buw (?:melding|bericht|e-?mail|vraag|aanvraag|verzoek)\b[^.\n]{0,60}\b(?:ontvangen|"
    r"geregistreerd)|\bw(?:ij|e) hebben uw [^.\n]{3,40} ontvangen",
    r"\bhemos recibido su\b|\bsu (?:consulta|solicitud|mensaje)\b[^.\n]{0,40}\b(?:recibid|"
    r"registrad)",
    r"\babbiamo ricevuto (?:la|il) (?:su|tu|vostr)|\bla (?:sua|vostra|tua) (?:richiesta|"
    r"comunicazione|segnalazione|domanda|e-?mail) è stata",
    r"\brecebemos (?:o|a) (?:seu|sua)\b|\ba sua (?:mensagem|solicitação) foi (?:recebid|registad)",
    r"\bvi har (?:tagit emot|mottagit|modtaget|mottatt) (?:ditt|din|dit|deres|er)\b",
    r"\bolemme vastaanottaneet\b|\botrzymaliśmy (?:twoj|państwa|pan)|\bzgłoszenie zostało\b",
    r"\b(?:rydym|rydyn ni) wedi (?:derbyn|cofnodi) eich\b|\bmae eich (?:neges|ymholiad|e-?bost|"
    r"cais) wedi\b",
)
#: "Please do not reply to this message."
_NO_ANSWER = _any(
    r"\b(?:do not|don't) (?:reply|respond)\b",
    r"\breplies to this (?:e-?mail|address|message)\b"
    r"[^.\n]{0,40}\bnot\b",
    r"\bantworten sie (?:bitte )?nicht\b|\bnicht (?:auf diese [\w-]+ )?(?:zu )?antworten\b",
    r"\bne (?:pas répondre|répondez pas)\b",
    r"\bniet (?:te )?(?:beantwoorden|reageren|"
    r"antwoorden)\b|\bbeantwoord (?:dit|deze) [\w-]+ niet\b",
    r"\bno (?:responda|conteste)\b",
    r"\bnon rispondere\b",
    r"\bnão responda\b",
    r"\bsvara inte\b|\binte (?:att )?svara\b|\bbesvar(?:es)? ikke\b|\bikke (?:svar|besvares)\b",
    r"\bpeidiwch ag (?:ymateb|ateb)\b",
    r"\b(?:mailbox|inbox|address|account|e-?mails?) (?:is|are) (?:no longer|not) (?:being |"
    r"regularly )?(?:monitored|checked|read)\b",
    r"\b(?:postfach|adresse|konto) wird nicht (?:mehr |regelmäßig )?(?:gelesen|überwacht|"
    r"abgerufen|betreut)\b",
)
#: "Jo Field no longer works here", which nobody says of themselves.
_LEFT = Phrases(
    "no longer|left|retired|ausgeschieden|nicht mehr|quitté|fait plus|travaille plus|niet |ya no|"
    "non lavora|już|slutat|längre|sluttet|længere|lenger|stoppet|gweithio|gadael",
    r"\b(?:no longer (?:work(?:s|ing)?|employed|with|at|a member)|(?:has (?:now |since )?)?left|"
    r"has (?:now |since )?retired|ausgeschieden|nicht mehr (?:für|bei|im|in)|a quitté|"
    r"ne (?:fait|travaille) plus|"
    r"(?:werkt|is) niet (?:meer|langer)|ya no trabaja|non lavora più|już nie pracuje|"
    r"nie pracuje już|har slutat|arbetar inte längre|har sluttet|(?:arbejder|jobber) ikke "
    r"(?:længere|lenger)|er stoppet|ddim yn gweithio|wedi gadael)\b",
)
#: "Your message has not been read."
_UNREAD = Phrases(
    "your|ihre|votre|uw ",
    r"\byour (?:message|e-?mail|enquiry) (?:has not been|was not|will not be|won't be) (?:read|"
    r"seen|forwarded)",
    r"\bihre (?:nachricht|e-?mail) (?:wird|wurde) nicht (?:gelesen|"
    r"weitergeleitet)",
    r"\bvotre (?:message|courriel|mail) (?:ne sera pas|n'a pas été) (?:lu|transmis)",
    r"\buw (?:bericht|e-?mail|mail) (?:wordt|is|werd) niet (?:gelezen|doorgestuurd)",
)
#: When, and under which number: what a person answers has none.
_PROMISE = _any(
    r"\b(?:reference|ref|ticket|case|incident)\b[^.\n]{0,30}\d{3}",
    r"\bwithin \w+ (?:working |business )?(?:days?|hours?)\b", r"\bworking days\b",
    r"\bas soon as (?:possible|we can)\b",
    r"\bin due course\b", r"\bbe in touch\b", r"\bunter der nummer\b|\bso (?:bald|schnell) wie "
    r"möglich\b|\bschnellstmöglich\b", r"\bsous le numéro\b|\bdans les (?:meilleurs|plus brefs)\b",
    r"\bonder \w{0,12}nummer\b", r"\bbinnen \w+ (?:werk)?dagen\b|\bzo (?:snel|spoedig) mogelijk\b",
    r"\blo antes posible\b|\bcon el número\b",
    r"\bal più presto\b|\bcon il numero\b", r"\bo mais breve\b|\bcom o número\b",
    r"\bså snart\b|\bhurtigst muligt\b|\barbets?dagar\b|\barbejdsdage\b",
    r"\bcyn gynted â phosibl\b|\bdiwrnod gwaith\b|\bcyfeirnod\b",
)  # fmt: skip
_MACHINE = re.compile(
    r"(?:no|do[-_.]?not|dont)[-_.]?reply|noreply|auto(?:mat|reply|respon|ack)|robot", re.IGNORECASE
)
#: Mailboxes of nobody in particular.
_OFFICE = re.compile(
    r"(?:info|hello|support|help(?:desk)?|office|team|enquir(?:y|ies)|inquir(?:y|ies)|contact(?:us)?|"
    r"kontakt|customer(?:s|service|services|care)?|services?|feedback|admin|sales|reception|"
    r"bookings?|complaints?|webmaster|post)(?![^\W\d_])",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(
    r"\b(?:I|I['’]\w+|my|mine|me|ich|mein\w*|je|j['’]\w+|mon|ma|ik|mijn|yo|jag|jeg)\b",
    re.IGNORECASE,
)
#: So near before the words that somebody has left stands the name.
NEAR = 60
_SUBJECT = re.compile(
    r"\b(?:auto(?:mat(?:ic|ed)|matische?|matique)?[- ]?(?:reply|response|acknowledge?ment)|"
    r"acknowledge?ment|we have received|request received|ticket (?:received|created)|"
    r"eingangsbestätigung|empfangsbestätigung|accusé de réception|ontvangstbevestiging|"
    r"acuse de recibo|cydnabyddiaeth)\b|^\s*thank you for (?:your|contacting)\b[^?]*$",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"\[[^\]]{1,40}\]|\d{4}")


def acknowledges(message: Message) -> bool:
    """Whether a message tells by its words that a system sent it because one came.

    Its words are such as people send as well, alone: "automatic" needs a second sign, from another
    of its sentences, the subject or the envelope (RFC 3834 §3.3).
    """
    text = openings.said(message)
    if not text or len(text) > LONGEST or message.attachments or _asks(message.subject):
        return False
    begins, thanked = openings.opening(text)
    if _has_left(message, text, thanked) or _is_unread(message, begins):
        return True
    patterns = {"automatic": _AUTOMATIC, "received": _RECEIVED, "unread": _UNREAD}
    # Nearly all mail begins otherwise: the rest of it need not be searched.
    if not thanked and not any(p.search(one) for p in patterns.values() for one in begins):
        return False
    found = {name for name, pattern in patterns.items() if pattern.search(text)}
    if "automatic" in found:
        plain = thanked and "?" not in text
        return len(found) > 1 or plain or _sent_by_system(message)
    unanswerable = _NO_ANSWER.search(text) is not None
    if "unread" in found:
        return unanswerable
    promised = "received" in found and _PROMISE.search(text) is not None
    return promised and (unanswerable or _nobody_wrote(message, thanked))


def _is_unread(message: Message, begins: list[str]) -> bool:
    """Whether a mailbox that says "no reply" begins by saying that nobody reads it."""
    return _is_machine(message) and any(_NO_ANSWER.search(one) for one in begins)


def _has_left(message: Message, text: str, thanked: bool) -> bool:
    """Whether somebody is said to be there no more, and that nobody reads what comes for them.

    By themselves, as only a machine says it, or by an office that thanks for a message unnamed.
    """
    begin = text[:300]
    left = _LEFT.search(begin)
    if left is None or _OF_ONESELF.search(begin):
        return False
    if _UNREAD.search(text) is None and _NO_ANSWER.search(text) is None:
        return False
    name = message.author_name.casefold().split()[-1:]
    before = begin[max(0, left.start() - NEAR) : left.start()].casefold()
    of_author = bool(name) and len(name[0]) > 2 and name[0] in before
    return of_author or (thanked and not (message.in_reply_to or message.references))


def _nobody_wrote(message: Message, thanked: bool) -> bool:
    """Whether an envelope or an office's mailbox says so of what is received and promised.

    Who thanks in the name of an office themselves answers, and so names what they answer.
    """
    if message.return_path == "" or _is_machine(message):
        return True
    if message.in_reply_to or message.references:
        return False
    local = message.from_.local_part if message.from_ else ""
    named = _SUBJECT.search(message.subject) is not None
    return named or (thanked and _OFFICE.match(local) is not None)


def _is_machine(message: Message) -> bool:
    return message.from_ is not None and bool(_MACHINE.match(message.from_.local_part))


def _asks(title: str) -> bool:
    """Whether the subject is a question of its own: about such a text, perhaps."""
    own = not _TAGGED.search(title) and not subject.is_reply(title)
    return own and title.rstrip().endswith("?")


def _sent_by_system(message: Message) -> bool:
    return bool(
        message.return_path == ""
        or message.get("X-Auto-Response-Suppress")
        or _is_machine(message)
        or _SUBJECT.search(message.subject)
    )
