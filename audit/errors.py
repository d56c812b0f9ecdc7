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


class ArchiveFailed(AuditError):
    """Old segments cannot be compressed here."""


class ExportFailed(AuditError):
    """An export cannot be written as asked: its file or its format."""


class LogChanged(AuditError):
    """The log was verified, but is not the same any more when it is read again."""


class ReviewFailed(AuditError):
    """A question that cannot be answered as asked, or an index that cannot be built, opened or waited for."""


class ShippingFailed(AuditError):
    """Records cannot be sent on: a target or cursor that is no good, or a log that is not the one sent before."""


class ProofInvalid(AuditError):
    """A proof, or a pack of evidence, does not show what it claims."""


class NotProvable(AuditError):
    """The log cannot prove what was asked for: no such line, no checkpoint over it, or lines purged meanwhile."""


class AnchorFailed(AuditError):
    """A checkpoint could not be brought to a target, or anchors could not be fetched from one."""


class Tampered(AuditError):
    """The log is not what was signed. `str()` reads `file:line: what`."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file = file
        self.line = line
        self.what = what


class ContentsUnavailable(AuditError):
    """A contents store that cannot be used, or did not take a text. The caller must refuse the request."""


class ContentsUnreadable(AuditError):
    """A sealed text that cannot be opened: its key was erased or is another's, or it is not what was sealed."""


class ContentsErased(ContentsUnreadable):
    """A sealed text whose key was erased."""
