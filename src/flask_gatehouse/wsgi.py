"""``app``, for servers: ``gunicorn flask_gatehouse.wsgi:app``."""

from .app import create_app
from .web.logs import begin_logging

app = create_app()
begin_logging(app)
