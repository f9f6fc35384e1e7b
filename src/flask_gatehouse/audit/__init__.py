"""The audit trail: who did what to whom, written in the transaction of the change itself.

``record`` is the whole interface; a host calls it for its own events. ``events`` names ours, ``body`` says how an
event is written down, ``tree`` and ``sealing`` give it a place that proves itself, ``checkpoints`` sign how the tree
stands, and ``verifying`` holds everything against that.
"""

from .body import Personal as Personal
from .events import AuditEvent as AuditEvent, Outcome as Outcome
from .service import Facts as Facts, record as record, record_each as record_each
