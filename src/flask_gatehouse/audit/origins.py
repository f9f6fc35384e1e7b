"""The name of a tree, which a checkpoint begins with: that of its log, a slash, and the number of its epoch."""

from urllib.parse import urlsplit

from ..settings import Settings

# Nobody has more digits to say of what a database counts.
_MOST_DIGITS = 19


def host_of(settings: Settings) -> str:
    """Return the name with which trees of this application begin."""
    return urlsplit(settings.base_url).netloc or "localhost"


def origin_of(log: str, epoch: int) -> str:
    """Return the name of the tree of an epoch."""
    return f"{log}/{epoch}"


def log_of(origin: str) -> str:
    """Return of which log a tree is, which goes on through all epochs."""
    return origin.rpartition("/")[0]


def epoch_of(origin: str) -> int | None:
    """Return of which epoch a tree is; None if the name does not end with a number that can be one."""
    last = origin.rpartition("/")[2]
    # Python refuses to read a number of thousands of digits: whoever may write a note would stop whoever reads it.
    return int(last) if last.isdecimal() and len(last) <= _MOST_DIGITS else None


def place_in_name(stem: str) -> tuple[int, int]:
    """Return epoch and size from the name of a note's file, without its ending; zeros if it says neither."""
    epoch, _, size = stem.partition("-")
    parts = (epoch, size)
    is_place = all(part.isdecimal() and len(part) <= _MOST_DIGITS for part in parts)
    return (int(epoch), int(size)) if is_place else (0, 0)
