"""The coordinator's dashboard: what waits for a person, what is sent, and whether all runs."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from archive import moderation
from core import clock, outbox, settings
from mailer import ledger
from mailer.ledger import Totals
from mailer.models import Incoming, MailboxPosition, Mailing, MailingState, Trouble, Worker
from mailings import approval
from subscribers import incidents, joining, leavers
from subscribers.models import MailingList
from web.visits import Visit, looking

#: Kinds that a coordinator thinks of as mailings; the others answer single events.
SHOWN_KINDS = ("newsletter", "digest", "invitation", "change")
KIND_WORDS = {
    "newsletter": "Newsletter", "digest": "Digest", "invitation": "Invitation",
    "change": "Change of a meeting", "post": "Copies of a post", "confirmation": "Confirmation",
    "welcome": "Welcome", "goodbye": "Goodbye", "waiting": "Sign-up waiting",
    "sign_in": "Sign-in link", "held": "Post held", "moderation": "Post to moderate",
    "question": "Question where a reply belongs", "help": "Help",
    "trouble": "Mailing in trouble", "incident": "Domain that refuses mail",
    "leavers": "People who seem to have left", "private_answer": "Private answer",
}  # fmt: skip
RECENT = 15
#: The listener looks at least this often, whatever the server says.
LISTENER_QUIET = dt.timedelta(minutes=10)
WORKER_QUIET = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Line:
    """A mailing in a table."""

    mailing: Mailing
    kind: str
    list: MailingList | None
    totals: Totals


def dashboard(request: Request) -> Response:
    """All at a glance."""
    with looking(request) as visit:
        visit.coordinator()
        session = visit.session
        return visit.page(
            "desk/dashboard.html",
            sign_ups=len(joining.waiting(session)),
            held=len(moderation.held(session, visit.viewer)),
            gone=leavers.count(session), incidents=incidents.count_open(session),
            stuck=_count_stuck(session), stuck_receipts=outbox.backlog(session, 1).stuck,
            drafts=_drafts(session), mailings=_recent(session), faults=_faults(visit),
        )  # fmt: skip


def line_of(session: Session, mailing: Mailing) -> Line:
    """A mailing with its totals."""
    list_ = session.get(MailingList, mailing.list_id) if mailing.list_id else None
    kind = KIND_WORDS.get(mailing.kind, mailing.kind)
    return Line(mailing, kind, list_, ledger.totals(session, mailing.id))


def _recent(session: Session) -> list[Line]:
    wanted = select(Mailing).where(
        Mailing.kind.in_(SHOWN_KINDS),
        Mailing.approved_at.is_not(None) | Mailing.planned_at.is_not(None),
    )
    newest = wanted.order_by(Mailing.created_at.desc(), Mailing.id.desc()).limit(RECENT)
    return [line_of(session, each) for each in session.scalars(newest)]


def _drafts(session: Session) -> list[Line]:
    wanted = select(Mailing).where(
        Mailing.kind == "newsletter", Mailing.state == MailingState.DRAFT
    )
    newest = wanted.order_by(Mailing.id.desc()).limit(RECENT)
    return [line_of(session, each) for each in session.scalars(newest)]


def _count_stuck(session: Session) -> int:
    wanted = select(func.count(Incoming.id)).where(Incoming.state == "stuck")
    return session.scalar(wanted) or 0


def _faults(visit: Visit) -> list[str]:
    """What does not run as it should, in sentences."""
    now, faults = clock.now(), []
    worker = visit.session.scalar(select(func.max(Worker.seen_at)))
    if worker is None:
        faults.append("No worker has sent anything yet.")
    elif ledger_waits(visit.session) and now - worker > WORKER_QUIET:
        faults.append("Mail is waiting, but no worker has been seen for more than 2 minutes.")
    for mailbox in settings.current().each_mailbox():
        folders = MailboxPosition.mailbox.startswith(f"{mailbox.imap_account()}/", autoescape=True)
        heard = visit.session.scalar(select(func.max(MailboxPosition.seen_at)).where(folders))
        if heard is None or now - heard > LISTENER_QUIET:
            which = f"mailbox {mailbox.imap_username}"
            faults.append(f"The {which} has not been read for more than 10 minutes.")
    for mailing in visit.session.scalars(
        select(Mailing).where(Mailing.trouble.is_not(None)).order_by(Mailing.id)
    ):
        said = approval.TROUBLES[Trouble(mailing.trouble or "")]
        faults.append(f"{mailing.subject or 'A mailing'}: {said}")
    if not settings.current().sending:
        faults.append("Sending is switched off in the settings: all mail waits.")
    return faults


def ledger_waits(session: Session) -> bool:
    """Whether a mailing is being sent at all."""
    wanted = select(Mailing.id).where(Mailing.state == MailingState.SENDING).limit(1)
    return session.scalar(wanted) is not None


ROUTES = [Route("/desk", dashboard)]
