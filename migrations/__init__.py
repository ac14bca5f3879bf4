"""Alembic migrations of the one database schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core import database


def config() -> Config:
    """Alembic's configuration: the scripts are this folder."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings


def upgrade() -> None:
    """Bring the connected database to the newest schema; does nothing when it is there."""
    command.upgrade(config(), "head")


def is_current() -> bool:
    """Whether the connected database has the newest schema."""
    with database.engine().connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(config()).get_current_head()
