"""Fixtures that all tests share: settings, both databases, and a small network."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import migrations
from core import clock, database, outbox, settings
from core.settings import Settings
from mailer import ledger, trial
from subscribers import models as people
from tests.servers.postgresql import PostgreSQL, postgresql

#: A Tuesday in winter; tests that need a moment start here.
A_MOMENT = dt.datetime(2027, 2, 2, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def our_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a test network, in a folder of its own, blind to the environment."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(settings, "_current", None)
    yield settings.use(
        settings.load(
            data=tmp_path / "var",
            network_name="AI Network",
            domain="lists.example.org",
            base_url="https://network.example.org",
            host_name="Example Association",
            contact="coordinator@host.example",
            secret_key="a secret for tests only",
            smtp_security="none",
            undo_seconds=0,
            check_signatures=False,  # no test asks the DNS of the world
        )
    )
    for bell in (outbox.bell, ledger.bell):
        bell.ring_with(None)


@pytest.fixture(scope="session", autouse=True)
def no_reader_left() -> Iterator[None]:
    """The process that reads on trial ends with the tests."""
    yield
    trial.close()


@pytest.fixture(autouse=True)
def our_clock() -> Iterator[None]:
    """However far a test turns the clock, the next one has the right time."""
    with clock.turned(clock.now()):
        yield


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """One PostgreSQL for the whole run, with a migrated database `pattern` to copy.

    Its folder is not below pytest's own, which another run would close to the server's user.
    """
    with (
        tempfile.TemporaryDirectory(prefix="folkmoot-postgresql-") as folder,
        postgresql(Path(folder)) as server,
    ):
        pattern = server.create()
        database.connect(_with_driver(server.address(pattern)))
        migrations.upgrade()
        database.engine().dispose()
        object.__setattr__(server, "pattern", pattern)
        yield server


@pytest.fixture(scope="session")
def sqlite_pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "pattern.db"
    database.connect(f"sqlite:///{path}")
    migrations.upgrade()
    database.engine().dispose()
    return path


def _with_driver(address: str) -> str:
    return address.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty migrated database, once on SQLite and once on PostgreSQL; gives its kind."""
    if request.param == "sqlite":
        copy = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("sqlite_pattern"), copy)
        database.connect(f"sqlite:///{copy}")
        yield "sqlite"
        database.engine().dispose()
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    name = server.create(getattr(server, "pattern"))  # noqa: B009
    database.connect(_with_driver(server.address(name)))
    yield "postgresql"
    database.engine().dispose()
    server.drop(name)


@pytest.fixture
def moment() -> Iterator[dt.datetime]:
    """The clock turned to A_MOMENT; it runs on from there."""
    with clock.turned(A_MOMENT):
        yield A_MOMENT


class Network:
    """A small network in the database: the host, three councils, a partner, two lists."""

    def __init__(self) -> None:
        with database.transaction() as session:
            kinds = people.OrganisationKind
            for name, kind, domain in (
                ("Example Association", kinds.HOST, "host.example"),
                ("Ashford Council", kinds.COUNCIL, "ashford.example"),
                ("Bexhill Council", kinds.COUNCIL, "bexhill.example"),
                ("Calder Council", kinds.COUNCIL, "calder.example"),
                ("Socitm", kinds.PARTNER, "partner.example"),
            ):
                organisation = people.Organisation(name=name, kind=kind)
                session.add(organisation)
                session.flush()
                session.add(
                    people.OrganisationDomain(domain=domain, organisation_id=organisation.id)
                )
            main = people.MailingList(
                name="ai-network", title="AI Network", created_at=clock.now(),
                description="Officers who explore AI in local government.",
            )  # fmt: skip
            session.add(main)
            session.flush()
            sub = people.MailingList(
                name="copilot", title="Copilot subgroup", created_at=clock.now(),
                parent_id=main.id, closed=True, default_mode=people.Mode.EACH,
            )  # fmt: skip
            session.add(sub)
            session.flush()
            self.main, self.sub = main.id, sub.id
        self.coordinator = self.person(
            "Carol Coordinator", "carol@host.example", role=people.Role.COORDINATOR
        )

    def person(
        self, name: str, address: str, *lists: int, role: str = people.Role.MEMBER,
        mode: str = people.Mode.EACH, moderator: bool = False,
    ) -> int:  # fmt: skip
        """Add a person with a verified address, subscribed to lists; returns the id."""
        with database.transaction() as session:
            domain = session.get(people.OrganisationDomain, address.rpartition("@")[2])
            person = people.Person(
                name=name, role=role, created_at=clock.now(),
                organisation_id=domain.organisation_id if domain else None,
            )  # fmt: skip
            session.add(person)
            session.flush()
            session.add(
                people.Address(
                    person_id=person.id,
                    mailbox=address,
                    key=address.lower(),
                    verified_at=clock.now(),
                    reach=people.Reach.OK,
                )
            )
            for list_id in lists:
                session.add(
                    people.Subscription(
                        person_id=person.id,
                        list_id=list_id,
                        state=people.Standing.ACTIVE,
                        moderator=moderator,
                        mode=mode,
                        joined_at=clock.now(),
                    )
                )
            return person.id


@pytest.fixture
def network(db: str) -> Network:
    """A small network, on either database."""
    return Network()


Sink = Callable[[], list[bytes]]
