"""``app``, for servers: ``gunicorn flask_gatehouse.wsgi:app``."""

from .app import create_app

app = create_app()
