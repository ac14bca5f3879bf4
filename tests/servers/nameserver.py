"""A name server on loopback: it knows given texts, counts questions, and can be silent."""

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer(socketserver.ThreadingUDPServer):
    """Answers for names in `texts`; other names do not exist. Set `silent` and it says nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Question)
        self.texts: dict[str, list[bytes]] = {}
        self.asked: Counter[str] = Counter()
        self.unanswered: set[str] = set()
        self.silent = self.failing = False

    @property
    def address(self) -> str:
        """Host and port."""
        return "{}:{}".format(*self.server_address[:2])


class _Question(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        data, socket = self.request
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.server.asked[name] += 1
        if self.server.silent or name in self.server.unanswered:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        texts = self.server.texts.get(name)
        if self.server.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif texts is None and not any(one.endswith(f".{name}") for one in self.server.texts):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif texts:
            owner = query.question[0].name
            rows = [_quoted(one) for one in texts]
            answer.answer.append(dns.rrset.from_text(owner, 300, "IN", "TXT", *rows))
        socket.sendto(answer.to_wire(), self.client_address)


def _quoted(text: bytes) -> str:
    pieces = [text[at : at + 255].decode() for at in range(0, len(text), 255)]
    return " ".join(f'"{piece}"' for piece in pieces)


@contextmanager
def nameserver() -> Iterator[NameServer]:
    """A name server on a free port until the block ends."""
    with NameServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
