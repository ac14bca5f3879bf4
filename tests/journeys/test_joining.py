"""Joining and leaving: by mail alone, by the form, and by one click."""

import re

from sqlalchemy import select

from core import database
from subscribers.models import Consent, Subscription
from tests.journeys.conftest import House, link_in, list_address, mailbox, until
from tests.journeys.letters import answer, letter

ANNA = mailbox("Anna Archer", "anna.archer@ashford.example")
OLLY = mailbox("Olly Outsider", "olly@unknown.example")


def members(address: str) -> list[str]:
    """The states of a person's subscriptions."""
    from subscribers import people

    with database.reading() as session:
        person = people.by_address(session, address)
        if person is None:
            return []
        found = select(Subscription).where(Subscription.person_id == person.id)
        return [subscription.state for subscription in session.scalars(found)]


def test_join_by_mail(house: House) -> None:
    """Given an officer of a known council, when she writes to +join and answers the question
    with a plain reply, then she is a member, is welcomed, and her consent is on record."""
    house.write(letter(ANNA, list_address(suffix="join"), "join", "Please."))
    (question,) = house.letters(ANNA.address, "(?i)confirm")
    assert members(ANNA.address) == []
    house.write(answer(question, ANNA, "Yes"))
    house.letters(ANNA.address, "(?i)welcome")
    assert members(ANNA.address) == ["active"]
    with database.reading() as session:
        consent = session.scalars(select(Consent)).one()
    assert consent.wording
    assert consent.evidence


def test_join_by_form(house: House) -> None:
    """Given somebody whose domain nobody knows, when he signs up by the form and presses the
    button of the mailed link, then a coordinator is asked and lets him in at the desk."""
    answer_page = house.page(
        "/join/ai-network",
        {"name": OLLY.name, "email": OLLY.address, "organisation": "Unknown", "agree": "yes"},
    )
    assert answer_page.status in (200, 303), answer_page.text
    (question,) = house.letters(OLLY.address, "(?i)confirm")
    link = link_in(question, "/confirm/")
    for _ in range(2):  # a link scanner opens it, twice
        assert house.page(link).status == 200
    assert members(OLLY.address) == []
    assert house.page(link, {}).status in (200, 303)
    (waiting,) = house.letters("carol@host.example", "(?i)sign-up|wait|join")
    assert "/desk" in waiting.text
    house.sign_in("carol@host.example")
    desk = house.page("/desk/sign-ups")
    assert OLLY.address in desk.text
    form = re.search(r'action="([^"]*sign-ups/\d+[^"]*(?:approve|admit)[^"]*)"', desk.text)
    assert form is not None, desk.text
    assert house.page(form.group(1), {"decision": "admit"}).status in (200, 303)
    house.letters(OLLY.address, "(?i)welcome")
    assert members(OLLY.address) == ["active"]


def test_leave_by_one_click(house: House) -> None:
    """Given a member with a newsletter, when her mail client sends the one-click POST of
    RFC 8058, then she has left that list, twice is as once, and a goodbye tells her."""
    from tests.journeys.test_newsletter import send_newsletter

    house.network.person(ANNA.name, ANNA.address, house.network.main, house.network.sub)
    send_newsletter(house)
    (copy,) = house.letters(ANNA.address, "March news")
    address = (copy.get("List-Unsubscribe") or "").strip()
    assert copy.get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    link = re.search(r"<(https?://[^>]+)>", address)
    assert link is not None, address
    for _ in range(2):
        page = house.page(link.group(1), {"List-Unsubscribe": "One-Click"})
        assert page.status == 200
    until(lambda: sorted(members(ANNA.address)) == ["active", "left"], "she has left one list")
    house.letters(ANNA.address, "(?i)left|goodbye|no longer")


def test_leave_by_mail(house: House) -> None:
    """Given a member, when he writes to +leave, then he has left."""
    house.network.person(OLLY.name, OLLY.address, house.network.main)
    house.write(letter(OLLY, list_address(suffix="leave"), "", ""))
    until(lambda: members(OLLY.address) == ["left"], "he has left")
    house.letters(OLLY.address, "(?i)left|goodbye|no longer")


def test_leave_by_page(house: House) -> None:
    """Given a member, when a scanner opens the leave link nothing happens; the button leaves."""
    from tests.journeys.test_newsletter import send_newsletter

    house.network.person(ANNA.name, ANNA.address, house.network.main)
    send_newsletter(house)
    (copy,) = house.letters(ANNA.address, "March news")
    link = link_in(copy, "/leave/")
    assert house.page(link).status == 200
    assert house.page(link, method="HEAD").status == 200
    assert members(ANNA.address) == ["active"]
    assert house.page(link, {}).status in (200, 303)
    assert members(ANNA.address) == ["left"]
