"""The table of sessions. Imported by this room and by the migrations only."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ..accounts.profile import SUBJECT_LENGTH
from ..db.base import Base, UtcDateTime, text_enum
from ..settings.providers import ISSUER_LENGTH, PROVIDER_LENGTH
from .rules import EndReason


class UserSession(Base):
    __tablename__ = "gatehouse_sessions"

    # Public: shown to its owner and written to the trail. Knowing it opens nothing.
    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    # SHA-256 of the token: a stolen table or backup signs nobody in.
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("gatehouse_users.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(Integer)
    provider: Mapped[str] = mapped_column(String(PROVIDER_LENGTH))
    issuer: Mapped[str | None] = mapped_column(String(ISSUER_LENGTH))
    subject: Mapped[str | None] = mapped_column(String(SUBJECT_LENGTH))
    # The provider's own session id, by which a back-channel logout names it.
    provider_session_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    previous_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[EndReason | None] = mapped_column(text_enum(EndReason))
    # When its cookie first came after that, which is written down once and into the trail.
    used_after_end_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(255))

    __table_args__ = (
        Index(None, "user_id", "ended_at"),
        # The worker's sweep finds live sessions in the order in which they were last used.
        Index(None, "ended_at", "last_seen_at"),
    )
