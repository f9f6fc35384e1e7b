"""What belongs to the person: everything that is held about her, given to her or erased for good.

``export`` tells it, ``erasure`` removes it. ``ledger`` keeps outside of the database who was erased, so that ``replay``
can do it again where an old backup brought somebody back. ``retention`` removes what nobody needs any longer.
"""
