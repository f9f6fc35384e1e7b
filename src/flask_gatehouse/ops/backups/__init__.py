"""Backups: one file that proves itself, and a restore that touches nothing before everything is ready.

``service`` has the three journeys: make, restore, drill. ``archive`` is the file, ``encryption`` its cover, ``sqlite``
and ``postgresql`` the two ways in and out of a database. A restored copy is finished beside the live one,
which then changes in one step.
"""
