"""Bytes that can follow DATA as they are: every line ends with CRLF, and dots are stuffed."""

import re

_BARE = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")


class OnWire(bytes):
    """A message as it goes out after DATA, without the line of the final dot."""

    __slots__ = ()


def on_wire(message: bytes) -> OnWire:
    """A message made ready: CRLF line ends (RFC 5321 §2.3.8), dots doubled (§4.5.2).

    A finished message of ours, which has CRLF already, is not changed otherwise.
    """
    if isinstance(message, OnWire):
        return message
    if not ready(message):
        message = _DOT.sub(b"..", _BARE.sub(b"\r\n", message))
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    return OnWire(message)


def ready(lines: bytes) -> bool:
    """Whether lines have no line end but CRLF and none of them begins with a dot."""
    breaks = lines.count(b"\n")
    return (
        not lines.startswith(b".")
        and b"\n." not in lines
        and lines.count(b"\r") == breaks
        and (not breaks or lines.count(b"\r\n") == breaks)
    )
