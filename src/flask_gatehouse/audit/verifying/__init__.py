"""Verification: the whole trail is computed again from its rows, and held against checkpoints.

Read ``findings`` (what can be wrong) and ``verification`` (the way through it all) first. That reads a snapshot, one
``epoch`` at a time and each epoch in stretches: ``stretch`` checks events against leaves, ``..agreement`` columns
against bodies, ``growing`` the tree above. ``held_against`` brings the checkpoints. What came of it is judged in
``judging`` (one epoch, with ``evidence`` for the kind), ``continuing`` (from one to the next) and ``across`` (erasures,
cuts, leftovers), and told by ``report``.
"""

from .findings import Finding as Finding, Kind as Kind
from .held_against import Held as Held
from .report import Report as Report
from .verification import count_sealed as count_sealed, verify as verify
