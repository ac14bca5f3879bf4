"""A database of before: its copies keep their words, and its mailings still add up."""

import datetime as dt
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

import migrations
from core import database
from mailer import copies, ledger
from mailer.models import Delivery, Mailing
from tests.servers.postgresql import PostgreSQL

NOW = dt.datetime(2027, 2, 2, 9, 30)
SLOTS = '{"name": "Jo Before", "to": "Jo Before <jo@a.example>"}'


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A database as revision 0003 left it, with a mailing of two copies."""
    if request.param == "sqlite":
        database.connect(f"sqlite:///{tmp_path / 'before.db'}")
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        address = server.address(server.create())
        database.connect(address.replace("postgresql://", "postgresql+psycopg://", 1))
    command.upgrade(migrations.config(), "0003")
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO mailing (id, kind, state, bulk, priority, subject, source, message_id,"
                " created_at, planned_at) VALUES (1, 'newsletter', 'sending', true, 5, 'News', '',"
                " 'news@a.example', :now, :now), (2, 'newsletter', 'draft', true, 5, 'Next', '',"
                " 'next@a.example', :now, NULL)"
            ),
            {"now": NOW},
        )
        for address, state in (("jo@a.example", "planned"), ("al@a.example", "accepted")):
            session.execute(
                text(
                    "INSERT INTO delivery (mailing_id, address, state, slots, attempts, next_try)"
                    " VALUES (1, :address, :state, :slots, 0, :now)"
                ),
                {"address": address, "state": state, "slots": SLOTS, "now": NOW},
            )


@pytest.mark.usefixtures("before")
def test_copies_and_sums_survive_the_upgrade() -> None:
    """The same bytes for a retry, and the planned number is known of what was planned."""
    migrations.upgrade()
    with database.reading() as session:
        mailing, draft = session.get_one(Mailing, 1), session.get_one(Mailing, 2)
        assert (mailing.copies, draft.copies) == (2, None)
        assert ledger.totals(session, 1) == ledger.Totals(planned=2, accepted=1, pending=1)
        row = session.query(Delivery).filter_by(address="jo@a.example").one()
        values = copies.values_of(mailing, row, None, frozenset({"name", "to"}))
    assert values == {"name": "Jo Before", "to": "Jo Before <jo@a.example>"}
    database.engine().dispose()
