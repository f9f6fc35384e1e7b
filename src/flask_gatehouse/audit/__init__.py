"""The audit trail: who did what to whom, written in the transaction of the change itself.

``record`` is the whole interface; a host calls it for its own events. ``events`` names ours.
"""

from .events import AuditEvent as AuditEvent
from .service import record as record, record_each as record_each
