"""Asking to leave a list and nothing else (I31), in the languages that members write.

What says anything more is a post: whoever asks to go and asks a question was not only going.
"""

import re

from message.address import Mailbox

LONGEST = 400
LONGEST_COMMAND = 160
_BEFORE = (
    "dear sir or madam", "dear sir madam", "dear administrator", "dear admin", "dear list",
    "dear list owner", "dear moderator", "dear colleagues", "dear all", "dear team",
    "to whom it may concern", "hello all", "hello everyone", "hi all", "hi everyone", "hi there",
    "hello there", "hello", "hi", "good morning", "good afternoon", "good evening", "morning",
    "thank you", "thanks", "please", "pls", "kindly",
    "os gwelwch yn dda", "bore da", "prynhawn da", "annwyl bawb", "annwyl gyfeillion", "helo",
    "sehr geehrte damen und herren", "liebe kolleginnen und kollegen", "guten tag", "guten morgen",
    "hallo zusammen", "hallo", "bitte", "bonjour à tous", "bonjour", "madame monsieur", "svp",
    "s il vous plaît", "s il vous plait", "beste allemaal", "beste collega s", "goedendag",
    "geachte heer mevrouw", "graag", "buenos días", "buenas tardes", "hola", "por favor",
    "buongiorno", "salve", "per favore", "bom dia", "olá", "hej", "hei", "vänligen",
    "dzień dobry", "dobrý den",
)  # fmt: skip
_AFTER = (
    "and", "y", "und", "et", "och", "og", "i", "to all", "to everyone", "to you all", "à tous",
    "thank you very much", "thank you so much", "thank you in advance", "thanks in advance",
    "thanks very much", "thanks so much", "many thanks", "thank you", "thanks", "ta very much",
    "ta", "with kind regards", "kind regards", "best regards", "warm regards", "with best wishes",
    "best wishes", "all the best", "yours sincerely", "yours faithfully", "regards", "cheers",
    "please", "pls",
    "diolch yn fawr", "diolch o galon", "diolch", "cofion gorau", "cofion", "os gwelwch yn dda",
    "mit freundlichen grüßen", "mit freundlichem gruß", "freundliche grüße", "viele grüße",
    "vielen dank", "danke schön", "danke", "mfg", "bitte",
    "bonne continuation", "bonne journée", "bien cordialement", "cordialement",
    "merci d avance", "merci beaucoup", "merci", "svp",
    "s il vous plaît", "s il vous plait", "bien à vous",
    "met vriendelijke groet", "met vriendelijke groeten", "groet", "groeten", "groetjes",
    "alvast bedankt", "bedankt", "dank u", "a u b", "aub",
    "muchas gracias", "gracias", "un saludo", "saludos", "por favor",
    "grazie mille", "grazie", "cordiali saluti", "per favore", "obrigado", "obrigada",
    "dziękuję", "z góry dziękuję", "pozdrawiam", "z poważaniem", "děkuji", "s pozdravem",
    "med vänliga hälsningar", "vänliga hälsningar", "tack på förhand", "tack", "mvh",
    "med venlig hilsen", "venlig hilsen", "med vennlig hilsen", "på forhånd tak", "tak", "takk",
)  # fmt: skip
# Whole words, for texts that stand between blanks.
_FIRST, _LAST = (tuple(f" {one} " for one in courtesies) for courtesies in (_BEFORE, _AFTER))
_WORD = re.compile(r"\w+")

