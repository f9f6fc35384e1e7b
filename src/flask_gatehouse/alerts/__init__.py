"""What is told to people and programs outside, and how it reaches them. Nobody's request waits for any of it.

Operators: ``engine`` follows the trail by the table in ``rules``, asks ``overdue`` what should have happened by now,
counts into ``groups``, and tells ``sinks`` in ``messages``. People: ``invitations`` and ``notices`` write ``letters``,
which ``delivery`` brings one by one. Each reader of the trail keeps its place in a ``cursor``. ``mail`` and ``webhook``
speak to others, and ``deadline`` ends each of these calls after half a minute.
"""
