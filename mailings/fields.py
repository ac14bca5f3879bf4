"""The header fields of our mails: who writes, where answers go, what mail clients offer."""

import re
from collections.abc import Sequence
from email.utils import format_datetime

from core import addresses, clock, links, settings
from mailer.models import Mailing
from mailings.kind import Facts, Kind, Origin
from mailings.wording import without_markers
from message import mould, thread_index
from message import subject as subjects
from message.address import Mailbox
from message.headers import Value
from subscribers.models import MailingList

#: Mail of ours that comes back carries this field with an address of ours.
LOOP = "X-Folkmoot-Loop"
#: RFC 5322 §3.6.4 sets no bound; the first and the last ids are what clients thread by.
MOST_REFERENCES = 20
_ID = re.compile(r"[!-;=?-~]{1,250}")
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")
Fields = list[tuple[str, Value]]


def fields_of(
    kind: Kind, mailing: Mailing, list_: MailingList | None, facts: Facts, subject: str
) -> Fields:
    """All fields of a mailing, each once (RFC 5322 §3.6), with markers for what is personal."""
    home = addresses.of(list_.name if list_ else None)
    title = list_.title if list_ else settings.current().network_name
    when = max(clock.now(), mailing.not_before or clock.now())
    discussion = has_discussion(kind, list_, facts)
    fields: Fields = [
        ("Date", format_datetime(when)),
        ("From", Mailbox(without_markers(facts.sender or title), facts.sender_address or home)),
        ("To", mould.marker("to")),
        ("Reply-To", _reply_to(list_, title, facts, discussion)),
        ("Subject", subject),
        ("Message-ID", f"<{mailing.message_id}>"),
        *_answers(facts.answers),
    ]
    if kind.origin is not Origin.PERSON:
        fields.append(("Auto-Submitted", kind.origin.value))  # RFC 3834 §5
    # MS-OXCMAIL 2.1.3.2.20: not "All", which would also stop the bounces that we need.
    fields.append(("X-Auto-Response-Suppress", "OOF, AutoReply, RN, NRN, DR"))
    fields.append((LOOP, home))
    if list_ is not None:
        fields += _of_list(list_, title)
    if discussion:
        fields += [
            ("Thread-Topic", subjects.prefixed(subject, "").strip() or subject),
            ("Thread-Index", thread_index.written(index_of(mailing, facts))),
        ]
    if facts.archived_at:
        fields.append(("Archived-At", f"<{facts.archived_at}>"))  # RFC 5064 §2
    if kind.bulk and list_ is not None:
        fields += _bulk(kind, mailing, list_)
    return fields


def index_of(mailing: Mailing, facts: Facts) -> bytes:
    """By what Outlook knows a mailing, and the answers to it."""
    return facts.index or thread_index.opening(mailing.message_id)


def has_discussion(kind: Kind, list_: MailingList | None, facts: Facts) -> bool:
    """Whether an answer goes to the list's archive, for all members to see."""
    if facts.discussion is not None:
        return facts.discussion
    return kind.discussion and list_ is not None and not list_.announce_only


def _reply_to(list_: MailingList | None, title: str, facts: Facts, discussion: bool) -> Value:
    if discussion:
        return _phrase(title) + f"<{mould.marker('reply_address:0')}>"
    if facts.reply_to is not None:
        name, address = facts.reply_to.name, facts.reply_to.address
        return Mailbox(without_markers(name), without_markers(address))
    # Somebody reads what is answered to any mail of ours: there is no "noreply".
    return Mailbox(title, addresses.of(list_.name if list_ else None, "owner"))


def _answers(ids: Sequence[str]) -> Fields:
    good = [f"<{one}>" for one in ids if _ID.fullmatch(one) and one == without_markers(one)]
    if not good:
        return []
    if len(good) > MOST_REFERENCES:
        good = [good[0], *good[-MOST_REFERENCES + 1 :]]
    return [("In-Reply-To", good[-1]), ("References", " ".join(dict.fromkeys(good)))]


def _of_list(list_: MailingList, title: str) -> Fields:
    """RFC 2919 and RFC 2369: what the list is, and its addresses."""
    setting = settings.current()
    post = "NO" if list_.announce_only else f"<mailto:{addresses.of(list_.name)}>"
    join = addresses.of(list_.name, "join")
    return [
        # RFC 2919 §3: the identifier never changes; renaming a list changes the phrase.
        ("List-Id", f"{_phrase(title)}<{list_.name}.{setting.domain}>"),
        ("List-Post", post),  # RFC 2369 §3.4
        ("List-Help", f"<mailto:{addresses.of(list_.name, 'help')}>"),
        ("List-Subscribe", f"<mailto:{join}>, <{links.join(list_.name)}>"),
        ("List-Owner", f"<mailto:{addresses.of(list_.name, 'owner')}>"),
        ("List-Archive", f"<{links.list_page(list_.name)}>"),
    ]


def _bulk(kind: Kind, mailing: Mailing, list_: MailingList) -> Fields:
    page, address = mould.marker("leave_url"), mould.marker("leave_address")
    host = re.sub(r"[^a-z0-9]", "", settings.current().domain.lower()) or "folkmoot"
    return [
        # RFC 8058 §3.1: exactly one https address, of one recipient and one list.
        ("List-Unsubscribe", f"<{page}>, <mailto:{address}?subject=leave>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Precedence", "list"),  # RFC 3834 §3.1.8: a hint for old responders
        ("Feedback-ID", f"{mailing.id or 0}:{list_.name}:{kind.name}:{host}"),
    ]


def _phrase(title: str) -> str:
    """A title before an address in angle brackets; left out where it would need encoding."""
    words = " ".join(title.split())
    if not words.isascii() or "=?" in words or not words:
        return ""
    if _ATOMS.fullmatch(words):
        return f"{words} "
    quoted = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" '
