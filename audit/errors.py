"""Everything that `audit` raises on purpose. Nothing else leaves a public function."""


class AuditError(Exception):
    """The parent of every error of this package."""


class NotCanonical(AuditError):
    """Bytes or a value that have no place in the log: see `audit.canonical`."""


class RecordRefused(AuditError):
    """This record will never be written as it is: unknown event, wrong field, not canonical, too large."""


class AuditUnavailable(AuditError):
    """It could not be confirmed in time that the record is durable. The caller must refuse the request."""


class KeyUnusable(AuditError):
    """A key file or key line that cannot be read, has the wrong type, or is open to others."""


class LogBusy(AuditError):
    """Another process writes this log or listens on this socket."""


class UnreadableLog(AuditError):
    """There is no log to judge: no such directory, no segment, no permission, a failing disk, a bad anchor file."""


class Tampered(AuditError):
    """The log is not what was signed. `str()` reads `file:line: what`."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file = file
        self.line = line
        self.what = what
