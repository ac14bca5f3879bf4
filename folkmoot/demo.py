"""Fills an empty network with the demo: organisations, members, meetings and discussions.

Everything goes in through the doors that real things use; twice is once.
"""

import datetime as dt
import mailbox
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archive import transfer
from archive.models import Post
from core import clock, database, settings
from folkmoot import demo_facts as facts
from folkmoot.demo_facts import Letter, Member
from meetings import changes, contributions, minutes
from meetings.models import Meeting
from message import compose
from message.address import Mailbox
from message.headers import Value
from subscribers import joining, lists, membership, organisations, people
from subscribers.models import MailingList, Mode, OrganisationKind, Person, Role

EVIDENCE = "made up for the demo"


class NotEmpty(Exception):
    """The network has people of its own; the text says so."""


def fill() -> str:
    """Fill the network; returns what is there then, in a sentence. Raises NotEmpty."""
    with database.transaction() as session:
        _refuse_a_network_in_use(session)
        main, sub = _lists(session)
        for name, (kind, domain) in facts.ORGANISATIONS.items():
            organisations.add(session, name, OrganisationKind(kind), (domain,))
        for member in (facts.COORDINATOR, *facts.MEMBERS):
            _member(session, member, {"n": main, "c": sub})
        coordinator = _person(session, facts.COORDINATOR.name)
        coordinator.role = Role.COORDINATOR
        _meetings(session, main, coordinator.id)
    for list_, letters in ((main, facts.NETWORK_LETTERS), (sub, facts.SUBGROUP_LETTERS)):
        _discuss(list_, letters)
    return (
        f"The demo is there: {len(facts.MEMBERS)} members of {len(facts.ORGANISATIONS)} "
        f"organisations, {len(facts.PAST_MEETINGS)} past meetings and one to come, and "
        f"discussions on {main.name} and {sub.name}. Its coordinator is "
        f"{facts.COORDINATOR.address}."
    )


def message_id(key: str) -> str:
    """The Message-ID of a letter of the demo, by its key."""
    return f"demo-{key}@{facts.ORGANISATIONS['LGA'][1]}"


def _refuse_a_network_in_use(session: Session) -> None:
    inhabited = session.scalar(select(func.count()).select_from(Person))
    if inhabited and people.by_address(session, facts.COORDINATOR.address) is None:
        raise NotEmpty("This network has people of its own: the demo goes into an empty one only.")


def _lists(session: Session) -> tuple[MailingList, MailingList]:
    main = lists.by_name(session, facts.NETWORK) or lists.create(
        session, facts.NETWORK, "AI Network", description=facts.DESCRIPTION
    )
    sub = lists.by_name(session, facts.SUBGROUP) or lists.create(
        session, facts.SUBGROUP, "Copilot subgroup", description=facts.SUBGROUP_DESCRIPTION,
        parent_id=main.id, closed=True, default_mode=Mode.EACH,
    )  # fmt: skip
    return main, sub


def _member(session: Session, member: Member, there: dict[str, MailingList]) -> None:
    person = people.by_address(session, member.address) or people.add_person(
        session, member.name, member.address
    )
    agreement = membership.Agreement(joining.WORDING, EVIDENCE, clock.now())
    for letter in member.lists:
        subscription, new = membership.enrol(
            session, person, there[letter], agreement, Mode(member.mode)
        )
        if new:
            subscription.moderator = member.moderator


def _person(session: Session, name: str) -> Person:
    return session.scalars(select(Person).where(Person.name == name)).one()


def _meetings(session: Session, list_: MailingList, by: int) -> None:
    known = set(session.scalars(select(Meeting.title).where(Meeting.list_id == list_.id)))
    for past in facts.PAST_MEETINGS:
        if past.title in known:
            continue
        starts = dt.datetime.fromisoformat(f"{past.day}T10:00")
        meeting = changes.create(
            session, list_, past.title, starts, starts + dt.timedelta(minutes=90),
            theme=past.theme, by=by,
        )  # fmt: skip
        for who, organisation, words in past.speakers:
            contributions.add_speaker(
                session, meeting.id, who, organisation=organisation, words=words
            )
        minutes.publish_summary(session, meeting.id, past.summary)
    if facts.COMING_TITLE not in known:
        _coming_meeting(session, list_, by)


def _coming_meeting(session: Session, list_: MailingList, by: int) -> None:
    starts = dt.datetime.combine(_tuesday_ahead(), dt.time(10))
    meeting = changes.create(
        session, list_, facts.COMING_TITLE, starts, starts + dt.timedelta(minutes=90),
        theme=facts.COMING_THEME, description=facts.COMING_DESCRIPTION,
        join_link=facts.COMING_LINK, by=by,
    )  # fmt: skip
    for who, organisation, words in facts.COMING_SPEAKERS:
        contributions.add_speaker(session, meeting.id, who, organisation=organisation, words=words)


def _tuesday_ahead() -> dt.date:
    """The first Tuesday that lies two weeks ahead."""
    soon = clock.today(settings.current().zone) + dt.timedelta(days=14)
    return soon + dt.timedelta(days=(1 - soon.weekday()) % 7)


def _discuss(list_: MailingList, letters: Sequence[Letter]) -> None:
    """File a discussion through the archive's import, as if it came from another list's mbox."""
    with database.reading() as session:
        first = select(Post.id).where(Post.message_id == message_id(letters[0].key))
        if session.scalar(first) is not None:
            return
    by_key = {letter.key: letter for letter in letters}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{list_.name}.mbox"
        box = mailbox.mbox(path)
        for letter in letters:
            box.add(_written(letter, by_key, list_))
        box.close()
        transfer.import_mbox(path, list_.name)


def _written(letter: Letter, by_key: dict[str, Letter], list_: MailingList) -> bytes:
    """A letter as RFC 5322 writes it, with the quotation that a mail client makes."""
    ancestors = _ancestors(letter, by_key)
    at = clock.now() - dt.timedelta(days=letter.days_ago)
    headers: list[tuple[str, Value]] = [
        ("From", _mailbox(letter.who)),
        ("To", Mailbox(list_.title, f"{list_.name}@{settings.current().domain}")),
        ("Subject", letter.subject),
        ("Date", f"{at:%a, %d %b %Y %H:%M:%S} +0000"),
        ("Message-ID", f"<{message_id(letter.key)}>"),
    ]
    if ancestors:
        headers.append(("In-Reply-To", f"<{message_id(ancestors[-1])}>"))
        headers.append(("References", " ".join(f"<{message_id(key)}>" for key in ancestors)))
    text = letter.words
    if letter.answers:
        quoted = "\n".join(f"> {line}" for line in letter.quote.splitlines())
        before = by_key[letter.answers]
        said = clock.now() - dt.timedelta(days=before.days_ago)
        text += f"\n\nOn {said:%d %B %Y at %H:%M}, {before.who} wrote:\n{quoted}"
    first_name = letter.who.partition(" ")[0]
    text += f"\n\n-- \n{first_name}\n" if not letter.answers else "\n"
    return compose.message_bytes(compose.Draft(headers, text)).replace(b"\r\n", b"\n")


def _ancestors(letter: Letter, by_key: dict[str, Letter]) -> list[str]:
    keys: list[str] = []
    above = letter.answers
    while above:
        keys.insert(0, above)
        above = by_key[above].answers
    return keys


def _mailbox(who: str) -> Mailbox:
    member = next(member for member in facts.MEMBERS if member.name == who)
    return Mailbox(member.name, member.address)
