"""The web pages over a socket, served in a thread, and a small browser without scripts for them."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import uvicorn

from core import settings
from web.app import create_app


@contextmanager
def web_server(port: int) -> Iterator[int]:
    """Serve our pages on a port of loopback until the block ends; gives the port."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        create_app(), log_config=None, log_level="warning", access_log=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        end = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > end or not thread.is_alive():
                raise RuntimeError("the web server did not start")
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


@dataclass(frozen=True)
class Answer:
    """What the server answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    cookies: tuple[str, ...]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()


@dataclass
class Browser:
    """Keeps cookies and says where a form comes from, as browsers do; follows nothing by itself."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Open a page."""
        return self.send(method, path, b"", headers)

    def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Send a form as a page of ours does."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": settings.current().base_url,
            "Sec-Fetch-Site": "same-origin",
        } | headers
        return self.send("POST", path, urlencode(fields or {}).encode(), sent)

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request with exactly these headers and the cookies."""
        parts = urlsplit(path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body or None, sent)
            response = connection.getresponse()
            content = response.read()
            given = tuple(response.headers.get_all("Set-Cookie") or ())
        finally:
            connection.close()
        for line in given:
            name, _, rest = line.partition("=")
            self._keep(name, rest.partition(";")[0].strip('"'), "Max-Age=0" in line)
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            content,
            given,
        )

    def _keep(self, name: str, value: str, gone: bool) -> None:
        if gone:
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
