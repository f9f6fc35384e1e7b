"""How far each sink has come, and what it will be told. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime

KEY_LENGTH = 128


class AlertSink(Base):
    """A reader of the trail, and the last event that it has dealt with, in the order of the tree."""

    __tablename__ = "gatehouse_alert_sinks"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer)
    # The next event that it has to deal with.
    position: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    # Until when a worker has it to itself: one that dies gives it back by that.
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # Before when it is left alone: after a failure, and for a little after a message.
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AlertGroup(Base):
    """What has happened of one kind since a sink was told, and when it is told next."""

    __tablename__ = "gatehouse_alert_groups"

    sink: Mapped[str] = mapped_column(ForeignKey("gatehouse_alert_sinks.name", ondelete="CASCADE"), primary_key=True)
    rule: Mapped[str] = mapped_column(String(64), primary_key=True)
    # What its events have in common: the id of a person, a network. No name and no address, which erasure would miss.
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Places in the trail, as JSON: what is erased there is in no message that is written later.
    examples: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    quiet_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When nothing is left to remember of it, unless something more happens.
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "sink", "due_at"), Index(None, "sink", "forget_at"))
