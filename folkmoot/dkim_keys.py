"""DKIM keys for the operator: what to publish in DNS, new keys, and how one follows another."""

import re
import textwrap
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.settings import Settings, kept_secret
from folkmoot import opening, terminal
from message import dkim

Algorithm = Literal["rsa", "ed25519"]
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAKERS = {"rsa": dkim.new_key, "ed25519": dkim.new_ed25519_key}
_OCTETS = 255  # RFC 1035 §3.3.14: of one string of a TXT record


class KeyTrouble(ValueError):
    """A key or a selector that cannot be used, in a sentence for the operator."""


def first_key_file(settings: Settings) -> Path:
    """Where the signing key is, or will be made on first need."""
    return settings.dkim_key_file or settings.data / "dkim.pem"


def make_first(settings: Settings) -> bytes:
    """The signing key; made if nothing was set and there is none yet."""
    return kept_secret(first_key_file(settings), dkim.new_key)


def key_files(settings: Settings) -> dict[str, Path]:
    """The keys that sign, by selector: the first, and the second if one is set."""
    files = {settings.dkim_selector: first_key_file(settings)}
    if settings.dkim_second_selector and settings.dkim_second_key_file:
        files[settings.dkim_second_selector] = settings.dkim_second_key_file
    return files


def make(settings: Settings, selector: str, algorithm: Algorithm) -> Path:
    """Make a key for a selector of its own; gives the file it lies in.

    Raises KeyTrouble where the selector is no label of DNS, or is taken: a selector in use never
    gets another key, since mail on its way is verified with the old one.
    """
    path = _path(settings, selector)
    if path.exists() or selector in key_files(settings):
        raise KeyTrouble(f"The selector {selector} has a key. Choose another with --selector.")
    kept_secret(path, _MAKERS[algorithm])
    return path


def find(settings: Settings, selector: str) -> Path:
    """The key file of a selector, in use or made for later; raises KeyTrouble if there is none."""
    path = key_files(settings).get(selector) or _path(settings, selector)
    if not path.exists():
        raise KeyTrouble(
            f"There is no key for the selector {selector}. To make one: "
            f"folkmoot doctor dkim --selector {selector} --new-key rsa"
        )
    return path


def _path(settings: Settings, selector: str) -> Path:
    if not _LABEL.fullmatch(selector):
        raise KeyTrouble("A selector is made of a-z, 0-9 and hyphens, like 2027a.")
    return settings.data / f"dkim-{selector}.pem"


def name_in_dns(settings: Settings, selector: str) -> str:
    """The name under which a key is published (RFC 6376 §3.6.2.1)."""
    return f"{selector}._domainkey.{settings.domain}"


def zone_line(settings: Settings, selector: str, private_key_pem: bytes) -> str:
    """The record as one line of a zone file, in strings of at most 255 octets."""
    return f"{name_in_dns(settings, selector)}. IN TXT {' '.join(_strings(private_key_pem))}"


def _strings(private_key_pem: bytes) -> list[str]:
    text = dkim.dns_record(private_key_pem)
    return [f'"{text[at : at + _OCTETS]}"' for at in range(0, len(text), _OCTETS)]


def as_zone(settings: Settings, selector: str, path: Path) -> str:
    """What to publish for a key: as zone file text, for forms on the web, and how to look."""
    try:
        pem = path.read_bytes()
        line = zone_line(settings, selector, pem)
    except OSError as trouble:
        raise KeyTrouble(f"{path} cannot be read: {trouble.strerror}.") from None
    except ValueError:
        raise KeyTrouble(f"{path} holds no private key in PEM form.") from None
    return "\n".join(
        [
            line,
            f"; its private key: {path}",
            "; where a form asks for one text, without quotes:",
            f";   name  {name_in_dns(settings, selector)}",
            f";   text  {dkim.dns_record(pem)}",
            "; to see what DNS has now:",
            f";   dig +short TXT {name_in_dns(settings, selector)}",
        ]
    )


def how_to_change(settings: Settings, selector: str, path: Path) -> str:
    """The steps from the key in use to a new one, without one copy that cannot be verified."""
    old, file = settings.dkim_selector, path.absolute()
    steps = [
        "Publish the record above, and wait until dig shows it.",
        "Let both keys sign: set these two, and restart.\n"
        f"  FOLKMOOT_DKIM_SECOND_SELECTOR={selector}\n  FOLKMOOT_DKIM_SECOND_KEY_FILE={file}",
        f"When copies arrive with dkim=pass for s={selector}, let the new key sign alone: remove "
        f"those two, set these, and restart.\n"
        f"  FOLKMOOT_DKIM_SELECTOR={selector}\n  FOLKMOOT_DKIM_KEY_FILE={file}",
        f"Leave the record of {old} in DNS for a week: mail on its way needs it. Then publish "
        f'{name_in_dns(settings, old)} with "v=DKIM1; p=", which says that the key is revoked.',
    ]
    return "\n".join(
        textwrap.fill(line, 78, initial_indent=f"{number}. " if not at else "   ",
                      subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
        for number, step in enumerate(steps, 1)
        for at, line in enumerate(step.split("\n"))
    )  # fmt: skip


def how_to_add(selector: str, path: Path) -> str:
    """How an Ed25519 key signs beside the RSA key, which many servers still need (RFC 8463)."""
    return (
        "Keep the RSA key: many servers cannot read Ed25519. When dig shows the record, set\n"
        f"  FOLKMOOT_DKIM_SECOND_SELECTOR={selector}\n"
        f"  FOLKMOOT_DKIM_SECOND_KEY_FILE={path.absolute()}\n"
        "and restart: copies then carry both signatures."
    )


def command(
    selector: Annotated[
        str | None, typer.Option(help="The key of this selector only; of a new key, its name.")
    ] = None,
    new_key: Annotated[
        Algorithm | None, typer.Option("--new-key", help="Make a key: rsa, or ed25519 to add one.")
    ] = None,
) -> None:
    """Print the DNS record that lets others verify our DKIM signatures.

    With --new-key, make a key that follows the one in use, or stands beside it, and say how.
    Example: folkmoot doctor dkim --selector 2027a --new-key rsa
    """
    settings = opening.network()
    try:
        if new_key is not None:
            _say_new(settings, selector, new_key)
            return
        make_first(settings)
        wanted = {selector: find(settings, selector)} if selector else key_files(settings)
        for name, path in wanted.items():
            terminal.say(as_zone(settings, name, path))
    except KeyTrouble as trouble:
        terminal.complain(str(trouble))
        raise typer.Exit(1) from None


def _say_new(settings: Settings, selector: str | None, algorithm: Algorithm) -> None:
    if selector is None:
        raise KeyTrouble("Name the new key with --selector, for example --selector 2027a.")
    path = make(settings, selector, algorithm)
    terminal.say(as_zone(settings, selector, path))
    terminal.say()
    if algorithm == "ed25519":
        terminal.say(how_to_add(selector, path))
    else:
        terminal.say(how_to_change(settings, selector, path))
