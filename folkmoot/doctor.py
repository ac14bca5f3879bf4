"""Examines an installation: each finding says what was looked at, how it is, and what to do."""

import imaplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import redis
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

import migrations
from core import database
from core.outbox import Receipt
from core.settings import Settings, SettingsError
from folkmoot import dkim_keys, opening
from mailer import imap_talk, routes, smtp
from mailer.login import LoginTrouble, Tokens, xoauth2
from mailer.models import Delivery, Incoming, State
from mailer.opening import RouteTrouble
from mailer.routes import Route
from message import dkim
from subscribers.models import MailingList, Person, Role

OK, WARNING, BAD = "ok", "warning", "to do"
_PATIENCE = 10
#: Their limits and signatures ask for care: see the sentence below.
_MICROSOFT = (".office365.com", ".outlook.com")


@dataclass(frozen=True)
class Finding:
    """What one look found: ok, warning, or something to do."""

    state: str
    words: str

    def __str__(self) -> str:
        return f"{self.state:8} {self.words}"


def examine() -> list[Finding]:
    """Look at everything, in the order in which one thing needs another; raises nothing."""
    try:
        settings = opening.network()
    except SettingsError as faults:
        return [Finding(BAD, str(faults))]
    findings = [Finding(OK, "settings can be read"), *_settings(settings), _folder(settings)]
    findings += _database(settings)
    if settings.redis_url:
        findings.append(_tried("Redis", lambda: _redis(settings)))
    findings += [_smtp(route) for route in routes.configured(settings)]
    findings += _mailboxes(settings)
    findings += _signing_keys(settings)
    return findings


