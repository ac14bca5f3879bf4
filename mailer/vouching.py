"""Who vouches for a message: a server that we trust, or else the signature of its author's domain.

Signatures are looked at once, when a message comes and before any transaction: keys are changed,
and the DNS may keep us waiting.
"""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from core import clock, settings
from core.settings import Settings
from mailer.models import Incoming
from mailer.names import Names, NotAsked
from message import authentication, witness
from message.canonical import Letter
from message.parse import Message
from message.signatures import Texts
from message.witness import Finding

log = logging.getLogger(__name__)

#: The longest wait for the DNS: for one message, and for all that came together.
MESSAGE_SECONDS, BATCH_SECONDS = 5.0, 10.0
AT_ONCE = 8
#: What could not be looked at vouches for nothing, and says so.
UNREADABLE = Finding(None, "its signature could not be read")
_names: dict[str, Names] = {}


def vouched_for(incoming: Incoming, message: Message) -> bool:
    """Whether From's domain is true, as a trusted server says (RFC 8601 §5) or we found out.

    The built-in post office is its own witness.
    """
    if incoming.vouched and message.from_ and message.from_.domain == incoming.vouched:
        return True
    setting = settings.current()
    if not setting.trusted_authserv_ids:
        return setting.post_office
    results = authentication.read_results(message, setting.trusted_authserv_ids)
    return results.aligned_domain is not None


def look_at_all(messages: Mapping[int, bytes]) -> dict[int, Finding]:
    """What is found out about messages, by their numbers; nothing where nothing is looked for.

    Never raises; what the DNS does not answer in time stays in doubt.
    """
    setting = settings.current()
    if not setting.checks_signatures():
        return {}
    names = _names.setdefault(setting.name_server, Names(setting.name_server))
    found: dict[int, Finding | None] = {}
    unknown = []
    for number, raw in messages.items():
        try:
            found[number] = _look(raw, setting, names.known)
        except NotAsked:
            unknown.append(number)
    found |= _asked(setting, names, {number: messages[number] for number in unknown})
    return {number: one for number, one in found.items() if one is not None}


def _asked(
    setting: Settings, names: Names, messages: Mapping[int, bytes]
) -> dict[int, Finding | None]:
    """Look with questions to the DNS: several at once, for each means waiting."""
    if not messages:
        return {}
    end = time.monotonic() + BATCH_SECONDS

    def look(raw: bytes) -> Finding | None:
        until = min(time.monotonic() + MESSAGE_SECONDS, end)
        return _look(raw, setting, lambda name: names.texts(name, until))

    with ThreadPoolExecutor(min(AT_ONCE, len(messages)), "vouching") as pool:
        return dict(zip(messages, pool.map(look, messages.values()), strict=True))


def look_at(raw: bytes) -> Finding | None:
    """The same for one message."""
    return look_at_all({0: raw}).get(0)


def asking(server: str = "") -> Texts:
    """Answers of the DNS for one message, which has to be looked at within its time."""
    names = _names.setdefault(server, Names(server))
    until = time.monotonic() + MESSAGE_SECONDS
    return lambda name: names.texts(name, until)


def _look(raw: bytes, setting: Settings, texts: Texts) -> Finding | None:
    try:
        letter = Letter(raw)
        head = witness.head_of(letter)
        told = authentication.read_results(head, setting.trusted_authserv_ids)
        if told.dmarc is not None or told.dkim is not None:
            return None  # the trusted server has looked, and knows more
        return witness.look(letter, head, texts, int(clock.now().timestamp()))
    except NotAsked:
        raise
    except Exception as trouble:  # noqa: BLE001 - mail is taken in whatever is wrong with it
        log.warning("signature_not_read", extra={"why": type(trouble).__name__})
        return UNREADABLE
