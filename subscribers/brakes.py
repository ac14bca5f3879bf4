"""How often something may be asked for: one at a time is counted, so that a crowd cannot pass."""

import enum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import database


class Brake(enum.IntEnum):
    """What is limited; the numbers are keys of PostgreSQL's advisory locks."""

    JOINING = 7_001
    SIGNING_IN = 7_002


def one_at_a_time(session: Session, brake: Brake) -> None:
    """Let nobody else pass this brake until the transaction ends.

    Without it a thousand requests at once would each count before any of them has written.
    SQLite has one writer at a time anyway.
    """
    if database.on_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(int(brake))))
