"""The listener: what arrives in the mailbox is kept as it came, then the bell rings."""

import datetime as dt
import logging
import threading
from collections.abc import Sequence

from core import database, leases
from core.settings import Settings
from mailer import imap, inbox

log = logging.getLogger(__name__)

TERM = dt.timedelta(seconds=60)


def listen(settings: Settings, holder: str, stop: threading.Event) -> None:
    """Read the mailbox of the settings until told to stop; only one holder does at a time."""
    mailbox = f"{settings.imap_username}@{settings.imap_host}/{settings.imap_folder}"
    name = f"listener:{mailbox}"

    def keep(uidvalidity: int, messages: Sequence[tuple[int, bytes]]) -> None:
        with database.transaction() as session:
            inbox.keep_many(session, mailbox, uidvalidity, messages)

    def ours() -> bool:
        with database.transaction() as session:
            return leases.take(session, name, holder, TERM) is not None

    while not stop.is_set():
        if not ours():
            stop.wait(5)
            continue
        imap.Listener(settings, mailbox, keep, still_ours=ours).run(stop)
    with database.transaction() as session:
        leases.release(session, name, holder)
