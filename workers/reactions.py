"""The page that says what happens when: each event, and the functions that react to it.

A reaction takes the session and the event, runs in the transaction that marks its receipt, reads
the facts again, and may run late, twice or out of order. Kinds of mailing react to the event that
they name as their trigger; they are added from their registry.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

import mailings.commands
import mailings.kinds
import mailings.planning
from archive import filing
from core import events as e
from core.outbox import Reaction
from mailer import bouncing, sorting
from meetings import rsvp
from subscribers import joining, reachability

REACTIONS: dict[type[e.Event], list[Callable[[Session, Any], None]]] = {
    e.JoinConfirmed: [joining.decide],
    e.MailingApproved: [mailings.planning.plan_approved],
    e.MailingPlanned: [filing.file_mailing],
    e.MailArrived: [sorting.sort],
    e.PostArrived: [filing.file_post],
    e.CommandArrived: [mailings.commands.obey],
    e.RsvpArrived: [rsvp.read_calendar_answer],
    e.AutomaticReplyArrived: [bouncing.note_delay],
    e.BounceArrived: [bouncing.note_bounce],
    e.ReportArrived: [bouncing.note_complaint],
    e.CopyRefused: [bouncing.note_refusal],
    e.AddressRefused: [reachability.judge],
}


@cache
def by_name() -> dict[str, Reaction]:
    """Every reaction by its name, which is what a receipt remembers."""
    named: dict[str, Reaction] = {}
    for functions in REACTIONS.values():
        for function in functions:
            named[f"{function.__module__}.{function.__name__}"] = function
    for kind in mailings.kinds.ALL.values():
        if kind.trigger is not None:
            named[f"mailing.{kind.name}"] = mailings.planning.start(kind.name)
    return named


@cache
def _by_event() -> dict[type[e.Event], list[str]]:
    names: dict[type[e.Event], list[str]] = defaultdict(list)
    for event, functions in REACTIONS.items():
        names[event] += [f"{f.__module__}.{f.__name__}" for f in functions]
    for kind in mailings.kinds.ALL.values():
        if kind.trigger is not None:
            names[kind.trigger].append(f"mailing.{kind.name}")
    return dict(names)


def names(event: type[e.Event]) -> list[str]:
    """The names of the reactions to a kind of event."""
    return _by_event().get(event, [])


def find(name: str) -> Reaction:
    """The reaction of that name; raises KeyError if this version has none."""
    return by_name()[name]
