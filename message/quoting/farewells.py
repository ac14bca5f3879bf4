"""What people take leave with at the end of a message, in many languages."""

import re

LONGEST = 60
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
    r"mit (?:freundlichem|bestem|herzlichem|kollegialem) gru(?:ß|ss)|(?:gruß|grüße|grüsse) aus \w+|"
    r"\w{3,12}gr(?:uß|üße|uss|üsse)|bien (?:cordialement|amicalement|à toi)|l(?:ijep|ep) pozdrav|"
    r"s poštovanjem|srdačan pozdrav|lep pozdrav|lugupidamisega|mit lieben grüßen|"
    r"(?:どうぞ)?(?:よろしく|宜しく)お(?:願|ねが)い(?:いた|致)?します。?|以上|敬具|此致|敬礼|顺祝商祺|祝好|谢谢|"
    r"(?:с |най-добри )?поздрави|с поздрав|s (?:úctou|pozdravom)|ar cieņu|"
    r"(?:bestu |kærar )?kveðj(?:ur|a)|"
    r"(?:moltes )?salutacions(?: cordials)?|trân trọng|hormat (?:saya|kami)|salam(?: hormat)?|"
    r"با احترام|با تشکر|ขอแสดงความนับถือ|ด้วยความเคารพ|"
    r"감사합니다\.?|감사드립니다\.?|مع (?:خالص )?(?:التحية|التحيات|الشكر)|تحياتي|وتفضلوا .{5,40}|"
    r"תודה|בברכה|בתודה|"
    r"is mise le meas|le gach dea-mhéin|slán)\s*[,.!;:،–-]*$",
    re.IGNORECASE,
)
#: What thanks somebody in the text, and closes it where a name stands below.
_THANKS = re.compile(
    r"^(?:(?:many|kind|best|warm(?:est)?|with|big|huge|so|and|in) )*"
    r"(?:thanks|thank you|thx|cheers|ta)"
    r"(?: (?:again|all|everyone|very much|so much|a lot|in advance|and|&|for (?:this|that|now)|"
    r"(?:kind |best |warm )?regards|best wishes)){0,3}\s*[,.!–-]*$|"
    r"^(?:diolch(?: yn fawr)?(?: iawn| i chi)?|hwyl(?: fawr| am y tro)?|pob hwyl|"
    r"merci(?: beaucoup| bien| d['’]avance)?|bonne (?:journée|soirée|fin de journée)|bises|"
    r"bisous|à (?:bientôt|plus)|"
    r"(?:vielen |besten |herzlichen )?dank(?:e)?(?: im voraus| und .{3,30}| dir| euch)?|tschüss|"
    r"bis (?:bald|dann)|(?:muchas )?gracias(?: y saludos)?|un beso|besos|(?:mille )?grazie|ciao|"
    r"saluti(?: e grazie)?|a presto|baci|obrigad[oa]|beijos?|bedankt|dank je(?: wel)?|liefs|"
    r"fijne dag|groetjes|tack(?: på förhand)?|ha det bra|tak|takk|på forhånd tak|kiitos|terkuin|"
    r"dzięki|dziękuję|z góry dziękuję|pozdrowienia|děkuji|díky|köszönöm|üdv|mulțumesc|"
    r"teşekkürler|iyi çalışmalar|спасибо|заранее спасибо|дякую|ευχαριστώ|"
    r"warmly|warmest|all good things|yours|take care|speak soon|see you(?: soon| then| there)?|"
    r"talk soon|love|in haste|tot ziens)\s*[,.!–-]*$",
    re.IGNORECASE,
)
_BOTH = re.compile(r" [/|] ")
#: "Best, Jo" and "LG Bernd": a closing with the name in the same line.
_WITH_NAME = re.compile(r"^(.{2,40}?)(?:[,.!–-]+ ?| )((?:[^\W\da-z_][\w.'’-]* ?){1,3})$")


def is_closing(line: str) -> bool:
    """Whether a line is nothing but "Kind regards" or the like, in one language or in two."""
    if len(line) > LONGEST:
        return False
    return any(_CLOSING.match(one) for one in _BOTH.split(line.strip("*_ ")))


def is_thanks(line: str) -> bool:
    """Whether a line is nothing but "Thanks" or the like: it may be all that somebody says."""
    if len(line) > LONGEST:
        return False
    said = _BOTH.split(line.strip("*_ "))
    return all(_THANKS.match(one) or _CLOSING.match(one) for one in said)


def name_in(line: str) -> str | None:
    """The name behind a closing in the same line: of "Best, Jo" it is "Jo"."""
    found = _WITH_NAME.match(line.strip("*_ ")) if len(line) <= LONGEST else None
    return found[2] if found and (is_closing(found[1]) or is_thanks(found[1])) else None
