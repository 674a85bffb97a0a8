"""Who did what, when: a log that is on the disk before an act is reported done, and that shows when it was changed."""

from indextts_hub.audit.events import AuditEvent
from indextts_hub.audit.log import AuditLog
from indextts_hub.audit.verify import Checkpoint, LogFinding, VerifierKey

__all__ = ["AuditEvent", "AuditLog", "Checkpoint", "LogFinding", "VerifierKey"]
