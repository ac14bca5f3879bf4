"""Runs the house: everything in one process, or the parts of it that a machine is there for."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import uvicorn

from core import logs
from core.settings import Settings
from folkmoot.post_office import caught_folder, post_office
from folkmoot.terminal import Trouble, say
from web.app import create_app
from workers import running

#: How long a page that is being sent may hold up the end.
LAST_PAGE_SECONDS = 3


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """The event that SIGINT or SIGTERM sets; a second signal ends the process at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def heard(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in signals:
        signal.signal(number, heard)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def web_pages(settings: Settings) -> Iterator[threading.Thread]:
    """Serve the web pages in a thread until the block ends; raises Trouble if the port is taken."""
    try:
        listening = socket.create_server((settings.web_host, settings.web_port))
    except OSError as trouble:
        raise Trouble(
            f"The web server cannot listen on {settings.web_host}:{settings.web_port} "
            f"({trouble.strerror}): stop what uses it, or set FOLKMOOT_WEB_PORT."
        ) from None
    config = uvicorn.Config(
        create_app(), log_config=None, log_level="warning", access_log=False, proxy_headers=True,
        timeout_graceful_shutdown=LAST_PAGE_SECONDS,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="web", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(timeout=LAST_PAGE_SECONDS + 2)
        listening.close()


def run(settings: Settings, parts: frozenset[str], *, web: bool, banner: str = "") -> None:
    """Run the given parts of `workers.running` and the web pages until told to stop.

    The database is connected and up to date before. The post office comes first and goes last,
    so that whatever is being sent when the end comes still finds it open.
    """
    logs.configure()
    with told_to_stop() as stop, ExitStack() as house:
        if web and parts and settings.post_office:
            house.enter_context(post_office(settings))
        if parts:
            house.enter_context(running.everything(settings, parts))
        pages = house.enter_context(web_pages(settings)) if web else None
        if banner:
            say(banner)
        while not stop.wait(0.2):
            if pages is not None and not pages.is_alive():
                raise Trouble("The web server ended by itself: its log says why.")
        if banner:
            say("Stopping: what is in hand is finished first.")


def banner(settings: Settings) -> str:
    """Where everything is, in a few lines."""
    lines = [
        "",
        f"  {settings.network_name} is up.",
        "",
        f"  Web pages      http://{_reachable(settings.web_host)}:{settings.web_port}",
        f"  Lists          anything@{settings.domain}",
        f"  Data           {settings.data.resolve()}",
    ]
    if settings.post_office:
        lines += [
            f"  Post office    SMTP 127.0.0.1:{settings.smtp_port}, "
            f"IMAP 127.0.0.1:{settings.imap_port}",
            f"  Mail to others stays here, in {caught_folder(settings)}",
        ]
    elif not settings.each_mailbox():
        lines.append("  No mailbox is set: answers by mail are not read (FOLKMOOT_IMAP_HOST).")
    return "\n".join([*lines, "", "  Ctrl-C stops it; the next start goes on where it was.", ""])


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only compared
