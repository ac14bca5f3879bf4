"""How a text begins: what systems say first, people say in passing, or quote."""

import re
from collections.abc import Iterator

from message.parse import Message
from message.phrases import Phrases

LONGEST_GREETING = 40
LONGEST_SENTENCE = 300
# Where a sentence ends: with its sign, or before a blank line or stars.
_END = re.compile(r"[.!?:\n*](?:(?<=[.!?:])(?=\s)|(?<=\n)(?=\s*\n)|(?<=\*)\*+)")
#: Ticket systems draw a line above which to answer.
_DELIMITER = re.compile(r"^[#=*-]{2,}.{3,80}[#=*-]{2,}$")
#: And says first that nobody reads what is answered.
_NO_ANSWER = re.compile(r"^\W*(?:please )?(?:do not|don['’]t) (?:reply|respond)\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:dear|hello|hi|hej|hei|hallo|beste|geachte|sehr geehrte|liebe|guten tag|bonjour|"
    r"madame|hola|estimad[oa]s?|buen|gentile|salve|bom dia|olá|caro|kära|kære|annwyl|bore da|"
    r"prynhawn da|helo|good (?:morning|afternoon|evening|day)|greetings|szanown|dzień dobry|"
    r"dobrý den|poštovan|tisztelt)\b",
    re.IGNORECASE,
)
_THANKS = Phrases(
    "thank|dank|merci|remercions|gracias|grazie|obrigad|tack |tak |takk |dziękuj|diolch",
    r"\b(?:thank(?:s| you)(?: very much| so much)? for (?:contacting|your|getting in touch|"
    r"writing|e-?mailing)|(?:vielen |herzlichen |besten )?dank für ihre?|danke für ihre?|"
    r"merci (?:de|pour) (?:votre|nous)|vous remercions|(?:be)?dankt? (?:u )?voor (?:uw|je|het)|"
    r"hartelijk dank|gracias por (?:su|tu|contactar|ponerse|escribir)|grazie per (?:aver|la|il)|"
    r"obrigad[oa] (?:pel[oa]|por)|tack för (?:ditt|din|att|er)|tak for (?:din|dit|deres)|"
    r"takk for (?:din|ditt|at)|dziękuj(?:ę|emy) za|diolch (?:yn fawr )?am)\b",
)
#: Words between marks of quotation are somebody else's; within a line or a few.
_MENTIONED = re.compile('"[^"]{1,1500}"|“[^“”]{1,1500}”|«[^«»]{1,1500}»|„[^„“”]{1,1500}[“”]')
_MARKS = '"“«„'


def said(message: Message) -> str:
    """What a short message says, without what it quotes; "" for a long one."""
    if len(message.text) > 20_000:
        return ""
    words = "".join(one.text for one in message.passages if one.kind != "quoted")
    if any(sign in words for sign in _MARKS):
        words = _MENTIONED.sub('""', words)
    return words.strip()


def opening(text: str) -> tuple[list[str], bool]:
    """The first sentence below the greeting, and the second where the first says thanks.

    Also whether one of them says thanks.
    """
    found: list[str] = []
    thanked = False
    for piece in _sentences(text[:1_000]):
        sentence = " ".join(piece.split())
        if not any(sign.isalpha() for sign in sentence) or _DELIMITER.match(sentence):
            continue
        if _NO_ANSWER.match(sentence):
            continue
        if not found and _GREETING.match(sentence):
            sentence = _without_greeting(sentence)
        if not sentence:
            continue
        found.append(sentence[:LONGEST_SENTENCE])
        thanked = thanked or _THANKS.search(found[-1]) is not None
        if len(found) == 2 or not thanked:
            break
    return found, thanked


def _sentences(text: str) -> Iterator[str]:
    """What stands between the ends of sentences; stars belong to none."""
    start = 0
    for end in _END.finditer(text):
        yield text[start : end.start() if end[0][0] == "*" else end.end()]
        start = end.end()
    yield text[start:]


def _without_greeting(sentence: str) -> str:
    head, comma, rest = sentence.partition(",")
    if comma and len(head) < LONGEST_GREETING:
        rest = rest.strip()
        # "Madame, Monsieur,"
        return "" if rest.endswith(",") and len(rest) < LONGEST_GREETING else rest
    return "" if len(sentence) < LONGEST_GREETING else sentence
