"""A private Dovecot for tests: one user, a Maildir, plain IMAP on loopback."""

import grp
import imaplib
import itertools
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import free_port, give_to, program, running, unprivileged

USER = "network"
SECRET = "made-for-tests"
_names = itertools.count(1)

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_uid = {user}
mail_gid = {group}
mail_location = maildir:{folder}/mail/%u
mail_fsync = never
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={secret}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """Where the server listens, and its user."""

    port: int
    folder: Path
    owner: str | None
    pid: int
    user: str = USER
    secret: str = SECRET

    @property
    def maildir(self) -> Path:
        """Where the messages of the user lie."""
        return self.folder / "mail" / self.user

    def deliver(self, raw: bytes) -> None:
        """Put a message into the mailbox as it is, the way a delivery agent does it."""
        name = f"{next(_names):012d}.{os.getpid()}.test"
        places = [self.maildir / part for part in ("tmp", "new", "cur")]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        draft = self.maildir / "tmp" / name
        draft.write_bytes(raw)
        if self.owner is not None:
            shutil.chown(draft, self.owner)
            # Not what else lies there: Dovecot's own files come and go meanwhile.
            for folder in (self.maildir.parent, self.maildir, *places):
                shutil.chown(folder, self.owner)
        draft.rename(self.maildir / "new" / name)

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """A client that is signed in, with INBOX selected."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as client:
            client.login(self.user, self.secret)
            client.select("INBOX")
            yield client


@contextmanager
def dovecot(folder: Path | None = None, port: int | None = None) -> Iterator[Dovecot]:
    """Run Dovecot until the block ends, with its mail in `folder`, or in one of its own.

    A folder below pytest's own will not do for long: the next run that starts anywhere on the
    machine closes those to the server's user.
    """
    with ExitStack() as stack:
        if folder is None:
            own = tempfile.TemporaryDirectory(prefix="folkmoot-dovecot-")
            folder = Path(stack.enter_context(own))
        owner = unprivileged()
        user = owner or pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
        port = port or free_port()
        for name in ("run", "state", "mail", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        config = folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(folder=folder, user=user, group=group, port=port, secret=SECRET)
        )
        give_to(folder, owner)
        command = [program("dovecot", package="dovecot-imapd"), "-F", "-c", str(config)]
        server = stack.enter_context(running(command, port, folder / "output.log"))
        yield Dovecot(port, folder, owner, server.pid)
