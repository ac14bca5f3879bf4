"""Opens a connection to the mail server of a route: TLS with a checked certificate, and login."""

import asyncio
import base64
import contextlib
import logging
import ssl

import aiosmtplib
from aiosmtplib.response import SMTPResponse

from core import settings
from mailer import settling
from mailer.dialogue import Dialogue
from mailer.login import LoginTrouble, Tokens, xoauth2
from mailer.routes import Route
from mailer.transaction import ANSWER_SECONDS

log = logging.getLogger(__name__)

_SIGNED_IN, _CHALLENGE, _REFUSED = 235, 334, 535


class RouteTrouble(Exception):
    """The server of a route takes no mail at all now; `reason` is one of mailer.settling.HOLD."""

    def __init__(self, reason: str, code: str | None, words: str) -> None:
        super().__init__(reason)
        self.reason, self.code, self.words = reason, code, words


async def connect(route: Route) -> Dialogue:
    """Open a connection, secured and signed in as the route says; raises RouteTrouble.

    RFC 8314 §3: with `starttls` or `tls` there is no connection without a checked certificate.
    """
    by_password = route.username and route.tokens is None
    client = aiosmtplib.SMTP(
        hostname=route.host, port=route.port, local_hostname=settings.current().domain,
        username=route.username if by_password else None,
        password=route.password if by_password else None,
        use_tls=route.security == "tls", start_tls=route.security == "starttls",
        tls_context=None if route.security == "none" else _tls(), timeout=ANSWER_SECONDS,
    )  # fmt: skip
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:  # neither TLS nor login made it introduce itself
            await client.ehlo()
        if route.tokens is not None:
            await _log_in_with_token(client, route.tokens, route.username)
    except (aiosmtplib.SMTPAuthenticationError, LoginTrouble) as trouble:
        client.close()
        code = getattr(trouble, "code", None)
        log.error("smtp_login_refused", extra={"code": code, "route": route.name})
        words = getattr(trouble, "message", "") or str(trouble)
        raise RouteTrouble(settling.LOGIN_REFUSED, str(code) if code else None, words) from None
    except (aiosmtplib.SMTPException, OSError) as trouble:
        client.close()
        log.warning("smtp_relay_away", extra={"why": type(trouble).__name__, "route": route.name})
        code = getattr(trouble, "code", None)
        words = f"{type(trouble).__name__}: {trouble}"
        raise RouteTrouble(settling.RELAY_AWAY, str(code) if code else None, words) from None
    with contextlib.suppress(aiosmtplib.SMTPException):
        return Dialogue.take_over(client)
    raise RouteTrouble(settling.RELAY_AWAY, None, "the connection ended at once")


async def _log_in_with_token(client: aiosmtplib.SMTP, tokens: Tokens, username: str) -> None:
    """SASL XOAUTH2 in one command; a refused token is fetched anew, once."""
    reply = await _authenticate(client, username, await asyncio.to_thread(tokens.current))
    if reply.code == _REFUSED:
        fresh = await asyncio.to_thread(tokens.renewed)
        reply = await _authenticate(client, username, fresh)
    if reply.code != _SIGNED_IN:
        raise aiosmtplib.SMTPAuthenticationError(reply.code, reply.message)


async def _authenticate(client: aiosmtplib.SMTP, username: str, token: str) -> SMTPResponse:
    response = base64.b64encode(xoauth2(username, token))
    reply = await client.execute_command(b"AUTH", b"XOAUTH2", response)
    if reply.code == _CHALLENGE:
        # The server tells its reasons in a challenge, and refuses after an empty answer to it.
        reply = await client.execute_command(b"")
    return reply


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
