"""What SQLite's dialect alone offers; loaded where one is asked."""

from sqlalchemy.dialects.sqlite import insert

__all__ = ["insert"]
