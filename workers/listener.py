"""The listener: what arrives in the mailbox is kept as it came, then the bell rings."""

import datetime as dt
import logging
import threading
from collections.abc import Sequence

from core import database, leases
from core.settings import Settings
from mailer import at_hand, imap, inbox, trial, vouching

log = logging.getLogger(__name__)

TERM = dt.timedelta(seconds=60)


def listen(settings: Settings, holder: str, stop: threading.Event) -> None:
    """Read the mailbox of imap_* until told to stop; only one holder does at a time."""
    account = settings.imap_account()
    name = f"listener:{account}/{settings.imap_folder}"[:120]

    def keep(folder: imap.Folder, validity: int, messages: Sequence[tuple[int, bytes]]) -> None:
        mailbox = f"{account}/{folder.name}"
        at_hand.wait_for_room()
        tried = trial.read(dict(messages))
        readable = {uid: raw for uid, raw in messages if uid not in tried.unread}
        # Who wrote what lies in Junk is looked into when somebody takes it out.
        findings = {} if folder.junk else vouching.look_at_all(readable)
        with database.transaction() as session:
            inbox.keep_many(
                session, mailbox, validity, messages, account,
                junk=folder.junk, findings=findings, unread=tried.unread, read=tried.read,
            )  # fmt: skip

    def ours() -> bool:
        with database.transaction() as session:
            return leases.take(session, name, holder, TERM) is not None

    trial.make_ready()
    while not stop.is_set():
        if not ours():
            stop.wait(5)
            continue
        imap.Listener(settings, account, keep, still_ours=ours).run(stop)
    with database.transaction() as session:
        leases.release(session, name, holder)
