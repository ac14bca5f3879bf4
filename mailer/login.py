"""OAuth 2.0 for mail servers: tokens from the provider, and what is said with them (XOAUTH2)."""

import datetime as dt
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import lru_cache

from core import clock
from core.settings import Settings

#: A token is renewed this long before it ends: clocks differ, and mail takes its time.
EARLY = dt.timedelta(minutes=5)
_SECONDS = 30.0
_LARGEST_ANSWER = 100_000


class LoginTrouble(Exception):
    """No token can be had; the text says what to look at, and holds no secret."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: dt.datetime


class Tokens:
    """Access tokens of one account, kept until shortly before they end; for several threads."""

    def __init__(
        self, url: str, client_id: str, client_secret: str, refresh_token: str, scope: str
    ) -> None:
        self._url = url
        self._form = {"client_id": client_id, "client_secret": client_secret, "scope": scope}
        if refresh_token:  # RFC 6749 §6; without one §4.4, the client's own credentials
            self._form |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
        else:
            self._form["grant_type"] = "client_credentials"
        self._lock = threading.Lock()
        self._token: _Token | None = None

    @staticmethod
    def of(settings: Settings) -> "Tokens":
        """The tokens of the account that the settings name; one instance a process."""
        return _tokens(
            settings.oauth_token_url, settings.oauth_client_id,
            settings.oauth_client_secret.get_secret_value(),
            settings.oauth_refresh_token.get_secret_value(), settings.oauth_scope,
        )  # fmt: skip

    def current(self) -> str:
        """A token that still holds; raises LoginTrouble. Waits for the network."""
        with self._lock:
            if self._token is None or self._token.until - EARLY <= clock.now():
                self._token = self._fetched()
            return self._token.text

    def renewed(self) -> str:
        """A new token, for a server that refused the current one; raises LoginTrouble."""
        with self._lock:
            self._token = self._fetched()
            return self._token.text

    def _fetched(self) -> _Token:
        body = urllib.parse.urlencode(self._form).encode()
        asked = urllib.request.Request(self._url, data=body, method="POST")  # noqa: S310
        begun = clock.now()
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310
                said = json.loads(answer.read(_LARGEST_ANSWER))
        except urllib.error.HTTPError as refusal:
            raise LoginTrouble(
                f"The token service answered {refusal.code} ({_error_of(refusal)}). Check"
                " oauth_client_id, oauth_client_secret, oauth_refresh_token and oauth_scope."
            ) from None
        except (OSError, ValueError) as trouble:
            raise LoginTrouble(
                f"The token service cannot be used ({type(trouble).__name__}). Check"
                " oauth_token_url and the way to it."
            ) from None
        return _read(said, begun)


def _error_of(refusal: urllib.error.HTTPError) -> str:
    """The error code of RFC 6749 §5.2; its description may hold names and stays out."""
    try:
        error = json.loads(refusal.read(_LARGEST_ANSWER))["error"]
    except (ValueError, KeyError, TypeError, OSError):
        return "no reason given"
    return error[:60] if isinstance(error, str) and error.isprintable() else "no reason given"


def _read(said: object, begun: dt.datetime) -> _Token:
    token = said.get("access_token") if isinstance(said, dict) else None
    seconds = said.get("expires_in", 0) if isinstance(said, dict) else 0
    if not isinstance(token, str) or not token or not token.isascii():
        raise LoginTrouble("The token service gave no access token. Check oauth_token_url.")
    try:
        life = dt.timedelta(seconds=min(float(seconds), 86_400.0))
    except (TypeError, ValueError):
        life = dt.timedelta(0)
    return _Token(token, begun + life)


@lru_cache(maxsize=8)
def _tokens(url: str, client_id: str, client_secret: str, refresh_token: str, scope: str) -> Tokens:
    return Tokens(url, client_id, client_secret, refresh_token, scope)


def xoauth2(username: str, token: str) -> bytes:
    """The initial response of SASL XOAUTH2, before base64."""
    return f"user={username}\x01auth=Bearer {token}\x01\x01".encode()
