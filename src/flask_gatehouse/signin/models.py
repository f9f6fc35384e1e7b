"""The table of used sign-in attempts. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime


class SpentAttempt(Base):
    """The state of an attempt that has made a session. Its primary key is what makes a callback single-use."""

    __tablename__ = "gatehouse_spent_attempts"

    state_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
