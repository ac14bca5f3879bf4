"""What somebody typed into a form, and what is wrong with it, field by field."""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core import clock
from core.clock import AmbiguousTime, NoSuchTime
from message.address import BadAddress, check

LONGEST_LINE = 200
LONGEST_TEXT = 200_000
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?", re.IGNORECASE)


@dataclass
class Form:
    """The values as they were typed, and a sentence for each field that has a fault.

    Faults stand in the order in which they were found, which is the order of the page.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether nothing is wrong (so far)."""
        return not self.faults

    def get(self, name: str, otherwise: str = "") -> str:
        """What was typed, without blanks around it."""
        return self.values.get(name, otherwise).strip()

    def fault(self, name: str, words: str) -> None:
        """Note what is wrong with a field; the first fault of a field counts."""
        self.faults.setdefault(name, words)

    def line(self, name: str, what: str, *, needed: str = "", longest: int = LONGEST_LINE) -> str:
        """A line of text; `what` names the field in a sentence, `needed` is said if it is empty."""
        said = " ".join(self.get(name).split())
        if needed and not said:
            self.fault(name, needed)
        if len(said) > longest:
            self.fault(name, f"{what} must be {longest} characters or fewer")
        return said

    def address(self, name: str) -> str:
        """An email address, as the person writes it."""
        said = self.line(name, "Your email address", needed="Enter your email address", longest=254)
        if self.faults.get(name):
            return said
        try:
            return check(said)
        except BadAddress as why:
            self.fault(name, str(why).rstrip("."))
            return said

    def text(self, name: str, what: str, *, needed: str = "") -> str:
        """Text of any number of lines, with line feeds only."""
        said = self.values.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        if needed and not said.strip():
            self.fault(name, needed)
        if len(said) > LONGEST_TEXT:
            self.fault(name, f"{what} must be {LONGEST_TEXT:,} characters or fewer")
        return said

    def choice(self, name: str, among: Collection[str], needed: str) -> str:
        """One of `among`; a fault if it is none of them."""
        said = self.get(name)
        if said not in among:
            self.fault(name, needed)
        return said

    def day(self, name: str, what: str) -> dt.date | None:
        """A date from the three fields `<name>-day`, `-month` and `-year`."""
        parts = [self.get(f"{name}-{part}") for part in ("year", "month", "day")]
        if not any(parts):
            self.fault(name, f"Enter {what}")
            return None
        try:
            return dt.date(*(int(part) for part in parts))
        except (ValueError, OverflowError):
            self.fault(name, f"{what[:1].upper()}{what[1:]} must be a real date, like 2 3 2027")
            return None

    def time(self, name: str, what: str) -> dt.time | None:
        """A time of day: 10:30, 10.30, 10am, 2:30pm."""
        said = self.get(name).lower()
        known = {"midday": "12:00", "noon": "12:00", "midnight": "0:00"}
        match = _TIME.fullmatch(known.get(said, said))
        if match is None:
            self.fault(name, f"Enter {what}, like 10:30 or 2:30pm")
            return None
        hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half.lower() == "pm" else 0)
        elif half:
            hour = 99
        try:
            return dt.time(hour, minute)
        except ValueError:
            self.fault(name, f"{what[:1].upper()}{what[1:]} must be a real time, like 10:30")
            return None

    def instant(self, day: dt.date, time: dt.time, name: str, zone: str) -> dt.datetime | None:
        """The instant of a wall time; a fault at `name` in the nights when the clocks change."""
        try:
            return clock.to_instant(dt.datetime.combine(day, time), zone)
        except (NoSuchTime, AmbiguousTime) as why:
            self.fault(name, str(why).rstrip("."))
            return None
