"""Every setting: its name, type, default and meaning; checked at start, all faults in one list."""

import contextlib
import re
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

FILE = Path("folkmoot.toml")
Security = Literal["none", "starttls", "tls"]


class SettingsError(Exception):
    """The settings cannot be used; the text lists every fault and what to do about it."""


class RouteSettings(BaseModel):
    """One mail server among several; `weight` 0 makes it a reserve, `limit` is like 30/min."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    host: str
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    oauth: bool = False
    connections: int = Field(4, ge=1, le=50)
    weight: float = Field(1.0, ge=0)
    limit: str = ""
    bulk: bool = True

    @field_validator("limit")
    @classmethod
    def _limit(cls, value: str) -> str:
        return checked_limit(value)


#: A limit of sending: a number and a period.
LIMIT = re.compile(
    r"\s*[1-9]\d{0,8}\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)\s*", re.IGNORECASE
)


def checked_limit(value: str) -> str:
    """A limit as it is, or empty; raises ValueError that says how one is written."""
    if value.strip() and not LIMIT.fullmatch(value):
        raise ValueError("must be a number and s, min, hour or day, like 30/min")
    return value.strip()


class MailboxSettings(BaseModel):
    """One more mailbox that is read; what is left out is as the imap_* settings say."""

    model_config = ConfigDict(extra="forbid")

    host: str | None = None
    port: int | None = None
    security: Security | None = None
    username: str
    password: SecretStr | None = None
    oauth: bool | None = None
    folder: str | None = None
    junk_folder: str | None = None
    done_folder: str | None = None


class Settings(BaseSettings):
    """The settings, from environment variables `FOLKMOOT_<NAME>` and then from `folkmoot.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="FOLKMOOT_", toml_file=str(FILE), extra="forbid", populate_by_name=True
    )

    network_name: str = Field("Folkmoot", description="What members call the network.")
    domain: str = Field("lists.localhost", description="Mail domain of all lists and tokens.")
    base_url: str = Field("http://127.0.0.1:8025", description="Public address of the web pages.")
    host_name: str = Field("the host", description="Organisation that runs the network.")
    contact: str = Field("", description="Address of the coordinators, shown in every mail.")
    zone: str = Field("Europe/London", description="Time zone in which meetings are planned.")
    separator: str = Field("+", description="Between a list's name and what follows it.")
    data: Path = Field(Path("var"), description="Folder of what this installation keeps.")
    database_url: str = Field(
        "",
        validation_alias=AliasChoices("database_url", "DATABASE_URL", "FOLKMOOT_DATABASE_URL"),
        description="PostgreSQL address; empty means SQLite in the data folder.",
    )
    redis_url: str = Field(
        "",
        validation_alias=AliasChoices("redis_url", "REDIS_URL", "FOLKMOOT_REDIS_URL"),
        description="Redis address; empty means the broker inside the process.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Key of all tokens; empty means one made once and kept in the data folder.",
    )
    smtp_host: str = Field("127.0.0.1", description="Mail server that takes our mail.")
    smtp_port: int = Field(587, description="Its port.")
    smtp_security: Security = Field("starttls", description="starttls, tls or none (loopback).")
    smtp_username: str = Field("", description="User at the mail server; empty means no login.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server.")
    smtp_oauth: bool = Field(
        False, description="Sign in by a token of `oauth_token_url` in place of the password."
    )
    smtp_connections: int = Field(4, ge=1, le=50, description="Connections open at once.")
    smtp_limit: str = Field("", description="How much it takes, like 30/min; empty: no limit.")
    routes: list[RouteSettings] = Field(
        [], description="Several mail servers in place of the smtp_* settings; [[routes]] tables."
    )
    domain_limits: dict[str, str] = Field(
        {}, description='Limits of recipient domains, like {"outlook.com" = "20/min"}; * is others.'
    )
    oauth_token_url: str = Field("", description="OAuth 2.0 token service of the mail servers.")
    oauth_client_id: str = Field("", description="Our id there.")
    oauth_client_secret: SecretStr = Field(SecretStr(""), description="Our secret there.")
    oauth_refresh_token: SecretStr = Field(
        SecretStr(""), description="Refresh token; empty means client credentials."
    )
    oauth_scope: str = Field("", description="What the token is asked for.")
    imap_host: str = Field("", description="Server of the mailbox of answers; empty: none.")
    imap_port: int = Field(993, description="Its port.")
    imap_security: Security = Field("tls", description="tls or none (loopback).")
    imap_username: str = Field("", description="User of the mailbox.")
    imap_password: SecretStr = Field(SecretStr(""), description="Password of the mailbox.")
    imap_oauth: bool = Field(
        False, description="Sign in by a token of `oauth_token_url` in place of the password."
    )
    imap_folder: str = Field(
        "INBOX", description="Folder that the listener reads; several with commas between."
    )
    imap_junk_folder: str = Field(
        "", description="Junk folder, read as well; empty: the one the server names; none: none."
    )
    imap_done_folder: str = Field(
        "", description="Where messages go once they are kept; empty: marked as seen, left there."
    )
    imap_poll_seconds: float = Field(60.0, gt=0, description="IDLE is a hint; poll this often.")
    imap_ask_seconds: float = Field(
        0.0, ge=0, description="Ask a server nearby for news so often (0.05); 0: wait for its hint."
    )
    mailboxes: list[MailboxSettings] = Field(
        [], description="More mailboxes to read beside that of imap_*; [[mailboxes]] tables."
    )
    lmtp_host: str = Field(
        "", description="Take mail over LMTP here (127.0.0.1) from a mail server of your own."
    )
    lmtp_port: int = Field(2003, ge=0, le=65535, description="Port for that.")
    trusted_authserv_ids: Annotated[list[str], NoDecode] = Field(
        [], description="Servers whose Authentication-Results are believed (RFC 8601 §5)."
    )
    check_signatures: bool | None = Field(
        None,
        description="Check DKIM and DMARC of what comes ourselves where no trusted server did; "
        "not set: if none is trusted and the post office is off.",
    )
    name_server: str = Field(
        "", description="Name server for that, host:port; empty: those of the system."
    )
    dkim_selector: str = Field("folkmoot", description="DKIM selector of the signing key.")
    dkim_key_file: Path | None = Field(
        None, description="Private RSA key (PEM); empty means one made once in the data folder."
    )
    dkim_second_selector: str = Field(
        "", description="Selector of a second signature: a key to come, or one of another kind."
    )
    dkim_second_key_file: Path | None = Field(
        None, description="Its private key (PEM, RSA or Ed25519)."
    )
    sending: bool = Field(True, description="Off holds back all outgoing mail: the brake.")
    after_doubt: Literal["repeat", "leave"] = Field(
        "repeat", description="What becomes of a copy whose fate nobody knows: sent again, or left."
    )
    undo_seconds: float = Field(120.0, ge=0, description="Wait after approval, to call it back.")
    templates: Path | None = Field(None, description="Site folder whose templates go first.")
    web_host: str = Field("127.0.0.1", description="Address the web server listens on.")
    web_port: int = Field(8025, description="Port the web server listens on.")
    post_office: bool = Field(False, description="Built-in mail servers for trying out.")

    @field_validator("trusted_authserv_ids", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, str)
            else value
        )

    @field_validator("name_server")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if value and not re.fullmatch(r"(\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]):\d{1,5}", value):
            raise ValueError("must be an IP address and a port, like 127.0.0.1:53")
        return value

    @field_validator("imap_folder")
    @classmethod
    def _some_folder(cls, value: str) -> str:
        if not any(part.strip() for part in value.split(",")):
            raise ValueError("must name a folder")
        return value

    @field_validator("imap_done_folder")
    @classmethod
    def _not_read(cls, value: str, info: ValidationInfo) -> str:
        read = [part.strip() for part in str(info.data.get("imap_folder", "")).split(",")]
        if value and value in (*read, info.data.get("imap_junk_folder")):
            raise ValueError("must not be a folder that is read")
        return value

    @field_validator("smtp_limit")
    @classmethod
    def _smtp_limit(cls, value: str) -> str:
        return checked_limit(value)

    @field_validator("domain_limits")
    @classmethod
    def _domain_limits(cls, value: dict[str, str]) -> dict[str, str]:
        return {domain.strip().lower(): checked_limit(limit) for domain, limit in value.items()}

    @field_validator("routes")
    @classmethod
    def _names_differ(cls, value: list[RouteSettings]) -> list[RouteSettings]:
        names = [route.name for route in value]
        if len(names) != len(set(names)):
            raise ValueError("each route needs a name of its own")
        return value

    @field_validator("mailboxes")
    @classmethod
    def _completed(
        cls, value: list[MailboxSettings], info: ValidationInfo
    ) -> list[MailboxSettings]:
        for box in value:
            if not (box.host or info.data.get("imap_host")):
                raise ValueError("each mailbox needs a host: its own, or imap_host for all")
            if box.done_folder and box.done_folder in (box.folder or "INBOX", box.junk_folder):
                raise ValueError("a done folder must not be a folder that is read")
        return value

    @field_validator("base_url")
    @classmethod
    def _bare(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// for trying out)")
        return value.rstrip("/")

    @field_validator("separator")
    @classmethod
    def _one_sign(cls, value: str) -> str:
        if value not in {"+", "-", "=", "_"}:
            raise ValueError("must be one of + - = _")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller says wins, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def database_address(self) -> str:
        """The database as SQLAlchemy wants it: psycopg 3, or SQLite in the data folder."""
        if not self.database_url:
            return f"sqlite:///{self.data / 'folkmoot.db'}"
        scheme, _, rest = self.database_url.partition("://")
        if scheme in {"postgres", "postgresql"}:
            return f"postgresql+psycopg://{rest}"
        return self.database_url

    def each_mailbox(self) -> list["Settings"]:
        """The settings once for each mailbox that is read, its own in imap_*; none without one."""
        shared = bool(self.mailboxes) and not self.imap_username  # imap_* only completes others
        first = [self] if self.imap_host and not shared else []
        more = [
            {f"imap_{name}": value for name, value in box if value is not None}
            for box in self.mailboxes
        ]
        return first + [self.model_copy(update=own | {"mailboxes": []}) for own in more]

    def imap_account(self) -> str:
        """What the inbox knows the mailbox of imap_* by."""
        return f"{self.imap_username}@{self.imap_host}"

    def checks_signatures(self) -> bool:
        """Whether we look at signatures ourselves where no trusted server has."""
        if self.check_signatures is None:
            return not self.trusted_authserv_ids and not self.post_office
        return self.check_signatures

    def imap_folders(self) -> list[str]:
        """The folders that the listener reads, the one it waits at first."""
        return [name for part in self.imap_folder.split(",") if (name := part.strip())]

    def key(self) -> bytes:
        """The secret behind all tokens; made and kept in the data folder when none is set."""
        if self.secret_key.get_secret_value():
            return self.secret_key.get_secret_value().encode()
        return kept_secret(self.data / "secret.key", lambda: secrets.token_hex(32).encode())


def kept_secret(path: Path, make: "Any") -> bytes:
    """The bytes of a secret file, made by `make` and readable by us alone if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_bytes(make())
        # Of several threads or processes that start at once, the first one's secret is kept.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_bytes().strip()


_current: Settings | None = None


def load(**given: object) -> Settings:
    """Read and check all settings; `given` wins over environment and file.

    Raises SettingsError with one line a fault.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [f"- {_name(item['loc'])}: {item['msg']}" for item in error.errors()]
        raise SettingsError("These settings need attention:\n" + "\n".join(faults)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE} cannot be read: {error}") from None


def _name(location: tuple[int | str, ...]) -> str:
    name, *inner = map(str, location) if location else ("settings",)
    where = f", there: {' '.join(inner)}" if inner else ""
    return f"{name if name.isupper() else f'FOLKMOOT_{name.upper()} ({name} in {FILE}{where})'}"


def use(settings: Settings) -> Settings:
    """Make these the settings of this process."""
    global _current
    _current = settings
    return settings


def current() -> Settings:
    """The settings of this process, read at first need."""
    return _current if _current is not None else use(load())