_ASK = (
    r"(?:(?:can|could|would|will) (?:you|someone|somebody) (?:please |kindly )?|"
    r"please (?:can|could|would) (?:you|someone) (?:please )?|"
    r"would you mind |i(?: would| d)? (?:like|want|wish|need) (?:you )?to (?:be )?|"
    r"i(?: would| d)? like my (?:name|address) |please )?"
)
_ME = r"(?: me| us| my (?:name|(?:e mail |email )?address))"
_LISTS = r"(?:lists?|mailings?|group|network|newsletter|emails?|e mails?|circulation|database)"
_OF_LIST = rf" (?:from|off|of) (?:this|the|your|all|these|any)(?: \w+){{0,4}}? {_LISTS}"
_NOW = r"(?: (?:now|today|immediately|asap|at once|straight away))?"
_OFF = rf"(?:{_OF_LIST})?"
_ENGLISH = (
    rf"{_ASK}(?:"
    rf"(?:un ?subscrib(?:ed?|ing)|sign ?off|opt ?out){_ME}?{_OFF}{_NOW}|"
    rf"(?:remov(?:ed?|ing)|tak(?:e|ing)|drop|delet(?:e|ing)){_ME}{_OFF}{_NOW}|"
    rf"(?:remove|take|delete) this (?:e mail |email )?address{_OF_LIST}{_NOW}|"
    r"removed from (?:this|the|your)(?: \w+){0,3} list|"
    r"(?:come|be taken|taken) off (?:this|the|your)(?: \w+){0,3} list|"
    r"leave(?: (?:this|the|your) (?:list|group|network|mailing list))?|"
    r"remove|stop|stop (?:sending|e ?mailing) me(?: (?:these|any|your|more|any more|all) "
    rf"(?:e ?mails?|messages?|mails?|newsletters?))?{_NOW}|"
    r"(?:cancel|end) my (?:subscription|membership)|"
    r"i (?:(?:no longer|do not|don t) (?:want|wish|need)|would rather not) (?:to )?"
    rf"(?:receive|get|be sent)(?: \w+){{0,2}} (?:e ?mails?|mails?|messages?|posts?){_OFF}"
    r"(?: any ?more)?)"
)
_ME_CY = r"(?:fi|ni|fy enw(?: i)?|fy nghyfeiriad(?: e bost)?(?: i)?)"
_WELSH = (
    r"(?:dad ?danysgrifi(?:o|wch)(?: fi)?(?: (?:oddi ar|o) (?:y|eich) (?:rhestr|cylchlythyr))?|"
    r"(?:a (?:fyddech|allech|wnewch|fedrwch)(?: chi)? (?:cystal â )?|hoffwn i chi |"
    r"allwch chi )?"
    rf"(?:tynnwch|tynnu|dynnu|thynnu|dileu|ddileu) {_ME_CY} "
    r"(?:oddi ar|o) (?:y|r|eich|ch) rhestr(?: (?:hon|bostio|ebostio|e bost)){0,2}|"
    r"hoffwn (?:i )?(?:gael )?(?:fy )?(?:nhynnu|nad ?danysgrifio|ddad ?danysgrifio)"
    r"(?: oddi ar (?:y|eich) rhestr(?: hon)?)?)"
)
_LIST_DE = (
    r"(?:dem|der|den|diesem|dieser|ihrem|ihrer|eurem|eurer)?(?: \w+)? ?"
    r"(?:e ?mail ?)?(?:verteiler|verteilerliste|liste|mailingliste|mailing liste|newsletter)"
)
_OUT_DE = r"(?:nehmen|nehmt|streichen|streicht|entfernen|entfernt|löschen|löscht|austragen)"
_ME_DE = r"(?:mich|uns|meine (?:e mail )?adresse)"
_GERMAN = (
    r"(?:(?:um )?(?:abmeldung|(?:löschung|streichung) (?:von|aus) \w+ (?:verteiler|liste|"
    r"mailingliste))|abmelden|austragen|abbestellen|abbestellung|newsletter (?:abmelden|"
    r"abbestellen)|"
    rf"(?:können|könnten|würden) sie (?:bitte )?{_ME_DE} (?:bitte )?(?:(?:von|aus) {_LIST_DE} )?"
    rf"(?:heraus|ab)?(?:nehmen|streichen|entfernen|löschen|melden|austragen)|"
    rf"{_OUT_DE} (?:sie )?{_ME_DE} (?:bitte )?(?:von|aus) {_LIST_DE}(?: (?:heraus|raus))?|"
    rf"{_ME_DE} (?:bitte )?(?:von|aus) {_LIST_DE} {_OUT_DE}|"
    rf"(?:melden|tragen) (?:sie )?{_ME_DE} (?:bitte )?(?:(?:von|aus) {_LIST_DE} )?(?:ab|aus)|"
    rf"ich (?:möchte|will) (?:mich )?(?:bitte )?(?:(?:von|aus) {_LIST_DE} )?"
    r"(?:abmelden|austragen|abbestellen)|"
    rf"ich (?:möchte|will) (?:bitte )?(?:von|aus) {_LIST_DE} (?:gestrichen|gelöscht|entfernt|"
    r"genommen) werden|"
    r"ich (?:möchte|will|wünsche) (?:bitte )?keine (?:weiteren )?(?:e ?mails?|mails?|nachrichten|"
    rf"newsletter)(?: mehr)?(?: (?:von|aus|über) {_LIST_DE})?(?: mehr)?"
    r"(?: (?:bekommen|erhalten|empfangen))?)"
)
_FRENCH = (
    r"(?:désinscription|désabonnement|désabonner|"
    r"(?:merci de (?:bien vouloir )?|veuillez |pouvez vous |pourriez vous |je vous prie de )"
    r"(?:me |nous |mon adresse )?(?:désinscrire|désabonner|retirer|supprimer|enlever|rayer)"
    r"(?: mon (?:nom|adresse))?"
    r"(?: de (?:cette|la|votre|vos) listes?(?: (?:de diffusion|d envoi))?)?|"
    r"(?:désinscrivez|désabonnez|retirez|enlevez|supprimez) moi"
    r"(?: de (?:cette|la|votre) liste(?: (?:de diffusion|d envoi))?)?|"
    r"je (?:souhaite|souhaiterais|voudrais|veux|désire) (?:me |être )?(?:désinscrire|désabonner|"
    r"désinscrite?|désabonnée?|retirée?)(?: de (?:cette|la|votre) liste(?: de diffusion)?)?|"
    r"je ne (?:souhaite|veux|désire) plus recevoir (?:ces|vos|de|les) (?:e ?mails?|mails?|"
    r"messages?|courriels?)(?: de (?:cette|la|votre) liste(?: de diffusion)?)?)"
)
_DUTCH = (
    r"(?:(?:afmelden|uitschrijven|afmelding|uitschrijving)"
    r"(?: (?:voor|van|uit) (?:deze|de|uw|jullie) \w{0,12}(?:lijst|brief))?|"
    r"(?:wilt|wil|kunt|kan|kun|zou) (?:u|je|jullie) (?:mij|me|ons) (?:a u b )?"
    r"(?:(?:van|uit|voor) (?:deze|de|uw|jullie) \w{0,12}(?:lijst|brief) )?"
    r"(?:af|uit)?(?:melden|schrijven|halen|verwijderen)|"
    r"(?:haal|schrijf|meld|verwijder) (?:mij|me|ons) (?:a u b )?(?:(?:van|uit|voor) "
    r"(?:deze|de|uw) \w{0,12}(?:lijst|brief))?(?: (?:af|uit))?|"
    r"ik (?:wil|zou) (?:mij|me) (?:graag )?(?:afmelden|uitschrijven))"
)
_ROMANCE = (
    r"(?:baja|darme de baja|(?:quiero|deseo|quisiera|solicito) (?:darme de |la |mi )?baja|"
    r"(?:den|dad|dé|de) ?me de baja|cancelar (?:mi |la )?suscripción|desuscribir(?:me)?|"
    r"disiscrizione|cancella(?:te)?mi|disiscrivetemi|(?:vorrei|desidero|voglio) "
    r"(?:disiscrivermi|cancellarmi|essere cancellat[oa])|vi prego di cancellarmi|"
    r"cancelar (?:a )?(?:minha )?(?:inscrição|subscrição|assinatura)|descadastrar|"
    r"remov(?:a|am) me)"
    r"(?: (?:de|da|dalla|do|a) (?:la |esta |questa |vostra |vossa |essa )?(?:lista|mailing list|"
    r"newsletter)(?: de (?:correo|distribución|distribuição|e ?mails))?)?"
)
_NORDIC = (
    r"(?:avregistrera(?: mig)?|avsluta (?:min )?prenumeration(?:en)?|avanmäl(?:an|a)(?: mig)?|"
    r"ta bort mig|afmeld(?: mig)?|frameld(?: mig)?|fjern mig|slet mig|"
    r"fjern meg|meld meg (?:av|ut)|avmeld(?: meg)?)"
    r"(?: (?:från|fra|af|av) (?:den här |denna |denne )?\w{0,10}list(?:a|en|an))?"
)
_SLAVIC = (
    r"(?:(?:(?:bardzo )?proszę o |poproszę o )?(?:wypisanie|usunięcie|skreślenie|wykreślenie)"
    r"(?: mnie| mojego adresu)?|(?:proszę (?:mnie )?)?(?:wypisać|usunąć|skreślić|wykreślić)"
    r"(?: mnie| mój adres)?|(?:prosím (?:o )?)?odhlášení|odhlaste mě|(?:prosím )?vyřaďte mě)"
    r"(?: z(?:e)?(?: \w+)? (?:listy|seznamu)(?: (?:mailingowej|dyskusyjnej|adresowej|"
    r"wysyłkowej|mailing))?)?"
)
_LEAVE = re.compile(
    "|".join((_ENGLISH, _WELSH, _GERMAN, _FRENCH, _DUTCH, _ROMANCE, _NORDIC, _SLAVIC)),
    re.IGNORECASE,
)
#: When somebody goes, and from where.
_WHEN = (
    r"(?: (?:at|on|in|from|the|my|this|these|a|an|end|of|to|new|month|week|year|council|post|role|"
    r"job|next|last|soon|work|here|there|organi[sz]ation|team|department|authority|area|field|"
    r"\d{1,4}|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|"
    r"july|august|september|october|november|december|christmas|easter|spring|summer|autumn|"
    r"winter)){0,8}"
)
#: Why somebody goes, and a good word for those who stay: no more than that.
_REASON = re.compile(
    rf"(?:as |because |since )?i(?: am| m| will be| have| ve)?(?: now| just| recently| since)? "
    rf"(?:retiring|retired|leaving|left|moving (?:on|jobs?|roles?)|moved (?:on|jobs?|roles?)|"
    rf"chang(?:ed|ing) (?:jobs?|roles?|departments?|teams?|posts?)){_WHEN}|"
    rf"(?:as |because |since )?i (?:no longer|do not|don t) (?:work|need|wish|want){_WHEN}|"
    r"(?:and )?(?:it|this|the (?:list|content))(?: is|s) (?:no longer|not) (?:really )?"
    r"(?:relevant|of interest|useful|for me)(?: (?:to|for) (?:me|us|my \w+|our \w+))?|"
    r"i (?:have |ve )?(?:changed|moved|left) (?:jobs?|roles?|councils?) and (?:it|this)(?: is|s) "
    r"no longer relevant(?: to (?:me|my \w+))?|"
    r"i (?:have |ve )?(?:already )?(?:asked|requested this)(?: you)?(?: (?:once|twice|three times|"
    r"several times|before|already)){1,2}|"
    r"i (?:did not|didn t|never) (?:sign up|subscribe|ask)(?: (?:to|for) (?:this|these|it)"
    r"(?: \w+)?)?|"
    r"i (?:am |m |keep )?(?:get|getting|receive|receiving) (?:far |way |much )?too (?:many|much)"
    r"(?: \w+){0,4}|"
    r"ich (?:\w+ ){1,3}nicht mehr(?: \w+){0,4}|"
    r"ich (?:bin|gehe) (?:jetzt |nun |inzwischen )?(?:in rente|in pension|im ruhestand|"
    r"umgezogen)|"
    r"je (?:déménage|quitte|pars|change|prends)(?: [\w’']+){1,6}|"
    r"(?:thank you|thanks|many thanks)(?: (?:very|so) much)? for (?:all )?(?:of )?(?:the|your) "
    r"(?:\w+ ){0,2}(?:messages|emails|e mails|posts|help|work|news|newsletters|updates|years)|"
    r"(?:it has been|it was) (?:very |really )?(?:interesting|useful|helpful)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,3}")
