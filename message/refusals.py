"""What a mail server's refusal means: for good or for now, and whose fault (RFC 5321, RFC 3463)."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a server would not take a message."""

    MAILBOX = "mailbox"
    FULL = "full"
    POLICY = "policy"
    SIZE = "size"
    TRANSIENT = "transient"
    CHALLENGE = "challenge"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Whether a retry is pointless, and the reason."""

    permanent: bool
    reason: Reason


#: RFC 3463 §2: class, subject, detail. Not a part of an IP address or a version.
ENHANCED = re.compile(r"(?<![\w.:/-])([245])\.(\d{1,2})\.(\d{1,3})(?![\w.]*\.\d|\d)")
#: RFC 5321 §4.2: a reply code at the head of a reply, or behind a word that announces one.
CODE = re.compile(
    r"(?:^|(?<=[\s:(\[\"'<>,;-]))([45][0-5]\d)(?=[\s\-,.:;)\]]|$)(?!\s*(?:KB|MB|bytes|seconds))"
)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


#: Troubles that pass, whatever else is said: a rate, a resolver, a queue, a loop.
_PASSING = _any(
    r"(?:host not found|name service error)[^.\n]{0,80}try again",
    r"malformed or unexpected name server reply", r"\bhop ?count\b[^.\n]{0,30}exceeded",
    r"(?:mail|routing) loop|too many hops|\blooped? back", r"(?:frequency|rate) limit",
    r"\bat a rate that\b", r"too many (?:concurrent |simultaneous )?(?:smtp )?connections",
    r"(?:connection|session)s? (?:limit|rate)", r"for (?:too|a) long(?: time)?\b",
    r"envelope expired|for the last \d+ seconds|lost connection with|delivery failed \d+ attempts",
    r"(?:our requests to connect|\baccept(?:ing)? connections)|socket error|is not responding",
    r"unable to (?:contact|connect to) (?:the )?(?:ldap|database|remote|directory)",
    r"aup#in-13\d0|not (?:been )?delivered within \d|aborted after [\d.]+ (?:hour|day)",
)  # fmt: skip
#: Said of nothing but a mailbox that is not there, whatever else stands beside it.
_UNKNOWN = _any(
    r"\b(?:user|recipient|mailbox|account)(?: name)? (?:is )?(?:unknown|not found)\b",
    r"\b(?:unknown|no such|invalid) (?:local )?(?:user|recipient|mailbox|account)\b",
    r"\b(?:user|recipient|mailbox|account|address) (?:does not|doesn't|not) exist",
    r"\bdisabled recipient|\b(?:user )?account (?:is )?disabled", r"\bno mx or a records?\b",
    r"(?:帐号|账号|用户|地址|邮箱|信箱|收件人)[^。\n]{0,8}(?:不存在|停用)",
)  # fmt: skip
#: RFC 5321 §3.3: what is refused there is the originator, not the recipient.
_OF_ORIGINATOR = _any(
    r"(?:after|in reply to|response to|in answer to) (?:\w+ )?MAIL FROM",
    r"sender (?:address|verif|callout|rejected)|unroute?able sender|verif(?:y|ication) sender",
)
_CHALLENGE = _any(
    r"challenge[/-]response", r"confirm (?:that )?you(?:'re| are) (?:a )?(?:human|person)",
    r"boxbe", r"spamarrest", r"click .{0,40}to (?:be )?(?:approved|authori[sz]ed|verified)",
    r"sender (?:verification|confirmation) (?:required|needed)",
)  # fmt: skip
_FULL = _any(
    r"(?:mailbox|inbox|mail box|maildir|mail ?folder|mail ?drop|account|quota|disk|storage)"
    r"[^.\n]{0,60}\b(?:is |are |was |has )?(?:now |too |almost )?"
    r"(?:full|exceeded|exhausted|overdrawn|overflow|exceeds)",
    r"(?:over|exceed(?:s|ed|ing)?|exceeding|out of|above|beyond) (?:the |its |his |her |your |"
    r"their )?"
    r"(?:mail(?:box)? |disk |storage |allowed |maximum |message |user(?:'s)? |e?mail |account )*"
    r"(?:quota|storage|space)",
    r"\bover ?quota\b", r"\bquota\b.{0,40}\b(?:exceed|full|violat|reached|limit|is over)",
    r"insufficient (?:disk |storage |mailbox )?(?:space|quota)", r"mailbox (?:size )?limit "
    r"exceeded",
    r"not enough (?:storage|disk|space|room)", r"mailbox.{0,30}(?:size|storage|"
    r"maximum).{0,20}exceed",
    r"no (?:more )?room in", r"user has too many messages", r"too much mail data", r"disk full",
    r"e-?mail account has exceeded", r"recipient storage full", r"mailbox_?full", r"full mailbox",
    r"mail such a size.{0,60}overflow", r"max(?:imum)? (?:mailbox|message file) size",
    r"mailbox is over", r"does not have enough (?:space|storage)", r"boîte.{0,40}pleine",
    r"postfach.{0,20}voll", r"容量|満杯",
)  # fmt: skip
_SIZE = _any(
    r"(?:message|mail|data|content|attachment)s?\b.{0,30}\b"
    r"(?:too (?:big|large)|(?<!queue )too long(?! in)|size (?:exceeds|exceeded|limit))",
    r"line (?:length )?limit exceeded",
    r"(?:exceed\w*|larger than|over|above) (?:the |a |our |fixed |maximum |local |system )*"
    r"(?:message |mail |system |server's )?"
    r"(?:fixed maximum |maximum |max |allowed )?(?:message |mail |data )?(?:size|length)",
    r"size limit (?:exceeded|reached)", r"max(?:imum)? message size", r"message header size",
    r"is larger than the (?:current )?(?:system|domain) limit", r"exceeded storage allocation",
)  # fmt: skip
_GREY = _any(
    r"gr[ea]y-?list", r"try again (?:later|in|after)", r"temporar(?:il)?y", r"please retry",
    r"will (?:be )?retr(?:y|ied)", r"later retry", r"timed? ?-?out", r"too (?:many|busy|quickly)",
    r"throttl", r"rate.?limit", r"connection (?:refused|reset|lost|closed|dropped|died)",
    r"resources? (?:temporarily )?(?:unavailable|exhausted)", r"deferr(?:ed|al)",
    r"could not (?:connect|be contacted)", r"conversation .{0,60}timed out", r"not? yet ready",
    r"unable to connect", r"delivery (?:time|period) (?:has )?expired", r"retry timeout",
    r"message expired", r"too long in (?:the )?queue", r"queue too long", r"service (?:not |"
    r"un)available",
    r"system not accepting", r"looped?\b|mail loop|too many hops", r"insufficient system",
    r"delivery (?:has been |was |is )?delayed", r"local error in processing",
)  # fmt: skip
_POLICY = _any(
    r"\bspam", r"\bphish", r"\bbulk\b", r"unsolicited", r"\bjunk\b", r"\bdmarc\b", r"\bdkim\b",
    r"\bspf\b", r"sender policy framework", r"domainkeys", r"authenticat", r"\bpolic(?:y|ies)\b",
    r"black ?-?list", r"block ?-?list", r"deny ?-?list", r"white ?-?list", r"allow ?-?list",
    r"\b(?:dns)?[rdx]?[bw]l\b", r"spamhaus|spamcop|sorbs|barracuda|proofpoint|mimecast|cloudmark|"
    r"trend ?micro|senderbase|spamrl|uribl|surbl|ironport", r"reputation",
    r"\b(?:is|been|was|are|ip|from|message|mail|sender|address|client host|host)\b.{0,60}\bblocked",
    r"blocked (?:by|using|for|due|because)", r"\bbanned\b", r"\bprohibited\b", r"\bforbidden\b",
    r"(?:content|message|body|attachment|url|link)s? (?:rejected|denied|refused|not allowed|"
    r"filter)",
    r"rejected (?:for|due to|because of|by) .{0,30}(?:content|filter|reason|rule|admin)",
    r"\bvirus|malware|worm\b|infected", r"relay(?:ing)? (?:is )?(?:access )?(?:denied|not|"
    r"prohibited|"
    r"forbidden|attempt|mail)", r"unable to relay", r"not (?:permitted|allowed|authori[sz]ed) to",
    r"not accept.{0,40}from", r"do(?:es)? not (?:accept|want|allow).{0,60}(?:from|sender)",
    r"access (?:is )?denied", r"transaction rejected", r"administrative(?:ly)? "
    r"(?:prohib|refus)",
    r"\bptr\b", r"reverse[ -](?:dns|lookup|hostname|address)", r"\brdns\b", r"\bhelo\b|\behlo\b",
    r"starttls|\btls\b|encryption (?:needed|required)", r"security (?:reason|violation|policy)",
    r"abuse|abusive", r"suspicious", r"violat", r"complaint", r"bad sender|sender (?:address )?"
    r"(?:rejected|denied|refused|invalid|verify|domain|not)", r"invalid sender|unknown sender",
    r"sender .{0,20}(?:not exist|not found|does not resolve)", r"non-?compliant|not rfc|rfc ?5322",
    r"not a member|only members|members? only|not allowed to post|moderated|restricted",
    r"your (?:ip|host|server|email|domain)\b.{0,40}(?:reject|listed|denied|not allowed|refused)",
    r"(?<!not )listed (?:in|at|on|by)", r"poor (?:ip )?reputation", r"unusual (?:rate|sending)",
    r"legal "
    r"reason",
    r"dynamic(?:ally)?[ -]?(?:assigned|ip)|dial-?up|residential", r"mx record", r"loop ?back",
    r"unauthori[sz]ed", r"bounce verification|batv|prvs", r"\bscan", r"as\(\d+\)",
    r"(?:mismatch\w*|invalid|frequency|blocked) (?:client |source |sending )?ip\b|invalid ip",
    r"\bmail (?:has been |was )?(?:rejet|reject|refus|filtered)|message filtered",
    r"recipient preferences", r"daily relay quota", r"unroute?able sender|from: domain",
    r"insecure mail relay", r"my name was rejected", r"misconfigured|out of date",
    r"permission to post|groups\.google\.com/support", r"unwanted (?:mail|e-?mail|messages)",
    r"\bopen relay\b", r"^(?:smtp;)?\s*5\d\d[ -]\s*rejected\.?$",
    r"8-bit data in message header|header error",
)  # fmt: skip
_GONE = _any(
    r"(?:user|account|mailbox|recipient|address|login|username|alias|addressee|customer|person|"
    r"name|"
    r"user ?id|subscriber|e-?mail)s?\b[^.\n]{0,60}\b(?:is |was |has been |are |not |does |could |"
    r"can )*"
    r"(?:unknown|not ?found|not known|not exist|n[o']t exist|invalid|not valid|no longer|inactive|"
    r"not active|disabled|suspended|discontinued|closed|deleted|removed|expired|terminated|"
    r"unavailable|not available|unrouteable|undeliverable|not listed|blocked|locked|frozen|"
    r"not have an? (?:\S+ )?account|doesn't have|isn't|unrecogni[sz]ed|not recogni[sz]ed|"
    r"cannot be found|non-?exist\w*|moved|rejected|out of service|not registered|deactivated|"
    r"ambiguous)",
    r"(?:unknown|invalid|no such|no|bad|illegal|non-?existent|unrouteable|inactive|unrecogni[sz]ed|"
    r"undeliverable|disabled|wrong|not a valid|not a known|no valid|ambiguous) "
    r"(?:local[ -]?|final |email |e-mail |virtual |destination |internet |such |pop )*"
    r"(?:user|account|mailbox|recipient|address|part|person|login|name|alias|addressee|customer|"
    r"receiver|domain|host|here|one)", r"\bno such user\b", r"\buser ?unknown\b", r"\bunknown "
    r"user\b",
    r"(?:this|that) (?:user|account|address|person|mailbox) (?:is|has|doesn)", r"has moved|"
    r"new address",
    r"no mailbox (?:here|by|with|for)", r"doesn'?t (?:exist|have an? .{0,20}account)",
    r"not our (?:customer|user)", r"not a (?:local|valid|known|real)", r"no longer (?:with|"
    r"works?|valid|"
    r"in use|exists|accept|receiv|available|active|employed)", r"has left|left the (?:company|"
    r"organi)",
    r"host (?:name )?(?:unknown|not found|is invalid)|unknown (?:host|domain)|(?:host|domain|"
    r"name|dns)"
    r".{0,60}(?:not ?found|does not exist|doesn't exist|could not be found|couldn't be found|"
    r"lookup "
    r"(?:fail|error)|nxdomain)|nxdomain|no such (?:host|domain)|couldn'?t find (?:any )?(?:host|"
    r"a host)|"
    r"unrouteable|cannot be resolved|does not resolve|all relevant mx records point to|null ?mx|"
    r"nullmx|(?:does|do) not accept (?:e-?)?mail\b(?!.{0,20}from)|"
    r"not accept(?:ing)? (?:any )?mail$",
    r"not accept(?:ing)? (?:mail|messages) for", r"recipnotfound|recipient not found|resolver\.adr",
    r"can'?t (?:find|deliver to) (?:this|that|the) (?:user|recipient|mailbox|address)",
    r"wasn'?t found at|couldn'?t be found", r"invalid mailbox", r"no (?:match|"
    r"entry) .{0,20}(?:director|name)",
    r"no smtp service", r"domain is not reachable", r"check if (?:the )?address is correct",
    r"invalid final delivery", r"@\S+ rejected\.?$",
    r"not (?:listed )?in (?:the )?(?:domino|address|director)",
    r"adresse.{0,30}(?:inconnue|unbekannt)",
    r"(?:empfänger|benutzer).{0,30}unbekannt", r"宛先|存在しません",
)  # fmt: skip

# RFC 3463 §3: what the subject and detail of an enhanced code speak of.
_CODES = {
    "1.0": Reason.MAILBOX, "1.1": Reason.MAILBOX, "1.2": Reason.MAILBOX, "1.3": Reason.MAILBOX,
    "1.4": Reason.MAILBOX, "1.6": Reason.MAILBOX, "1.7": Reason.POLICY, "1.8": Reason.POLICY,
    "1.10": Reason.MAILBOX, "2.0": Reason.OTHER, "2.1": Reason.MAILBOX, "2.2": Reason.FULL,
    "2.3": Reason.SIZE, "2.4": Reason.OTHER, "3.1": Reason.OTHER, "3.4": Reason.SIZE,
    "3.2": Reason.TRANSIENT, "4.4": Reason.MAILBOX, "5.3": Reason.TRANSIENT, "6.0": Reason.POLICY,
}  # fmt: skip


def enhanced_in(words: str) -> str | None:
    """The enhanced status code in some words (RFC 3463): the first that says something."""
    found = [match for match in ENHANCED.finditer(words) if match.group(1) in "45"]
    telling = (match for match in found if match.group(3) != "0")
    said = next(telling, found[0] if found else None)
    return said.group(0) if said else None


def judge(code: int | None, enhanced: str | None, words: str) -> Refusal:
    """What a server's answer means.

    `code` is the reply code, `enhanced` the enhanced status code, `words` the text; what is missing
    is looked for in the words. An answer about policy or content is never held against a mailbox.
    """
    words = words[:4000]
    enhanced = enhanced or enhanced_in(words)
    reason = _reason(code, enhanced, words)
    if reason is Reason.MAILBOX and _OF_ORIGINATOR.search(words):
        reason = Reason.POLICY
    return Refusal(_permanent(code, enhanced, words, reason), reason)


def _permanent(code: int | None, enhanced: str | None, words: str, reason: Reason) -> bool:
    if code == 552 and reason not in {Reason.SIZE, Reason.POLICY}:
        return False  # RFC 5321 §4.5.3.1.10: "too many recipients" said with an old code
    if code is not None:
        return 500 <= code <= 599
    if enhanced and enhanced[0] in "45":
        return enhanced[0] == "5"
    found = CODE.search(words)
    if found:
        return found.group(1)[0] == "5"
    return reason in {Reason.MAILBOX, Reason.POLICY, Reason.SIZE}


def _reason(code: int | None, enhanced: str | None, words: str) -> Reason:
    kind, _, detail = (enhanced or "").partition(".")
    subject = detail.partition(".")[0]
    temporary = kind == "4" or (code is not None and 400 <= code <= 499)
    if _CHALLENGE.search(words):
        return Reason.CHALLENGE
    unknown = not temporary and bool(_UNKNOWN.search(words))
    if subject == "7":  # RFC 3463 §3.8: security or policy, whatever the words say
        return Reason.TRANSIENT if temporary and _GREY.search(words) else Reason.POLICY
    if _is_unknown_at_exchange(enhanced, words):
        return Reason.MAILBOX
    by_words = _by_words(words, temporary, unknown)
    by_code = _CODES.get(detail)
    if by_words is None:
        if code == 551:  # RFC 5321 §3.4: the user has moved elsewhere
            return Reason.MAILBOX
        return by_code or (Reason.TRANSIENT if temporary or subject == "4" else Reason.OTHER)
    if by_words is Reason.MAILBOX and not unknown:
        if by_code in {Reason.FULL, Reason.SIZE, Reason.POLICY}:
            return by_code
        if subject == "3":  # RFC 3463 §3.4: the server's own state, not the mailbox's
            return by_code or Reason.OTHER
    return by_words


def _is_unknown_at_exchange(enhanced: str | None, words: str) -> bool:
    # Exchange Online's edge says so of recipients that its directory does not know.
    return enhanced == "5.4.1" and "recipient address rejected: access denied" in words.lower()


def _by_words(words: str, temporary: bool, unknown: bool) -> Reason | None:
    if _FULL.search(words):
        return Reason.FULL
    if unknown:
        return Reason.MAILBOX
    if _PASSING.search(words):
        return Reason.TRANSIENT
    if _SIZE.search(words):
        return Reason.SIZE
    if _POLICY.search(words):
        return Reason.TRANSIENT if temporary and _GREY.search(words) else Reason.POLICY
    if temporary:
        return Reason.TRANSIENT
    if _GONE.search(words):
        return Reason.MAILBOX
    return Reason.TRANSIENT if _GREY.search(words) else None
