"""RFC 5424 messages: one for each record, its receipt in structured data, the record itself as the text.

    <109>1 2026-11-23T08:00:00.001000Z host-a hangu - request.refused [hangu@32473 origin="host-a/hangu" index="5"] {…}

The text is UTF-8 without a byte order mark (MSG-ANY), since receivers parse it as JSON or CEF. A message longer than
the receiver takes is cut behind a whole character, and `truncated` then says how many bytes the text had (RFC 5424
section 6.1). 32473 is the enterprise number that RFC 5612 keeps for documentation: Hangu has none of its own.
"""

import re

from audit.export import meaning
from audit.export.formats import message
from audit.export.meaning import Severity
from audit.export.record import Record

SD_ID = "hangu@32473"
APP_NAME = "hangu"
FORMATS = ("jsonl", "cef", "ocsf")
_LOG_AUDIT = 13  # facility
_SEVERITY = {Severity.INFORMATIONAL: 6, Severity.LOW: 5, Severity.MEDIUM: 4, Severity.HIGH: 3}
_NOT_PRINTABLE = re.compile(r"[^!-~]")
_PARAM_ESCAPE = re.compile(r'(["\\\]])')
_MAX_MSGID = 32


def messages(record: Record, form: str, limit: int) -> list[bytes]:
    """The messages of a record in one of `FORMATS`, each of at most `limit` bytes (at least 480)."""
    return [_message(record, text, limit) for text in message(form, record, verified=False)]


def _message(record: Record, text: bytes, limit: int) -> bytes:
    whole = _head(record, None) + text
    if len(whole) <= limit:
        return whole
    head = _head(record, len(text))
    cut = text[: limit - len(head)].decode("utf-8", "ignore").encode()
    return head + cut


def _head(record: Record, truncated: int | None) -> bytes:
    priority = _LOG_AUDIT * 8 + _SEVERITY[meaning.severity(record)]
    host = _word(record.origin.partition("/")[0], 255)
    event = _word(record.event, _MAX_MSGID)
    params = [("origin", record.origin), ("index", str(record.index))]
    if truncated is not None:
        params.append(("truncated", str(truncated)))
    data = " ".join(f'{name}="{_PARAM_ESCAPE.sub(_BACKSLASH, value)}"' for name, value in params)
    return f"<{priority}>1 {record.time} {host} {APP_NAME} - {event} [{SD_ID} {data}] ".encode()


_BACKSLASH = r"\\\1"


def _word(text: str, limit: int) -> str:
    """A header field: printable ASCII without spaces, or `-` for nothing."""
    return _NOT_PRINTABLE.sub("?", text)[:limit] or "-"
