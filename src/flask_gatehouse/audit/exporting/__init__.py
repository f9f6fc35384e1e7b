"""Taking the trail elsewhere: as lines that prove themselves, for spreadsheets, and in OCSF.

Start with ``writing``; ``sections`` says what a header says of each epoch, ``selection`` which events are asked for.
``docs/reference/audit-export.md`` is the format, and ``audit/verify_export.py`` checks a file anywhere.
"""
