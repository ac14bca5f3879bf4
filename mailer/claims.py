"""Claiming copies for the wire: who has left meanwhile, and what came too late, is left out.

A claim is committed before anything goes on the wire, and takes exactly what goes on it next; so
after a crash only what was on an open connection is in doubt.
"""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Integer,
    String,
    Table,
    bindparam,
    case,
    exists,
    or_,
    select,
    true,
    update,
)  # fmt: skip
from sqlalchemy.orm import Session

from core import clock, settings
from core.database import UtcDateTime
from mailer import ledger
from mailer.models import Delivery, Mailing, MailingState, State
from subscribers.models import Standing, Subscription

#: How many mailings are looked at for one claim.
_MAILINGS_AT_ONCE = 20


class Claim(NamedTuple):
    """A copy that a worker has taken for the wire: its row in the ledger, and its mailing."""

    id: int
    person_id: int | None
    address: str
    name: str | None
    slots: str | None
    mailing: Mailing


# Statements of the way that every copy takes are built once, on bare tables: with mapped classes,
# building and executing cost several times what the database needs.
_copy, _mailing, _subscription = (
    cast(Table, mapped.__table__) for mapped in (Delivery, Mailing, Subscription)
)
_c, _m = _copy.c, _mailing.c
_NOW: BindParameter[dt.datetime] = bindparam("now", type_=UtcDateTime())
_MAILING: BindParameter[int] = bindparam("of_mailing", type_=Integer())
_LIST: BindParameter[int] = bindparam("list_id", type_=Integer())
# Written out in the statement, so that the index of open copies is seen to serve it.
_PLANNED, _DEFERRED = (
    _c.state == bindparam(None, state, type_=String(), literal_execute=True)
    for state in (State.PLANNED, State.DEFERRED)
)
_DUE_COPIES = [waiting & (_c.next_try <= _NOW) for waiting in (_PLANNED, _DEFERRED)]
_SENDING = (_m.state == MailingState.SENDING) & or_(_m.not_before.is_(None), _m.not_before <= _NOW)
_DUE = _SENDING & or_(*(exists().where(_c.mailing_id == _m.id, due) for due in _DUE_COPIES))
_ANYTHING = select(exists(select(_m.id).where(_DUE)))
_DUE_MAILINGS = select(_m.id).where(_DUE).order_by(_m.priority, _m.id).limit(_MAILINGS_AT_ONCE)
_SUBSCRIBED = exists().where(
    _subscription.c.person_id == _c.person_id,
    _subscription.c.list_id == _LIST,
    _subscription.c.state == Standing.ACTIVE,
)
_NOT_LEFT = _c.person_id.is_(None) | _SUBSCRIBED
_STANDING = (
    select(_subscription.c.state)
    .where(_subscription.c.person_id == _c.person_id, _subscription.c.list_id == _LIST)
    .scalar_subquery()
)
_EXCLUDE_WHO_LEFT = (
    update(_copy)
    .where(_c.mailing_id == _MAILING, or_(*_DUE_COPIES), ~_NOT_LEFT)
    .values(
        state=State.EXCLUDED, settled_at=_NOW,
        reason=case((_STANDING == Standing.SUSPENDED, "suspended"), else_="left"),
    )
)  # fmt: skip


def _picking(due: ColumnElement[bool], wanted: ColumnElement[bool]) -> Executable:
    """Take the first due copies of a mailing.

    In a plain IN (SELECT ... LIMIT n FOR UPDATE SKIP LOCKED) PostgreSQL may take more than n.
    """
    picked = (
        select(_c.id)
        .where(_c.mailing_id == _MAILING, due, wanted)
        .order_by(_c.next_try, _c.id)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True, of=_copy)
        .cte("picked")
    )
    return (
        update(_copy)
        .where(_c.id.in_(select(picked.c.id)))
        .values(
            state=State.ATTEMPTING, worker=bindparam("by", type_=String()),
            attempts=_c.attempts + 1,
        )
        .returning(
            _c.id, _c.person_id, _c.address, _c.name, _c.slots
        )
        )  # fmt: skip


_PICK_FROM_LIST = [_picking(due, _NOT_LEFT) for due in _DUE_COPIES]
_PICK = [_picking(due, true()) for due in _DUE_COPIES]


def anything_due(session: Session) -> bool:
    """Whether a claim would find something."""
    return settings.current().sending and bool(session.scalar(_ANYTHING, {"now": clock.now()}))


def claim(
    session: Session, worker: str, limit: int, known: dict[int, Mailing] | None = None
) -> list[Claim]:
    """Take up to `limit` copies for this worker, urgent mailings first; marks them `attempting`.

    Copies that came to be unwanted meanwhile (the person left the list, the time has passed) are
    excluded instead. `known` keeps mailings from one claim to the next: what is in a planned one
    does not change.
    """
    taken: list[Claim] = []
    known = {} if known is None else known
    if not settings.current().sending or limit <= 0:
        return taken
    now = clock.now()
    for mailing_id in session.connection().scalars(_DUE_MAILINGS, {"now": now}).all():
        if mailing_id not in known:
            known[mailing_id] = session.get_one(Mailing, mailing_id)
        mailing = known[mailing_id]
        if mailing.pointless_after is not None and mailing.pointless_after <= now:
            _exclude_late(session, mailing)
            continue
        taken += _pick(session, mailing, now, limit - len(taken), worker)
        if len(taken) >= limit:
            break
    return taken


def _pick(
    session: Session, mailing: Mailing, now: dt.datetime, limit: int, worker: str
) -> list[Claim]:
    taken: list[Claim] = []
    facts = {"of_mailing": mailing.id, "now": now, "by": worker, "list_id": mailing.list_id}
    to_list = mailing.bulk and mailing.list_id is not None
    for statement in _PICK_FROM_LIST if to_list else _PICK:
        rows = session.connection().execute(statement, facts | {"most": limit - len(taken)})
        taken += sorted(
            Claim(row.id, row.person_id, row.address, row.name, row.slots, mailing) for row in rows
        )
        if len(taken) >= limit:
            return taken
    if to_list and session.connection().execute(_EXCLUDE_WHO_LEFT, facts).rowcount:
        ledger.finish_if_done(session, mailing.id)
    return taken


def _exclude_late(session: Session, mailing: Mailing) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.mailing_id == mailing.id)
        .where(Delivery.state.in_((State.PLANNED, State.DEFERRED)))
        .values(state=State.EXCLUDED, reason="too late", settled_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
    ledger.finish_if_done(session, mailing.id)


def put_off(session: Session, until: Mapping[int, dt.datetime]) -> None:
    """Let claimed copies wait until the given instants, by id: it was no try."""
    for delivery_id, instant in until.items():
        session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.state == State.ATTEMPTING)
            .values(
                state=case((Delivery.attempts > 1, State.DEFERRED), else_=State.PLANNED),
                attempts=Delivery.attempts - 1, next_try=instant, worker=None,
            ),
            execution_options={"synchronize_session": False},
        )  # fmt: skip
