"""One signing key for all tests of real copies, since making one takes longer than most of them."""

from pathlib import Path

import pytest

from core import settings
from core.settings import Settings
from message import dkim


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file as an operator sets it."""
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    path.write_bytes(dkim.new_key())
    return path


@pytest.fixture(autouse=True)
def signed_with(our_settings: Settings, signing_key: Path) -> None:
    """The settings of the test network, with that key."""
    settings.use(our_settings.model_copy(update={"dkim_key_file": signing_key}))
