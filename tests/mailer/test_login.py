"""OAuth tokens from a token service over HTTP, and signing in with them at an SMTP server."""

import datetime as dt
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pydantic import SecretStr

from core import clock, settings
from mailer import copies, login
from mailer.login import LoginTrouble, Tokens
from mailer.models import State
from mailer.settling import LOGIN_REFUSED, Outcome
from mailer.smtp import Connections
from tests.servers.process import free_port


@dataclass
class Service:
    """A token service: hands out tok-1, tok-2, ...; or answers as `status` and `answer` say."""

    url: str = ""
    status: int = 200
    answer: dict[str, object] | None = None
    life: int = 3600
    asked: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def running_service() -> Iterator[Service]:
    """Run one on loopback."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            service.asked.append(dict(urllib.parse.parse_qsl(body)))
            token = {"access_token": f"tok-{len(service.asked)}", "expires_in": service.life}
            raw = json.dumps(service.answer or token).encode()
            self.send_response(service.status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/token"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    """A token service."""
    with running_service() as found:
        yield found


def tokens(service: Service, refresh: str = "") -> Tokens:
    """The tokens of an account there."""
    return Tokens(
        service.url, "us", "our-secret", refresh, "https://outlook.office365.com/.default"
    )


def test_o34_a_token_is_kept_until_shortly_before_it_ends(service: Service) -> None:
    """Asked for once an hour, not once a connection; renewed five minutes early."""
    ours = tokens(service)
    assert [ours.current(), ours.current()] == ["tok-1", "tok-1"]
    with clock.turned(clock.now() + dt.timedelta(minutes=54)):
        assert ours.current() == "tok-1"
    with clock.turned(clock.now() + dt.timedelta(minutes=56)):
        assert ours.current() == "tok-2"
    assert ours.renewed() == "tok-3"
    assert service.asked[0]["grant_type"] == "client_credentials"
    assert service.asked[0]["scope"] == "https://outlook.office365.com/.default"


def test_o34_a_refresh_token_is_used_where_there_is_one(service: Service) -> None:
    """RFC 6749 §6."""
    tokens(service, "fresh").current()
    assert service.asked[0]["grant_type"] == "refresh_token"
    assert service.asked[0]["refresh_token"] == "fresh"


@pytest.mark.parametrize(
    ("status", "answer", "wanted"),
    [
        (401, {"error": "invalid_client", "error_description": "for anna@x.example"}, "401"),
        (500, {}, "500"),
        (200, {"token": "x"}, "no access token"),
        (200, {"access_token": ""}, "no access token"),
    ],
)
def test_o34_what_goes_wrong_is_told_without_secrets(
    service: Service, status: int, answer: dict[str, object], wanted: str
) -> None:
    """An error that says what to look at."""
    service.status, service.answer = status, answer or {"error": "x"}
    with pytest.raises(LoginTrouble, match=wanted) as trouble:
        tokens(service).current()
    assert "our-secret" not in str(trouble.value)
    assert "anna" not in str(trouble.value)


def test_o34_a_service_that_is_away() -> None:
    """Says so."""
    with pytest.raises(LoginTrouble, match="oauth_token_url"):
        Tokens(f"http://127.0.0.1:{free_port()}/", "a", "b", "", "c").current()


# --- at the mail server -------------------------------------------------------------------------

#: The library warns of what no test on loopback needs.
on_loopback = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@dataclass
class MailServer:
    """Takes mail from who signs in by XOAUTH2 with a token of the list."""

    accepted: set[str]
    said: list[str] = field(default_factory=list)
    taken: int = 0

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """Check the token; tell the reasons in a challenge first, as providers do."""
        import base64

        words = base64.b64decode(args[1]).decode()
        self.said.append(words)
        if any(words.endswith(f"auth=Bearer {token}\x01\x01") for token in self.accepted):
            return AuthResult(success=True, handled=False)
        await server.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        """Count what is taken."""
        self.taken += 1
        return "250 2.0.0 OK"


def send_with(service: Service, accepted: set[str]) -> tuple[MailServer, Outcome]:
    """Send one copy to a server that takes these tokens."""
    kept, port = MailServer(accepted), free_port()

    class Here(Controller):
        def factory(self) -> SMTP:
            return SMTP(kept, auth_required=True, auth_require_tls=False, hostname="mx.example")

    controller = Here(kept, hostname="127.0.0.1", port=port)
    controller.start()
    login._tokens.cache_clear()
    settings.use(
        settings.current().model_copy(
            update={
                "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_username": "net@host.example",
                "smtp_oauth": True, "oauth_token_url": service.url, "oauth_client_id": "us",
                "oauth_client_secret": SecretStr("our-secret"), "oauth_scope": "mail",
            }
        )
    )  # fmt: skip
    connections = Connections(settings.current())
    try:
        envelope = copies.Envelope(1, "a@lists.example.org", "b@x.example", b"Subject: x\r\n\r\nx")
        (outcome,) = connections.send([envelope])
    finally:
        connections.close()
        controller.stop()
    return kept, outcome


@on_loopback
def test_o34_signing_in_with_a_token(service: Service) -> None:
    """XOAUTH2 in one command."""
    server, outcome = send_with(service, {"tok-1"})
    assert outcome.state == State.ACCEPTED
    assert server.said == ["user=net@host.example\x01auth=Bearer tok-1\x01\x01"]


@on_loopback
def test_o34_a_refused_token_is_renewed_once(service: Service) -> None:
    """As when it was revoked before its time."""
    server, outcome = send_with(service, {"tok-2"})
    assert outcome.state == State.ACCEPTED
    assert len(server.said) == 2
    assert server.taken == 1


@on_loopback
def test_o34_no_token_helps(service: Service) -> None:
    """Then all sending is held, and nothing is hammered."""
    server, outcome = send_with(service, set())
    assert (outcome.state, outcome.reason) == (State.DEFERRED, LOGIN_REFUSED)
    assert len(server.said) == 2
    assert server.taken == 0
