"""The DMARC record to publish for the mail domain, from a first look to rejecting forgeries."""

from typing import Annotated, Literal
from urllib.parse import quote

import typer

from core.settings import Settings
from folkmoot import opening, terminal

Policy = Literal["none", "quarantine", "reject"]


def record(policy: Policy, reports: str = "", *, trial: bool = False) -> str:
    """The TXT record (RFC 9989 §4.7), without tags that it has given up: pct, rf, ri."""
    tags = ["v=DMARC1", f"p={policy}"]
    if reports:
        tags.append(f"rua=mailto:{quote(reports, safe='@+')}")
    if trial:
        tags.append("t=y")
    return "; ".join(tags)


def zone_line(settings: Settings, policy: Policy, *, trial: bool = False) -> str:
    """The record as one line of a zone file; reports go to the contact of the network."""
    return f'_dmarc.{settings.domain}. IN TXT "{record(policy, settings.contact, trial=trial)}"'


def command(
    policy: Annotated[
        Policy, typer.Option(help="What receivers do with mail that only claims to be ours.")
    ] = "none",
    trial: Annotated[
        bool, typer.Option(help="Try the policy: receivers report, and act one step milder.")
    ] = False,
) -> None:
    """Print the DMARC record to publish, and the steps to the next one.

    Example: folkmoot doctor dmarc --policy quarantine --trial
    """
    settings = opening.network()
    terminal.say(zone_line(settings, policy, trial=trial))
    terminal.say(_SAID)
    host = settings.contact.rpartition("@")[2]
    if host and not _below(settings.domain, host):
        terminal.say(
            f"; Reports go to another domain, which has to allow it (RFC 9990):\n"
            f';   {settings.domain}._report._dmarc.{host}. IN TXT "v=DMARC1"'
        )


def _below(domain: str, host: str) -> bool:
    return f".{domain}".endswith(f".{host}") or f".{host}".endswith(f".{domain}")


_SAID = """\
; Steps, a few weeks each, as long as the reports show no mail of yours that fails:
;   --policy none                  receivers report, nothing else changes
;   --policy quarantine --trial    they report what would have gone to spam
;   --policy quarantine            forgeries go to spam
;   --policy reject                forgeries are refused"""
