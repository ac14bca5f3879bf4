"""Samples: each kind with invented facts, for previews, golden files and checks of templates."""

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import templates
from core import addresses, links
from mailer import naming
from mailer.models import Mailing
from mailings import kinds, rendering, wording
from mailings.kind import Facts, Kind
from message import itip, mould
from message.compose import Calendar
from message.headers import new_message_id
from subscribers.audience import Recipient
from subscribers.models import MailingList

READER = Recipient(0, "jane.doe@swindon.example", "Jane Doe", "Swindon Council")
_TOKEN = "aeaqsampletokenthatopensnothing2345"  # noqa: S105 - it opens nothing


@dataclass(frozen=True, slots=True)
class Sample:
    """A kind as its reader gets it: rendered with slots, and one filled copy."""

    rendered: rendering.Rendered
    copy: bytes


def folder_of(kind_name: str) -> Path:
    """Where the templates of a kind lie."""
    return templates.FOLDER / "email" / kind_name


def sample(kind_name: str) -> Sample:
    """Render a kind with the facts of its `sample.toml`, and fill a copy.

    Raises what rendering raises, and message.mould.EmptySlot for a slot that nothing fills.
    """
    kind = kinds.ALL[kind_name]
    given = tomllib.loads((folder_of(kind_name) / "sample.toml").read_text())
    list_ = None if given.pop("no_list", False) else _list()
    mailing = Mailing(
        id=0, kind=kind_name, list_id=0, message_id=new_message_id("sample", "mail.invalid")
    )
    rendered = rendering.render(kind, mailing, list_, _facts(given))
    return Sample(rendered, rendered.mould.fill(_values(kind, rendered.mould)))


def _list() -> MailingList:
    return MailingList(
        id=0, name="ai-network", title="AI Network", closed=False, announce_only=False,
        description="Officers who explore AI in local government.",
    )  # fmt: skip


def _facts(given: dict[str, Any]) -> Facts:
    answers, sender = tuple(given.pop("answers", ())), given.pop("sender", "")
    author = addresses.of("ai-network", _TOKEN) if given.pop("author_address", False) else ""
    method, discussion = given.pop("calendar", ""), given.pop("discussion", None)
    if "markdown" in given:
        given |= wording.written(given.pop("markdown"))
    return Facts(
        words=given,
        sender=sender,
        sender_address=author,
        answers=answers,
        discussion=discussion,
        calendar=_calendar(method) if method else None,
    )


def _calendar(method: str) -> Calendar:
    starts = dt.datetime(2027, 3, 2, 10, tzinfo=dt.UTC)
    invitation = itip.Invitation(
        uid="sample-of-a-meeting", sequence=0, stamp=starts - dt.timedelta(weeks=4),
        starts_at=starts, ends_at=starts + dt.timedelta(minutes=90),
        summary="AI Network: procurement", description="Five councils talk about buying well.",
        location="Microsoft Teams", join_link="https://teams.example/meet/123",
        page=links.meeting(4),
        organizer=itip.Party("AI Network", mould.marker("organizer")),
        attendee=itip.Party(mould.marker("calendar_name"), mould.marker("address")),
    )  # fmt: skip
    return Calendar(method, itip.request(invitation))


def _values(kind: Kind, made: mould.Mould) -> Mapping[str, str]:
    """Values as `mailer.copies` gives them, with a token that opens nothing."""
    token_address = addresses.of("ai-network", _TOKEN)
    called = READER.name if kind.named else ""
    values = {
        "address": READER.address,
        "leave_url": links.leave(_TOKEN),
        "leave_address": token_address,
        "rsvp_url": links.rsvp(_TOKEN),
        "organizer": token_address,
        "name": naming.greeting(called),
        "to": naming.to_field(called, READER.address),
        "calendar_name": naming.calendar_name(called, READER.address),
    }
    replies = {slot: token_address for slot in made.slots() if slot.startswith("reply_address:")}
    return values | replies
