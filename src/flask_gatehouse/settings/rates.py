"""How often something may happen in a time."""

import re
from dataclasses import dataclass
from datetime import timedelta

_RATE = re.compile(r"([1-9][0-9]*)\s*(?:per|/)\s*([1-9][0-9]*)?\s*([a-z]+?)s?", re.IGNORECASE)
_UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    # Of no calendar: so long before each request.
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_LARGEST = 10**6
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times within a time, in Flask-Limiter's notation: ``20 per 10 minutes``."""

    times: int
    within: timedelta

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Return what ``20 per minute``, ``20 per 10 minutes`` or ``5/hour`` means.

        :param text: with seconds, minutes, hours, days, months of 30 days or years of 365.
        :raises ValueError: for anything else, for more than a million times and for more than ten years.
        """
        match = _RATE.fullmatch(text.strip())
        unit = match and _UNITS.get(match[3].lower())
        if match is None or unit is None:
            raise ValueError("must read like '20 per minute' or '20 per 10 minutes'")
        times, number = int(match[1]), int(match[2] or 1)
        length = number * unit if number <= _LARGEST else _LONGEST * 2
        if times > _LARGEST or length > _LONGEST:
            raise ValueError("must not be more than 1000000 times, or longer than 3650 days")
        return cls(times, length)
