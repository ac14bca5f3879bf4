"""Tables of meetings, what is contributed to them, and who comes."""

import datetime as dt
import enum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database import Base


class MeetingState(enum.StrEnum):
    """Where a meeting stands."""

    PLANNED = "planned"
    ANNOUNCED = "announced"
    CANCELLED = "cancelled"


class Answer(enum.StrEnum):
    """What a person says about coming."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


class Meeting(Base):
    """A meeting or roundtable. Planned in wall time and zone; the instants follow from them."""

    __tablename__ = "meeting"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    uid: Mapped[str] = mapped_column(String(120), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10), default=MeetingState.PLANNED)
    title: Mapped[str]
    theme: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(default="Microsoft Teams")
    join_link: Mapped[str] = mapped_column(default="")
    starts_wall: Mapped[str] = mapped_column(String(16))  # 2027-03-02T10:00
    ends_wall: Mapped[str] = mapped_column(String(16))
    zone: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[dt.datetime]
    ends_at: Mapped[dt.datetime]
    summary: Mapped[str] = mapped_column(default="")
    summary_at: Mapped[dt.datetime | None]
    contributions: Mapped[list["Contribution"]] = relationship(order_by="Contribution.id")


class Contribution(Base):
    """A speaker, or an update of a partner; without a meeting it waits for the next digest."""

    __tablename__ = "contribution"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("list.id"))
    kind: Mapped[str] = mapped_column(String(10))  # speaker, update
    who: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    words: Mapped[str] = mapped_column(default="")
    at: Mapped[dt.datetime]


class Rsvp(Base):
    """The latest answer of one person to one meeting, whichever way it came."""

    __tablename__ = "rsvp"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    answer: Mapped[str] = mapped_column(String(10))
    sequence: Mapped[int]
    stamp: Mapped[dt.datetime]
    source: Mapped[str] = mapped_column(String(10))  # calendar, page, mail
    at: Mapped[dt.datetime]
    __table_args__ = (UniqueConstraint("meeting_id", "person_id"),)
