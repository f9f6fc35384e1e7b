"""The database as every room sees it: one declarative base, strict types, engines, transactions, migrations.

``database.Database`` is what services and ``web`` hold: ``reading()`` is one autocommit connection for a
SELECT, ``transaction()`` one session that commits as a whole. Start there.
"""
