"""Server-side sessions: how they begin, how long they last, how they end.

A browser holds 256 random bits, a row holds their SHA-256. ``rules.ended`` says whether a session still
lives and is the one place to read about idle and absolute limits; ``lookup`` is the one SELECT of a request,
``expiring`` what the worker ends and forgets, ``telling`` what is told of them.
"""
