"""Addresses entered before their domain was a column of its own get it when the schema grows."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text

import migrations
from core import database
from subscribers.models import Address, Incident, Refusal
from tests.servers.postgresql import PostgreSQL

KEYS = {
    "anna@ashford.example": "ashford.example",
    '"an@na"@xn--bcher-kva.example': "xn--bcher-kva.example",
    "a.b+c@sub.ashford.example": "sub.ashford.example",
    "ashford.example@ashford.example": "ashford.example",
}


def _fill() -> None:
    command.upgrade(migrations.config(), "0002")
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO person (id, name, role, created_at)"
                " VALUES (1, 'x', 'member', '2027-01-01')"
            )
        )
        for number, key in enumerate(KEYS, 1):
            session.execute(
                text(
                    "INSERT INTO address (id, person_id, mailbox, key, reach)"
                    " VALUES (:number, 1, :key, :key, 'ok')"
                ),
                {"number": number, "key": key},
            )
        session.execute(
            text(
                "INSERT INTO refusal (address_id, reason, permanent, at)"
                " VALUES (1, 'full', :no, '2027-01-01')"
            ),
            {"no": False},
        )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_schema_grows_over_old_rows(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Each address has its domain, an old refusal no words and no incident."""
    address = f"sqlite:///{tmp_path / 'old.db'}"
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql_server")
        address = server.address(server.create()).replace("postgresql:", "postgresql+psycopg:", 1)
    database.connect(address)
    _fill()
    migrations.upgrade()
    assert migrations.is_current()
    with database.reading() as session:
        found = {row.key: row.domain for row in session.scalars(select(Address))}
        refusal = session.scalars(select(Refusal)).one()
        assert (refusal.words, refusal.delivery, refusal.incident_id) == ("", None, None)
        assert session.scalars(select(Incident)).all() == []
    assert found == KEYS
    database.engine().dispose()
