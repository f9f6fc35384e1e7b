"""How often somebody may ask: counts in Redis for all nodes, or in this process for one.

``Limiter`` in ``limiter`` is where to start: it counts in the one place, goes over to the other while Redis does not
answer, and says so. Who is counted, and where, is ``web``'s to say.
"""

from .errors import LimiterUnavailable as LimiterUnavailable, TooManyRequests as TooManyRequests
from .limiter import Limiter as Limiter, make_limiter as make_limiter
