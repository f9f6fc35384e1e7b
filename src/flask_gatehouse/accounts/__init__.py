"""Users, the identities they sign in with, roles, and who may do what to whom.

A user is found by ``(issuer, subject)``, never by an address. ``rules`` decides; ``service`` names every use case,
each in the file of its kind, and each records its change; ``object_rules`` are for a host's own things.
``columns.actor_columns`` are what the one SELECT of a request reads. Start with ``administration``.
"""
