"""What mail programs and telephones add of themselves: "Sent from my iPhone"."""

import re

from message.phrases import Phrases
from message.quoting.lines import Line

LONGEST = 200
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
    r"messenger|hotmail|aol|gmx|web\.de|zoho|fastmail|superhuman|workspace|teams|ffôn|mòbil|ponsel"
)
_SENT_WITH = re.compile(
    rf"^[*_<\s]*(?:(?:sent|written|typed|envoyé|envoyée|gesendet|geschickt|verzonden|verstuurd|"
    rf"inviato|"
    rf"enviado|enviada|skickat|sendt|lähetetty|wysłan[eoy]|wysłano|odesláno|отправлено|gönderildi|"
    rf"anfonwyd|seolta|enviat|dikirim)\b"
    rf"[^.!?\n]{{0,40}}\b(?:from|via|with|using|on|by|de|depuis|avec|à partir|"
    rf"von|mit|des del|dari|"
    rf"vanaf|met|van|da|con|dal|desde|do meu|från|fra|med|puhelimesta|z|ze|с|o|fy|ó)\b|"
    rf"(?:get|télécharger|obtenir|hent|hämta|skaffa|holen sie sich|laden sie|scarica|ottieni|"
    rf"obtener|"
    rf"obtenha|download|pobierz) (?:outlook|yahoo|bluemail|typeapp|spark|proton|tuta|canary)\b|"
    rf"(?:von|vom) (?:meinem|unterwegs))"
    rf"[^.!?\n]{{0,60}}?(?:{_DEVICE})[^!?\n]{{0,60}}$",
    re.IGNORECASE,
)
# "Sent from my Wiko RIDGE FAB 4G", and no more: whatever it is, it is a thing.
_SENT_FROM_MY = re.compile(
    r"^sent from my (?!desk\b|heart\b|home\b|office\b|account\b|"
    r"address\b)[\w'’.-]+(?: [\w'’.+-]+){0,4}$",
    re.IGNORECASE,
)
# The same in words of other orders: "Von meinem iPhone gesendet", "Outlook für iOS beziehen".
_SHORT_AD = re.compile(
    r"^(?:\S+ ){0,3}?(?:iphone|ipad|android|outlook|blackberry|galaxy|samsung|huawei|xiaomi|windows"
    r"(?: phone| mail)?|yahoo mail)\S*(?: \S+){0,4}? ?"
    r"(?:gesendet|beziehen|aus|envoyé|verzonden|enviado|inviato|sent|gönderildi|lähetetty|wysłano|"
    r"küldve|küldött|odesláno|отправлено|надіслано|송신|보냄|发送|發送|傳送|送信|أُرسلت|נשלח)$|"
    r"^(?:iphone|ipad|android|outlook|galaxy)\S{0,12}(?:送信|发送|發送|傳送|보냄)$|"
    r"^(?:从|從|發自|发自|나의|내|отправлено с|надіслано з|נשלח מ|تم الإرسال من|أُرسلت من)\S{0,3}"
    r" ?.{0,14}(?:iphone|ipad|android|outlook|galaxy|samsung|huawei|xiaomi).{0,16}$|"
    r"^yahoo mail\b.{0,4}(?:search|buscar|rechercher|suchen|cerca)\b.{0,40}$",
    re.IGNORECASE,
)
# In any language: the program, and for what telephone it is to be had.
_FOR_PHONES = Phrases(
    "outlook",
    r"\boutlook\b.{1,12}\b(?:ios|android)\b",
    r"\b(?:ios|android)\b.{1,12}\boutlook\b",
)
_SENT = re.compile(
    r"^(?:lähetetty|skickat|sendt?|отправлено|надіслано|στάλθηκε|مرسل|أُ?رسلت?|נשלח|enviad[oa]|inviato|"
    r"envoyé|gesendet|verzonden|wysłano|odesláno|odoslané|küldve|elküldve|gönderildi|trimis|poslano|"
    r"išsiųsta|nosūtīts|saadetud|đã gửi|dikirim|anfonwyd|sent with|sent by|sent via)\b"
    r".{0,40}(?:iphone|ipad|android|outlook|galaxy|samsung|huawei|xiaomi|mail|почт|spike|spark|hey)"
    r"\S{0,8}(?: \S+){0,2}$",
    re.IGNORECASE,
)
_ADVERT = re.compile(r", (?:the|a|your) .{5,60}$")
_LINK = re.compile(r"\s*[<(\[]?\s*(?:https?|mailto):[^\s>)\]]*\s*[>)\]]?", re.IGNORECASE)


def is_device(line: Line) -> bool:
    """Whether a line only tells by what device or program the message was sent."""
    if len(line.plain) > LONGEST:
        return False
    said = _LINK.sub("", line.plain) if ":" in line.plain else line.plain
    said = (_ADVERT.sub("", said) if ", " in said else said).rstrip(" .*_")
    if not said or said.count(" ") > 8:
        return False
    if _SHORT_AD.match(said) or _SENT.match(said) or _FOR_PHONES.search(said):
        return True
    return "," not in said and bool(_SENT_FROM_MY.match(said) or _SENT_WITH.match(said))
