"""Keys for DKIM: what is printed can be published, and one key follows another safely."""

import re
from pathlib import Path

import dkim as verifier
import pytest

from core import settings
from folkmoot import dkim_keys
from message import dkim
from tests.folkmoot.conftest import Run

MESSAGE = b"From: a@lists.example.org\r\nSubject: x\r\n\r\nHello\r\n"


def published(output: str) -> dict[str, bytes]:
    """What a name server would answer from the printed zone file text: names and texts."""
    found = {}
    for line in output.splitlines():
        if record := re.fullmatch(r"(\S+)\. IN TXT (.*)", line):
            strings = re.findall(r'"([^"]*)"', record[2])
            assert strings
            assert all(len(one) <= 255 for one in strings)
            found[record[1]] = "".join(strings).encode()
    return found


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_what_is_printed_verifies(alone: Run, algorithm: str) -> None:
    """A new key signs, and the record as printed is what a verifier needs."""
    result = alone("doctor", "dkim", "--selector", "2027a", "--new-key", algorithm)
    assert result.exit_code == 0, result.output
    setting = settings.current()
    path = dkim_keys.find(setting, "2027a")
    assert path.stat().st_mode & 0o777 == 0o600
    records = published(result.stdout)
    assert list(records) == [f"2027a._domainkey.{setting.domain}"]
    signed = dkim.Signer(setting.domain, "2027a", path.read_bytes()).sign(MESSAGE)
    assert verifier.verify(
        signed,
        dnsfunc=lambda name, timeout=5: records[name.decode().rstrip(".")],
    )
    # The same text stands there for forms that want it in one piece.
    assert records[f"2027a._domainkey.{setting.domain}"].decode() in result.stdout
    assert f"FOLKMOOT_DKIM_SECOND_KEY_FILE={path.absolute()}" in result.stdout
    again = alone("doctor", "dkim", "--selector", "2027a")
    assert published(again.stdout) == records


def test_a_selector_never_gets_another_key(alone: Run) -> None:
    """A new key under the name of an old one would break all mail on its way."""
    assert alone("doctor", "dkim", "--selector", "2027a", "--new-key", "rsa").exit_code == 0
    before = dkim_keys.find(settings.current(), "2027a").read_bytes()
    for selector in ("2027a", settings.current().dkim_selector):
        result = alone("doctor", "dkim", "--selector", selector, "--new-key", "rsa")
        assert result.exit_code == 1
        assert "Choose another with --selector" in result.output
    assert dkim_keys.find(settings.current(), "2027a").read_bytes() == before


@pytest.mark.parametrize("selector", ["../x", "a.b", "", "Ö", "x" * 64, "-a"])
def test_a_selector_is_a_label(alone: Run, selector: str) -> None:
    """What is no label of DNS is refused, and no file is made outside the data folder."""
    result = alone("doctor", "dkim", "--selector", selector, "--new-key", "rsa")
    assert result.exit_code == 1
    assert "a-z" in result.output
    assert list(settings.current().data.glob("dkim-*")) == []


def test_a_new_key_needs_a_name(alone: Run) -> None:
    """Without --selector it is said how; an unknown selector says how to make it."""
    nameless = alone("doctor", "dkim", "--new-key", "rsa")
    assert nameless.exit_code == 1
    assert "--selector 2027a" in nameless.output
    unknown = alone("doctor", "dkim", "--selector", "2027a")
    assert unknown.exit_code == 1
    assert "--new-key rsa" in unknown.output


def test_both_keys_are_printed_while_both_sign(alone: Run, tmp_path: Path) -> None:
    """With a second key set, both records are printed, and `doctor` looks at both."""
    second = tmp_path / "second.pem"
    second.write_bytes(dkim.new_ed25519_key())
    second.chmod(0o600)
    given = {"dkim_second_selector": "ed", "dkim_second_key_file": second}
    settings.use(settings.current().model_copy(update=given))
    setting = settings.current()
    records = published(alone("doctor", "dkim").stdout)
    assert set(records) == {f"{name}._domainkey.{setting.domain}" for name in ("folkmoot", "ed")}
    assert "(selector ed) is there" in alone("doctor").stdout
    second.chmod(0o644)
    assert f"{second} can be read by others" in alone("doctor").stdout
    second.chmod(0o600)
    second.write_bytes(b"nothing")
    assert f"{second} is no private key" in alone("doctor").stdout
    assert "holds no private key" in alone("doctor", "dkim").output
    second.unlink()
    assert f"there is no DKIM key {second}" in alone("doctor").stdout


def test_half_a_second_key_is_told(alone: Run) -> None:
    """A selector without a file signs nothing, which nobody would notice."""
    settings.use(settings.current().model_copy(update={"dkim_second_selector": "ed"}))
    assert "go together" in alone("doctor").stdout


def test_the_steps_from_key_to_key(alone: Run) -> None:
    """Publish, sign with both, sign with the new one, wait, revoke: in this order."""
    said = alone("doctor", "dkim", "--selector", "2027a", "--new-key", "rsa").stdout
    steps = [said.index(words) for words in (
        "1. Publish", "FOLKMOOT_DKIM_SECOND_SELECTOR=2027a", "FOLKMOOT_DKIM_SELECTOR=2027a",
        "for a week", "revoked",
    )]  # fmt: skip
    assert steps == sorted(steps)
