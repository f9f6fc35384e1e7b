"""How far each sink has come. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime


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
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
