"""The tables of used sign-in attempts and of refused ones. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ..db.base import Base, UtcDateTime


class SpentAttempt(Base):
    """The state of an attempt that has made a session. Its primary key is what makes a callback single-use."""

    __tablename__ = "gatehouse_spent_attempts"

    state_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class RefusalTally(Base):
    """How often an account or a network was refused lately: see ``rules.Tally``."""

    __tablename__ = "gatehouse_refusal_tallies"

    # Keyed, so that the table is no list of addresses and accounts, also for whoever tries all of them.
    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    count: Mapped[int] = mapped_column(Integer, default=0)
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waits: Mapped[int] = mapped_column(Integer, default=0)
    wait_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    forget_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
