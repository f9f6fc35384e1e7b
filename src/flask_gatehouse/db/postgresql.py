"""What PostgreSQL's dialect alone offers; loaded where one is asked, because it brings six drivers' own along."""

from sqlalchemy.dialects.postgresql import insert

__all__ = ["insert"]
