"""Users, the identities they sign in with, roles, and who may do what to whom.

A user is found by ``(issuer, subject)``, never by an address. ``rules`` decides, ``service`` changes
rows and records each change; ``columns.actor_columns`` are what the one SELECT of a request reads.
"""