_GREETED = re.compile(
    r"^(?:dear|hi|hello|annwyl|liebe[r]?|hallo|bonjour|beste|hej) [^\W\d_][\w.'’-]*"
    r"(?: [^\W\d_][\w.'’-]*){0,2}\s*[,!–-]\s*",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\s*[/;]\s+|\s+[-–—]\s+|\s*\n\s*\n\s*")
#: "We moved away, so please ...": whatever comes before, it is why somebody goes.
_BECAUSE = re.compile(
    r"[^.?!\n]{3,100}, (?:and )?(?:so|therefore|daher|deshalb|darum|donc|dus|así que|därför|"
    r"derfor) ",
    re.IGNORECASE,
)
#: What stands on a card below a name: no sentences of anybody.
_CARD = re.compile(
    r"[|@\d]|www\.|https?:|\b(?:follow us|confidential|intended|recipient|addressee|printing|"
    r"council|university|department|office|officer|manager|head of|director|services?|ltd)\b",
    re.IGNORECASE,
)
_SPEAKS = re.compile(r"\?|\b(?:i|i'm|i've|i'd|we|you|your|my|ps|p\.s)\b", re.IGNORECASE)


def only_asks(own: str, author: Mailbox | None) -> bool:
    """Whether own words ask to leave and say nothing else; a name or a card below is allowed."""
    lines = [line.strip() for line in own.splitlines()]
    lines = _without_card(lines, author)
    told = [line for line in lines if line]
    if _asks_whole(told):
        return True
    text = "\n".join(lines).strip()
    if len(text) > 2 * LONGEST:
        return False
    text = _without_author(text, author)
    if len(text) > LONGEST:
        return False
    sentences = [one for one in _SENTENCE.split(_GREETED.sub("", text)) if one.strip()]
    asked = [_asks(" ".join(one.split())) for one in sentences]
    return any(asked) and all(
        leaves or _is_aside(one) for one, leaves in zip(sentences, asked, strict=True)
    )


def _asks(sentence: str) -> bool:
    """Whether a sentence asks to leave, and says at most why."""
    because = _BECAUSE.match(sentence)
    if says_leave(sentence[because.end() :] if because else sentence):
        return True
    asked, _, why = sentence.rpartition(", ")
    return says_leave(asked) and _is_aside(why)


def _asks_whole(lines: list[str]) -> bool:
    if says_leave(" ".join(lines)):
        return True
    signed = len(lines) > 1 and len(lines[-1]) < 40 and _NAME.fullmatch(lines[-1].strip(" .,"))
    return bool(signed) and says_leave(" ".join(lines[:-1]))


def says_leave(words: str) -> bool:
    """Whether some words ask to leave and, courtesies aside, say nothing else."""
    if len(words) > LONGEST_COMMAND or "?" in words.rstrip(" ?"):
        return False
    return _LEAVE.fullmatch(_bare(words)) is not None


def _is_aside(sentence: str) -> bool:
    """A courtesy or a reason, which is not worth a post."""
    if "?" in sentence:
        return False
    whole = " ".join(_WORD.findall(sentence.lower()))
    plain = _bare(sentence)
    return not plain or any(_REASON.fullmatch(one) for one in (whole, plain))


def _bare(words: str) -> str:
    """The words alone, in small letters, without the courtesies around them."""
    plain = f" {' '.join(_WORD.findall(words.lower()))} "
    while plain.startswith(_FIRST):
        plain = plain[len(next(filter(plain.startswith, _FIRST))) - 1 :]
    while plain.endswith(_LAST):
        plain = plain[: 1 - len(next(filter(plain.endswith, _LAST)))]
    return plain.strip()


def _without_author(text: str, author: Mailbox | None) -> str:
    """Without the author's own address and name; another's stay, and make it a post."""
    if author is None:
        return text
    own = re.escape(author.address)
    text = re.sub(rf"[(<]{own}[)>]", "", text, flags=re.IGNORECASE)
    text = re.sub(rf"(?<![\w.+-]){own}(?![\w-])", "my address", text, flags=re.IGNORECASE)
    for name in filter(None, (author.name, author.name.partition(" ")[0])):
        text = re.sub(rf"[\s,]{re.escape(name)}\W{{0,3}}$", "", text, flags=re.IGNORECASE)
    return text


def _without_card(lines: list[str], author: Mailbox | None) -> list[str]:
    """Without the author's name and the card below it, if nothing below speaks."""
    if author is None or not author.name:
        return lines
    name = author.name.casefold()
    at = next((n for n, line in enumerate(lines) if line.strip(" ,.").casefold() == name), 0)
    below = [line for line in lines[at + 1 :] if line]
    # The line of the name heads a paragraph, and the first line below is a title or the office.
    if not at or lines[at - 1] or any(_SPEAKS.search(line) for line in below):
        return lines
    if all(len(line) < 80 or _CARD.search(line) for line in below):
        return lines[:at]
    return lines
