"""The Alembic environment: ``env`` runs it, ``versions`` are the steps. Nothing else imports it."""
