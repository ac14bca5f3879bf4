"""What a command stands on: the settings, those for trying out, and the database."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

import migrations
from core import database
from core import settings as all_settings
from core.settings import Settings, kept_secret
from folkmoot.terminal import Trouble

#: With the post office, mail goes to it and nowhere else, whatever server is set.
ON_LOOPBACK: dict[str, object] = {
    "post_office": True, "smtp_host": "127.0.0.1", "smtp_security": "none", "smtp_username": "",
    "imap_host": "127.0.0.1", "imap_security": "none", "imap_folder": "INBOX",
}  # fmt: skip


def try_out_values(found: Settings) -> dict[str, object]:
    """What the post office takes where nothing is set; its password is made once and kept."""
    password = kept_secret(found.data / "imap.password", lambda: secrets.token_hex(16).encode())
    return {
        "smtp_port": 8026, "imap_port": 8143,
        "imap_username": "folkmoot", "imap_password": SecretStr(password.decode()),
        "imap_poll_seconds": 5.0, "undo_seconds": 10.0,
    }  # fmt: skip


DEMO_VALUES: dict[str, object] = {
    "network_name": "Local Government AI Network (demo)",
    "host_name": "LGA",
    "contact": "coordinator@lga.example",
}


def network(demo: bool = False) -> Settings:
    """The settings of this process; what is not set is filled in for the demo and post office."""
    found = all_settings.current()
    values: dict[str, object] = {}
    if demo or found.post_office:
        values |= try_out_values(found)
    if demo:
        values |= DEMO_VALUES
    chosen = {name: v for name, v in values.items() if name not in found.model_fields_set}
    if demo or found.post_office:
        chosen |= ON_LOOPBACK
    return all_settings.use(found.model_copy(update=chosen)) if chosen else found


def connect(settings: Settings, *, upgrade: bool = False) -> None:
    """Connect to the database of the settings.

    The database in the data folder is made and brought up to date by itself; one on a server only
    with `upgrade`, because other processes of another version may be using it.
    """
    database.connect(settings.database_address())
    if migrations.is_current():
        return
    if settings.database_url and not upgrade:
        raise Trouble("The database is not up to date: run `folkmoot migrate` first.")
    migrations.upgrade()


@contextmanager
def opened(*, upgrade: bool = False) -> Iterator[Settings]:
    """Settings and database for one command, closed behind it."""
    chosen = network()
    connect(chosen, upgrade=upgrade)
    try:
        yield chosen
    finally:
        database.engine().dispose()
