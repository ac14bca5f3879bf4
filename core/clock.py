"""What time it is, and how London wall time and instants relate."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

UTC = dt.UTC
_shift = dt.timedelta(0)


class NoSuchTime(ValueError):
    """The wall time falls into the hour that the spring change leaves out."""


class AmbiguousTime(ValueError):
    """The wall time happens twice in the night of the autumn change."""


def now() -> dt.datetime:
    """The present instant, in UTC; tests turn it with `turned`."""
    return dt.datetime.now(UTC) + _shift  # noqa: TID251 - this is the one place


def today(zone: str) -> dt.date:
    """The present date on the wall of `zone` (an IANA name)."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def turned(to: dt.datetime) -> Iterator[None]:
    """Make `now` start again at the instant `to` while the block runs (tests, rehearsals)."""
    global _shift
    before = _shift
    _shift = to - dt.datetime.now(UTC)  # noqa: TID251
    try:
        yield
    finally:
        _shift = before


def turn(by: dt.timedelta) -> None:
    """Move the clock of this process by `by`, until `turned` ends or it is moved back."""
    global _shift
    _shift += by


def to_instant(wall: dt.datetime, zone: str) -> dt.datetime:
    """The instant (UTC) of a naive wall time in `zone`.

    Raises NoSuchTime in the spring gap and AmbiguousTime in the autumn fold: a person has to
    say what was meant, nobody guesses.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall time carries no time zone of its own")
    local = ZoneInfo(zone)
    early = wall.replace(tzinfo=local, fold=0)
    late = wall.replace(tzinfo=local, fold=1)
    there_and_back = early.astimezone(UTC).astimezone(local).replace(tzinfo=None)
    if there_and_back != wall:
        raise NoSuchTime(
            f"{wall:%H:%M on %d %B %Y} does not exist in {zone}: the clocks go forward."
        )
    if early.utcoffset() != late.utcoffset():
        raise AmbiguousTime(
            f"{wall:%H:%M on %d %B %Y} happens twice in {zone}: the clocks go back."
        )
    return early.astimezone(UTC)


def to_wall(instant: dt.datetime, zone: str) -> dt.datetime:
    """The naive wall time in `zone` at an instant."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def spoken(instant: dt.datetime, zone: str) -> str:
    """A date and time as a person in `zone` says it: "Tuesday 2 March 2027, 10am"."""
    wall = to_wall(instant, zone)
    return f"{spoken_date(wall.date())}, {spoken_time(wall.time())}"


def spoken_date(day: dt.date) -> str:
    """A date in full: "Tuesday 2 March 2027"."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def spoken_time(time: dt.time) -> str:
    """A time of day in GOV.UK style: "10am", "1:30pm", "midday", "midnight"."""
    if (time.hour, time.minute) == (12, 0):
        return "midday"
    if (time.hour, time.minute) == (0, 0):
        return "midnight"
    hour = time.hour % 12 or 12
    half = "am" if time.hour < 12 else "pm"
    return f"{hour}{half}" if time.minute == 0 else f"{hour}:{time.minute:02d}{half}"


def spoken_span(start: dt.datetime, end: dt.datetime, zone: str) -> str:
    """From one instant to another: "Tuesday 2 March 2027, 10am to 11:30am (UK time)"."""
    place = "UK time" if zone == "Europe/London" else zone
    first, last = to_wall(start, zone), to_wall(end, zone)
    if first.date() == last.date():
        span = f"{spoken_time(first.time())} to {spoken_time(last.time())}"
        return f"{spoken_date(first.date())}, {span} ({place})"
    return f"{spoken(start, zone)} to {spoken(end, zone)} ({place})"
