"""What every room may use and nothing here may know: time, errors, safe addresses, who is acting.

No Flask, no SQLAlchemy, no I/O beyond the clock and what ``files`` writes to the disk. Start with ``errors``.
"""
