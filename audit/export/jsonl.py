"""JSON lines: the record as it stands in the log, under its origin and index. Nothing is lost or renamed."""

from audit.export.record import Record


def render(record: Record, *, verified: bool) -> bytes:
    """One line without its LF. The `record` in it has the very bytes of the log."""
    return b'{"origin":"%b","index":%d,"time":"%b","verified":%b,"record":%b}' % (
        record.origin.encode(),
        record.index,
        record.time.encode(),
        b"true" if verified else b"false",
        record.body,
    )
