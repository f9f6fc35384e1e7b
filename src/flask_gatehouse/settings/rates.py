"""How often something may happen in a time."""

import re
from dataclasses import dataclass
from datetime import timedelta

_RATE = re.compile(r"([1-9][0-9]*)\s*(?:per|/)\s*([1-9][0-9]*)?\s*(second|minute|hour|day)s?", re.IGNORECASE)
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

        :raises ValueError: for anything else, for more than a million times and for more than ten years.
        """
        match = _RATE.fullmatch(text.strip())
        if match is None:
            raise ValueError("must read like '20 per minute' or '20 per 10 minutes'")
        times, number = int(match[1]), int(match[2] or 1)
        length = number * timedelta(**{f"{match[3].lower()}s": 1}) if number <= _LARGEST else _LONGEST * 2
        if times > _LARGEST or length > _LONGEST:
            raise ValueError("must not be more than 1000000 times, or longer than 3650 days")
        return cls(times, length)
