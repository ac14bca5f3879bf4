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
from archive import filing, intake
from core import events as e
from core.outbox import Reaction, ReactionTogether
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


#: Reactions that many events may wait for, and how they react to several at once.
TOGETHER: dict[Callable[[Session, Any], None], Callable[[Session, Any], None]] = {
    sorting.sort: sorting.sort_many,
    filing.file_post: intake.file_posts,
    filing.file_mailing: filing.file_mailings,
}


@cache
def by_name() -> dict[str, Reaction]:
    """Every reaction by its name, which is what a receipt remembers."""
    named: dict[str, Reaction] = {}
    for functions in REACTIONS.values():
        for function in functions:
            named[_name_of(function)] = function
    for kind in mailings.kinds.ALL.values():
        if kind.trigger is not None:
            named[f"mailing.{kind.name}"] = mailings.planning.start(kind.name)
    return named


@cache
def _by_event() -> dict[type[e.Event], list[str]]:
    names: dict[type[e.Event], list[str]] = defaultdict(list)
    for event, functions in REACTIONS.items():
        names[event] += map(_name_of, functions)
    for kind in mailings.kinds.ALL.values():
        if kind.trigger is not None:
            names[kind.trigger].append(f"mailing.{kind.name}")
    return dict(names)


def names(event: type[e.Event]) -> list[str]:
    """The names of the reactions to a kind of event."""
    return _by_event().get(event, [])


@cache
def _together_by_name() -> dict[str, ReactionTogether]:
    named = {_name_of(alone): together for alone, together in TOGETHER.items()}
    return named | {
        f"mailing.{kind.name}": mailings.planning.start_together(kind.name)
        for kind in mailings.kinds.ALL.values()
        if kind.trigger is not None and kind.wanted is not None
    }


def find_together(name: str) -> ReactionTogether | None:
    """How the reaction of that name reacts to several events at once, if it does."""
    return _together_by_name().get(name)


def _name_of(function: Callable[..., None]) -> str:
    return f"{function.__module__}.{function.__name__}"


def find(name: str) -> Reaction:
    """The reaction of that name; raises KeyError if this version has none."""
    return by_name()[name]
