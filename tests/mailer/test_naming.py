"""What of a name stands in a copy: tidy, bounded, and the same on every retry."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core import database
from mailer import copies, naming
from mailer.models import Delivery, Mailing
from message.address import parse_mailboxes
from subscribers.people import tidy_name
from tests.mailer.conftest import Planned, rows


@given(st.text(max_size=300))
def test_the_short_way_is_the_long_one(name: str) -> None:
    """A printable name is tidied as any other is."""
    assert naming.known_as(name) == tidy_name(name)[: naming.LONGEST_NAME].rstrip()


@given(st.text(max_size=300))
def test_no_name_breaks_a_line(name: str) -> None:
    """Whatever a name holds, the greeting and the To field stay one line; nobody is nameless."""
    shown = naming.greeting(name)
    assert shown
    assert len(shown) <= naming.LONGEST_NAME
    assert not any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in shown)
    field = naming.to_field(name, "jo@ashford.example")
    assert field.isascii()
    assert [box.address for box in parse_mailboxes(field)] == ["jo@ashford.example"]


@given(st.text(max_size=60))
def test_no_name_breaks_a_calendar(name: str) -> None:
    """What means something in a parameter is left out; without a name it is the address."""
    shown = naming.calendar_name(name, "jo@ashford.example")
    assert shown
    assert not set('",;:\\\r\n') & set(shown)


def test_words() -> None:
    """Some of them, written out."""
    assert naming.greeting("") == "colleague"
    assert naming.greeting("  Jo\tField ") == "Jo Field"
    assert naming.to_field("Field, Jo", "jo@a.example") == '"Field, Jo" <jo@a.example>'
    assert naming.to_field("", "jo@a.example") == "jo@a.example"
    assert naming.calendar_name('Jo "JF"; Field', "jo@a.example") == "Jo JF Field"
    assert naming.calendar_name(";", "jo@a.example") == "jo@a.example"


def test_a_copy_planned_before_keeps_its_words(planned: Planned) -> None:
    """Texts that stand in the row go first, so that a retry after an upgrade is the same bytes."""
    mailing = planned(1)
    (row,) = rows(mailing)
    assert (row.name, row.slots) == (f"Officer {row.address[7:].partition('@')[0]}", None)
    wanted = frozenset({"name", "to"})
    with database.reading() as session:
        found = session.get_one(Mailing, mailing)
        now = copies.values_of(found, row, "ai-network", wanted)
        assert now == {"name": row.name, "to": f"{row.name} <{row.address}>"}
        old = Delivery(id=row.id, person_id=row.person_id, address=row.address, name=None,
                       slots='{"name": "Jo Before", "to": "Jo Before <jo@a.example>"}')  # fmt: skip
        assert copies.values_of(found, old, "ai-network", wanted) == {
            "name": "Jo Before", "to": "Jo Before <jo@a.example>",
        }  # fmt: skip