def make_keys(settings: Settings) -> bytes:
    """Make the keys that are not there yet, before two processes could; gives that of DKIM."""
    settings.key()
    return dkim_keys.make_first(settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    trying = settings.post_office
    if settings.domain.endswith("localhost") and not trying:
        yield Finding(BAD, "FOLKMOOT_DOMAIN is not set: the mail domain of the lists")
    if not settings.contact:
        yield Finding(BAD, "FOLKMOOT_CONTACT is not set: each mail shows whom to ask")
    if settings.contact.lower().endswith(f"@{settings.domain.lower()}") and not trying:
        yield Finding(
            WARNING, "the lists use the mail domain of your own mail: give them a subdomain of "
            "their own, so that one cannot spoil the name of the other",
        )  # fmt: skip
    if settings.base_url.startswith("http://") and not trying:
        yield Finding(BAD, "FOLKMOOT_BASE_URL must be https: one-click leave needs it (RFC 8058)")
    if not settings.sending:
        yield Finding(WARNING, "FOLKMOOT_SENDING is off: no mail goes out")
    if trying:
        yield Finding(WARNING, "the built-in post office is on: mail to others stays here")
    elif not settings.trusted_authserv_ids and not settings.checks_signatures():
        yield Finding(
            WARNING, "FOLKMOOT_TRUSTED_AUTHSERV_IDS is empty: posts whose sender is not proved "
            "by a reply address wait for a moderator",
        )  # fmt: skip


def _folder(settings: Settings) -> Finding:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
        settings.key()
    except OSError as trouble:
        return Finding(BAD, f"data folder {settings.data}: {trouble.strerror}; make it writable")
    key = settings.data / "secret.key"
    if not settings.secret_key.get_secret_value() and key.stat().st_mode & 0o077:
        return Finding(BAD, f"{key} can be read by others: chmod 600 it")
    return Finding(OK, f"data folder {settings.data} is writable; the secret key is there")


def _database(settings: Settings) -> Iterator[Finding]:
    kind = "PostgreSQL" if settings.database_url else "SQLite"
    try:
        database.connect(settings.database_address())
        if not migrations.is_current():
            yield Finding(BAD, f"{kind} answers but is not up to date: run `folkmoot migrate`")
            return
        yield Finding(OK, f"{kind} answers and is up to date")
        yield from _contents()
    except SQLAlchemyError as trouble:
        yield Finding(BAD, f"{kind} does not answer ({type(trouble).__name__}): check DATABASE_URL")
    finally:
        database.engine().dispose()


def _contents() -> Iterator[Finding]:
    """What waits for a person."""
    stuck = {
        "reactions are stuck: their `trouble` in table receipt says why": select(
            func.count()
        ).where(Receipt.state == "stuck"),
        "messages were not understood: see them at the desk": select(func.count()).where(
            Incoming.state == "stuck"
        ),
        "copies are in doubt: a worker went silent; they are repeated with the same "
        "Message-ID": select(func.count()).where(Delivery.state == State.IN_DOUBT),
    }
    with database.reading() as session:
        for words, question in stuck.items():
            number = session.scalar(question) or 0
            yield (
                Finding(WARNING, f"{number} {words}")
                if number
                else Finding(
                    OK, f"no {words.partition(':')[0].replace(' are ', ' ').replace(' were ', ' ')}"
                )
            )
        if not session.scalar(select(func.count()).select_from(MailingList)):
            yield Finding(BAD, "there is no list: `folkmoot lists create NAME TITLE`")
        if not session.scalar(select(func.count()).where(Person.role == Role.COORDINATOR)):
            yield Finding(BAD, "nobody is coordinator: `folkmoot coordinator ADDRESS`")


def _tried(what: str, attempt: Callable[[], Finding]) -> Finding:
    try:
        return attempt()
    except (OSError, imaplib.IMAP4.error, redis.RedisError, LoginTrouble) as trouble:
        return Finding(BAD, f"{what} does not work: {_words_of(trouble)}")


def _words_of(trouble: Exception) -> str:
    if isinstance(trouble, ssl.SSLError):
        return f"TLS failed ({trouble.reason or trouble}); check the name and the certificate"
    first = trouble.args[0] if trouble.args else ""
    return _text(first) if isinstance(first, bytes) else str(trouble) or type(trouble).__name__


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def _redis(settings: Settings) -> Finding:
    client = redis.Redis.from_url(settings.redis_url, socket_timeout=_PATIENCE)
    try:
        client.ping()
    finally:
        client.close()
    return Finding(OK, "Redis answers")


def _smtp(route: Route) -> Finding:
    where = f"mail server {route.host}:{route.port}"
    try:
        smtp.reach(route)
    except RouteTrouble as trouble:
        said = f"{trouble.code} {trouble.words}" if trouble.code else trouble.words
        return Finding(BAD, f"{where} (SMTP) does not work: {said}")
    if route.host.endswith(_MICROSOFT) and route.limit is None:
        return Finding(
            WARNING, f"{where} answers; Microsoft 365 takes 30 messages a minute and does not sign "
            "List-Unsubscribe: set its limit to 30/min, and expect sending to many to be slow",
        )  # fmt: skip
    if route.security == "none" and route.host not in {"127.0.0.1", "::1", "localhost"}:
        return Finding(WARNING, f"{where} answers, without TLS: mail can be read")
    return Finding(OK, f"{where} answers")


def _mailboxes(settings: Settings) -> Iterator[Finding]:
    if not settings.each_mailbox():
        yield Finding(WARNING, "no mailbox is set (FOLKMOOT_IMAP_HOST): answers are not read")
    for mailbox in settings.each_mailbox():
        yield _tried("mailbox (IMAP)", partial(_imap, mailbox))


def _imap(settings: Settings) -> Finding:
    where = f"{settings.imap_host}:{settings.imap_port}"
    if settings.imap_security == "tls":
        client: imaplib.IMAP4 = imaplib.IMAP4_SSL(
            settings.imap_host, settings.imap_port, timeout=_PATIENCE,
            ssl_context=ssl.create_default_context(),
        )  # fmt: skip
    else:
        client = imaplib.IMAP4(settings.imap_host, settings.imap_port, timeout=_PATIENCE)
    with client:
        _imap_login(client, settings)
        for folder in settings.imap_folders():
            name = imap_talk.quoted(imap_talk.encoded(folder))
            if client.select(name, readonly=True)[0] != "OK":
                return Finding(BAD, f"mailbox {where} has no folder {folder}")
    return Finding(OK, f"mailbox {where} lets us in")


def _imap_login(client: imaplib.IMAP4, settings: Settings) -> None:
    if not settings.imap_oauth:
        client.login(settings.imap_username, settings.imap_password.get_secret_value())
        return
    token = Tokens.of(settings).current()
    answers = iter([xoauth2(settings.imap_username, token)])
    client.authenticate("XOAUTH2", lambda _challenge: next(answers, b""))


def _signing_keys(settings: Settings) -> Iterator[Finding]:
    if bool(settings.dkim_second_selector) != bool(settings.dkim_second_key_file):
        yield Finding(
            BAD, "FOLKMOOT_DKIM_SECOND_SELECTOR and FOLKMOOT_DKIM_SECOND_KEY_FILE go together: "
            "set both, or none",
        )  # fmt: skip
    for selector, path in dkim_keys.key_files(settings).items():
        yield _signing_key(settings, selector, path)


def _signing_key(settings: Settings, selector: str, path: Path) -> Finding:
    if not path.exists():
        if path != settings.data / "dkim.pem":
            return Finding(BAD, f"there is no DKIM key {path} (selector {selector})")
        return Finding(WARNING, "no DKIM key yet: `folkmoot doctor dkim` makes it and prints DNS")
    if path.stat().st_mode & 0o077:
        return Finding(BAD, f"{path} can be read by others: chmod 600 it")
    try:
        dkim.Signer(settings.domain, selector, path.read_bytes())
    except (OSError, ValueError, TypeError):
        return Finding(BAD, f"{path} is no private key of RSA or Ed25519 in PEM form")
    return Finding(
        OK, f"DKIM key {path} (selector {selector}) is there; `folkmoot doctor dkim` prints its "
        "DNS record",
    )  # fmt: skip
