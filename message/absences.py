"""The words of absence notes in the languages of the mail programs that write them."""

import re

from message.openings import opening

#: How systems call an answer that nobody wrote, before the subject of what it answers.
_ANSWERS = (
    # English
    r"auto(?:matic|mated|matically generated)?[- ]?(?:reply|response|answer|responder|message|"
    r"respons|svar)?\s*[:：]|"
    r"(?:auto[- ]?(?:reply|response|responder|respons|antwort)|autoreply|automatic reply|"
    r"automated (?:reply|response)|automatic response)\s*(?:[:(\[-]|$|from\b|re:|to:)|"
    r"vacation (?:reply|notice|response|message|auto)|yahoo!? auto response|"
    # Celtic
    r"(?:ateb|ymateb) awtomatig|freagra uathoibríoch|freagairt fhèin-obrachail|"
    # Germanic
    r"automatische (?:antwort|rückantwort|antwoord)|automatisch(?:e)? (?:antwoord|beantwoording|"
    r"reactie)|abwesenheits?(?:notiz|meldung|benachrichtigung|assistent)\s*(?:[:(\[-]|$)|"
    r"afwezigheids?(?:bericht|melding|assistent)|autosvar|auto ?svar|automatisk(?:t)? svar|"
    r"frånvaro(?:meddelande)?\s*[:(\[-]|fraværsmelding|fraværsbesked|fravær\s*:|sjálfvirkt svar|"
    # Romance
    r"r[ée]ponse automatique|absence du bureau|absent\(?e?\)? du bureau|message d'absence|"
    r"respuesta autom[aá]tica|risposta automatica|resposta autom[aáà]tica|ausência tempor|"
    r"r[aă]spuns automat|erantzun automatikoa|"
    # Slavic and Baltic
    r"automatyczna odpowied|autoodpowied[źz]|odpowiedź automatyczna|automatická odpov|"
    r"automatski odgovor|"
    r"samodejni odgovor|автоматический ответ|автоответ|автоматична відповідь|"
    r"автоматичен отговор|аутоматски одговор|автоматски одговор|automatinis atsakymas|"
    r"automātisk[aā] atbilde|"
    # others of Europe
    r"automaattinen (?:vastaus|poissaolo)|automaatvastus|automatikus válasz|otomatik yan[ıi]t|"
    r"αυτόματη απάντηση|përgjigje automatike|"
    # further away
    r"תשובה אוטומטית|מענה אוטומטי|رد تلقائي|پاسخ خودکار|स्वचालित उत्तर|ตอบกลับอัตโนมัติ|"
    r"trả lời tự động|balasan otomatis|自動(?:返信|応答|回覆|答覆)|自动(?:回复|答复)|"
    r"자동 ?(?:회신|응답)|부재 ?중"
)
#: What people call their being away: they write so themselves as well.
_AWAY = (
    r"(?:i am |i'm |i will be )?(?:currently )?out[- ]of[- ](?:the[- ])?office"
    r"(?: (?:auto\W*reply|reply|response|message|notification|assistant|until|from|today|re\b)"
    r"(?: .*)?)?\s*(?:[:(\[-].*)?$|"
    r"(?:ooo|o\.o\.o\.)\s*[:-]|(?:on )?(?:annual|maternity|paternity|sick|holiday|parental) leave"
    r"(?: (?:auto\W*reply|until .*|re\b.*))?\s*(?:[:(\[-].*)?$|"
    r"away from (?:the |my )?(?:office|desk|mail)\s*[:(\[-]|"
    r"allan o'?r swyddfa|i ffwrdd o'?r swyddfa|abwesend\s*:|niet aanwezig\s*:|"
    r"absente?(?:\(e\))?\s*[:：]|"
    r"fuera de (?:la )?oficina|fuori (?:sede|ufficio)\s*:|ikke til stede|poissa\s*:"
)
_TAGS = r"^\s*(?:\[[^\]]{1,40}\]\s*)*"
ANSWER = re.compile(f"{_TAGS}(?:{_ANSWERS})", re.IGNORECASE)
AWAY = re.compile(f"{_TAGS}(?:{_AWAY})", re.IGNORECASE)
#: What a rule of GroupWise and its like puts behind the subject that it answers.
BEHIND = re.compile(
    r"\((?:out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:reply|response)|vacation|"
    r"on (?:leave|holiday|vacation)|abwesend|absence|afwezig)\)\s*$",
    re.IGNORECASE,
)
#: Notes writes of its user by name.
OF_A_NAME = re.compile(
    r"^\s*(.{2,60}?) (?:is out of the office|is away from the office|ist außer haus|"
    r"ist nicht im büro|est absent\(?e?\)? du bureau|is niet op kantoor)\b",
    re.IGNORECASE,
)
# An absence note begins by saying so, of the one who writes.
NOTE = re.compile(
    r"\b(?:i am|i'm|i will be|i'll be)\b.{0,60}\b(?:out of (?:the )?office|"
    r"on (?:annual |maternity |paternity |parental |sick )?leave|away (?:from|until|on)|"
    r"on (?:holiday|vacation)|not in the office)|"
    r"this is an auto(?:-|mated |matic |matically )(?:generated )?(?:e-?mail|message|reply|"
    r"response|answer)(?=\s*(?:[.,;:!*]|$)| to your)|"
    r"thank you for (?:your e-?mail|contacting)\b.{0,80}\b(?:out of|away|leave|respond|shortly)|"
    r"\b(?:rwyf|rydw i|rwy|byddaf|mi fydda i)\b.{0,40}(?:allan o'r swyddfa|ar wyliau|ar (?:fy )?"
    r"ngwyliau|i ffwrdd|ar gyfnod)|"
    r"\bich (?:bin|befinde mich)\b.{0,60}(?:nicht im (?:büro|haus|dienst)|abwesend|im urlaub|"
    r"außer haus|wieder (?:im büro|erreichbar))|(?:bin|ist) .{0,60}(?:nicht im büro|abwesend|"
    r"im urlaub)|"
    r"\bje (?:suis|serai)\b.{0,40}(?:absent|en (?:congé|vacances|déplacement))|"
    r"\bactuellement (?:absent|en (?:congé|vacances|déplacement))|"
    r"\bjeg har sluttet (?:i|hos|ved|på)\b|\bjag har (?:semester|slutat|ledigt)\b|"
    r"\bik ben\b.{0,60}(?:afwezig|met (?:verlof|vakantie)|op vakantie|niet (?:aanwezig|"
    r"op kantoor))|"
    r"\b(?:estoy|estaré|me encuentro)\b.{0,40}(?:fuera de|de vacaciones|ausente)|"
    r"\b(?:sono|sarò)\b.{0,40}(?:assente|in ferie|fuori (?:sede|ufficio))|"
    r"\b(?:estou|estarei|encontro-me)\b.{0,40}(?:de férias|ausente|fora d)|"
    r"\bjag är\b.{0,40}(?:ledig|på semester|bortrest|frånvarande|tjänstledig)|"
    r"\bjeg (?:er|holder|har)\b.{0,40}(?:bortreist|ferie|fraværende|ikke (?:til stede|på "
    r"kontoret))|"
    r"\bolen\b.{0,40}(?:lomalla|poissa|vuosilomalla)|"
    r"\b(?:jestem|przebywam|będę)\b.{0,40}(?:na urlopie|nieobecn)|"
    r"\b(?:odmoru|dopustu|dovolenou|dovolené|szabadságon|puhkusel|concediu)\b",
    re.IGNORECASE | re.DOTALL,
)
#: Who is away but has something to say has written themselves.
STILL_WRITES = re.compile(
    r"\b(?:but|however|just)\b[,:]? (?:i )?(?:just |really |still )?"
    r"(?:want|thought|had to|would like|here|a quick|quick|to (?:say|add|let))",
    re.IGNORECASE,
)
LONGEST_NOTE = 600


def opens_absent(own: str) -> bool:
    """Whether a short text begins by saying that who writes is away, and asks nothing."""
    if len(own) > LONGEST_NOTE or "?" in own or STILL_WRITES.search(own):
        return False
    return any(NOTE.search(sentence) for sentence in opening(own)[0])
