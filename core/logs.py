"""Logs: one JSON object a line on standard error, an event name and ids, never a text."""

import json
import logging
import sys

from core import clock

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON with its extras."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; JSON escapes what could forge another."""
        line = {"at": clock.now().isoformat(), "level": record.levelname.lower(),
                "where": record.name, "event": record.getMessage()}  # fmt: skip
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        if record.exc_info and record.exc_info[0] is not None:
            line["trouble"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Send all logs of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("mail.log", "pymap", "aioimaplib", "uvicorn.access", "asyncio", "dramatiq"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It writes a traceback for each message that it cannot read; we read on by other means.
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)
