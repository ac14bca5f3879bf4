"""What servers say in other languages: that it failed, that they still try, and why."""

import re

_DELIVERED_DE = r"(?:zugestellt|ausgeliefert|übermittelt|zustellen|ausliefern|weitergeleitet)"
_DELIVERED_FR = r"(?:remis|distribué|livré|délivré|transmis|acheminé|envoyé)e?s?"
#: Regular expressions, without flags: each is joined to its English fellow.
FAILURE = "|".join(
    (
        rf"(?:konnten?|kann|können|wurden?) [^.\n]{{0,60}}?(?:nicht|leider nicht) {_DELIVERED_DE}",
        r"unzustellbar|zustellung [^.\n]{0,40}(?:fehlgeschlagen|gescheitert|nicht möglich)",
        rf"n['’](?:a|ont) (?:pas )?pu être {_DELIVERED_FR}|n['’](?:a|ont) pas été {_DELIVERED_FR}",
        r"échec de (?:la )?(?:remise|distribution|livraison|transmission)|"
        r"impossible de (?:remettre|distribuer|livrer|délivrer|transmettre)|non remis",
        r"(?:kon|kan|konden) [^.\n]{0,60}?niet (?:worden )?(?:afgeleverd|bezorgd|verzonden)|"
        r"onbestelbaar|niet (?:afgeleverd|bezorgd)",
        r"no (?:se )?(?:ha podido|han podido|pudo|puede|fue posible|es posible) (?:ser )?"
        r"entrega(?:r|do|rse)|error (?:de|en la) entrega|no entregad[oa]",
        r"non (?:è stato possibile|è stato|può essere|ha potuto essere) (?:recapita|consegna)"
        r"(?:re|to)|impossibile (?:consegnare|recapitare)|mancat[oa] (?:consegna|recapito)",
        r"não (?:pôde|pode|foi possível|foi) (?:ser )?entreg(?:ue|ar)|falha (?:na|de) entrega",
        r"(?:kunde|kan|gick) inte (?:att )?(?:levereras?|skickas)",
        r"(?:kunne|kan) ikke (?:blive )?leveres?|(?:kunne|kan) ikke levere",
        r"ei voitu (?:toimittaa|lähettää)",
        r"nie (?:można|udało się|została?) (?:było )?(?:dostarcz\w+|doręcz\w+)",
        r"(?:nelze|nebylo možné|nepodařilo se) doručit|nedoručiteln",
        r"nem (?:lehet(?:ett)?|sikerült|volt) (?:\w+ )?kézbesít",
        r"не (?:может быть|был[оа]?|удалось|удаётся) доставл?[её]?н?\w*",
        r"n(?:i|id) (?:oedd modd|fu modd|ellid|ellir) (?:anfon|danfon|trosglwyddo)",
    )
)
SUBJECT = (
    r"nicht zugestellt|zustell|onbestelbaar|niet (?:afgeleverd|bezorgd)|échec|non remis|"
    r"no entregad|entrega|consegna|recapit|levereras|leveres|toimit|dostarcz|doručen|nedoruč|"
    r"kézbesít|доставл"
)
DELAY = (
    r"(?:wird|werden) (?:\w+ )?(?:weiterhin|erneut|weiter) versucht|(?:zustellung|nachricht) "
    r"[^.\n]{0,40}verzögert|noch nicht zugestellt|verzögert(?:e|er)? (?:zustellung|nachricht)|"
    r"(?:remise|distribution) [^.\n]{0,30}(?:retardée|différée)|pas encore été (?:remis|distribué)|"
    r"nog niet (?:afgeleverd|bezorgd)|bezorging [^.\n]{0,30}vertraagd|"
    r"entrega [^.\n]{0,30}(?:retrasad|demorad|atrasad)|se (?:seguirá|volverá a) intent|"
    r"consegna [^.\n]{0,30}ritard|leverans\w* [^.\n]{0,30}(?:försenad|fördröjd)|"
    r"levering\w* [^.\n]{0,30}forsinket"
)
GIVEN_UP = (
    r"endgültig|nicht (?:zugestellt|ausgeliefert) werden konnte|unzustellbar|fehlgeschlagen|"
    r"définitiv|échec|definitiv|onbestelbaar|mislukt|fallid|fallit"
)
#: The mailbox is not there. Only said so where the server names no code of a kind of its own.
_NOT_THERE = (
    r"existiert nicht|nicht vorhanden|nicht bekannt|unbekannt|nicht gefunden|ungültig|"
    r"n['’]existe pas|inconnue?|introuvable|invalide|"
    r"bestaat niet|onbekend|niet gevonden|ongeldig|"
    r"no existe|desconocid[oa]|no encontrad[oa]|"
    r"non esiste|sconosciut[oa]|inesistente|"
    r"não existe|inexistente|desconhecid[oa]|"
    r"finns inte|okänd|findes ikke|finnes ikke|ukendt|ukjent|"
    r"nie istnieje|nieznan[ya]|neexistuje|neznám[ýá]|nem létezik|ismeretlen|не существует|"
    r"ddim yn bodoli|anhysbys"
)
_BOX = (
    r"postfach|mailbox|empfänger(?:adresse)?|benutzer|e-?mail-?adresse|adresse|konto|"
    r"boîte(?: aux lettres| mail)?|destinataire|utilisateur|compte|"
    r"postvak|gebruiker|adres|ontvanger|"
    r"buz[óo]n|usuario|destinatario|dirección|cuenta|casella|utente|indirizzo|"
    r"caixa(?: de correio)?|usuário|utilizador|destinatário|endereço|conta|"
    r"brevlåda|användare|mottagare|postkasse|bruger|bruker|modtager|mottaker|adressen|"
    r"skrzynka|użytkownik|adresat|schránka|uživatel|postafiók|felhasználó|ящик|пользователь|"
    r"blwch(?: post)?|defnyddiwr|cyfeiriad"
)
NOT_THERE = re.compile(
    rf"\b(?:{_BOX})\w{{0,3}}\b[^.\n]{{0,60}}(?:{_NOT_THERE})|"
    rf"\b(?:unbekannte[rs]?|ungültige[rs]?|onbekende?|okänd|ukendt|ukjent|nieznany) (?:{_BOX})\b",
    re.IGNORECASE,
)
FULL = re.compile(
    rf"\b(?:{_BOX})\w{{0,3}}\b[^.\n]{{0,40}}\b(?:voll|überfüllt|pleine?|saturée?|vol|llen[oa]|pien[oa]|"
    rf"chei[oa]|full|fullt|fuld|täynnä|pełn[ay]|přeplněn\w*|plná|megtelt|переполнен|llawn)\b|"
    r"\b(?:maildatei|postfach)\b[^.\n]{0,40}\b(?:maximale größe|speichergrenze)|"
    r"\b(?:kontingent|speicherplatz|quota|espace|spazio|espacio)\b[^.\n]{0,40}"
    r"(?:überschritten|erschöpft|dépassé|superat[oa]|superad[oa]|excedid[oa])",
    re.IGNORECASE,
)
