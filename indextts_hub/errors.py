"""Every error a user can meet, each with a stable code, what is wrong and what to do.

    HubError
    ├── UsageError        exit 2    wrong usage, settings or catalogue
    ├── NotFound          exit 3    no such version, alias or file
    ├── IntegrityError    exit 4    bytes that are not what the manifest says
    ├── SourceError       exit 5    no source could deliver
    │   ├── Expired                 a link or signature ran out: resolve it again
    │   ├── Refused                 the mirror says no: credentials, rights, limits
    │   ├── TooSlow                 below the minimum rate, or silent for too long
    │   └── Lied                    the mirror's answer contradicts the manifest or itself
    ├── StorageError      exit 6    disk full, not writable, or not a cache_hub
    ├── Busy              exit 7    someone else holds the lock
    └── PolicyError       exit 8    refused: licence, signature, unsafe pickle, offline

An exception that is none of these is a defect of ours and exits with 1.
"""

from typing import ClassVar

__all__ = [
    "Busy",
    "Expired",
    "HubError",
    "IntegrityError",
    "Lied",
    "NotFound",
    "PolicyError",
    "Refused",
    "SourceError",
    "StorageError",
    "TooSlow",
    "UsageError",
]


class HubError(Exception):
    """What is wrong, in one line, and what to do about it, in another.

    Args:
        message: what is wrong; never a secret, never a traceback.
        remedy: what the reader can do next.
        code: a stable code narrower than the class's own, `E_` and capitals.
    """

    exit_code: ClassVar[int]
    default_code: ClassVar[str]

    def __init__(self, message: str, *, remedy: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code or self.default_code


class UsageError(HubError):
    exit_code = 2
    default_code = "E_USAGE"


class NotFound(HubError):
    exit_code = 3
    default_code = "E_NOT_FOUND"


class IntegrityError(HubError):
    exit_code = 4
    default_code = "E_INTEGRITY"


class SourceError(HubError):
    exit_code = 5
    default_code = "E_SOURCE"


class Expired(SourceError):
    default_code = "E_EXPIRED"


class Refused(SourceError):
    default_code = "E_REFUSED"


class TooSlow(SourceError):
    default_code = "E_TOO_SLOW"


class Lied(SourceError):
    default_code = "E_LIED"


class StorageError(HubError):
    exit_code = 6
    default_code = "E_STORAGE"


class Busy(HubError):
    exit_code = 7
    default_code = "E_BUSY"


class PolicyError(HubError):
    exit_code = 8
    default_code = "E_POLICY"
