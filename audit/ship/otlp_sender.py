"""OTLP receivers over HTTP, with JSON and gzip (https://opentelemetry.io/docs/specs/otlp/#otlphttp).

200 means taken; a partial success is not sent again, as the specification demands, but what was rejected is said. 400,
413 and 422 are about the records themselves. Every other answer, and a connection that breaks, leaves the records with
us: the specification has a client drop them where it does not retry, but here the log still has them, and the cursor
waits.
"""

import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import orjson
import urllib3

from audit.errors import ShippingFailed
from audit.export.otel import logs
from audit.export.record import Record
from audit.ship.sender import NotTaken, Refused, Trust
from audit.ship.tls import tls_context

HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"
_REQUEST_BYTES = 1 << 20  # of records, before they are compressed
_MAX_ANSWER = 64 << 10
_ABOUT_THE_RECORDS = (400, 413, 422)
_TIMEOUT = urllib3.Timeout(connect=5.0, read=10.0)


class OtlpHttp:
    """A receiver at the URL of its logs endpoint."""

    def __init__(self, url: str, trust: Trust, headers: Mapping[str, str]) -> None:
        context = tls_context(trust) if url.startswith("https:") else None
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=1, ssl_context=context)
        self._url = url
        self._headers = {**headers, "Content-Type": "application/json", "Content-Encoding": "gzip"}

    def send(self, records: Sequence[Record]) -> str:
        complaints = [self._post(part) for part in _parts(records)]
        return "; ".join(complaint for complaint in complaints if complaint)

    def close(self) -> None:
        self._pool.clear()

    def _post(self, records: Sequence[Record]) -> str:
        body = gzip.compress(orjson.dumps(logs(records, verified=False)), 6)
        try:
            answer = self._pool.request(
                "POST", self._url, body=body, headers=self._headers, redirect=False, preload_content=False
            )
            try:
                text = answer.read(_MAX_ANSWER, decode_content=False)  # none was asked for: no bomb is unpacked
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NotTaken(_reason(error)) from error
        if answer.status == 200:
            return _rejected(text)
        reason = f"HTTP {answer.status}"
        if answer.status in _ABOUT_THE_RECORDS:
            raise Refused(reason)
        raise NotTaken(reason, _retry_after(answer.headers.get("Retry-After")))


def environment_headers() -> dict[str, str]:
    """The headers of `OTEL_EXPORTER_OTLP_HEADERS`, such as credentials: `key=value,key=value`, values percent-encoded.

    Raises `ShippingFailed` where they are not of that form.
    """
    pairs = [pair.partition("=") for pair in os.environ.get(HEADERS_VARIABLE, "").split(",") if pair.strip()]
    headers = {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
    for name, value in headers.items():
        if not name or not name.isascii() or not name.isprintable() or not value.isprintable() or not value.isascii():
            raise ShippingFailed(f"{HEADERS_VARIABLE}: not a list of `name=value`")
    return headers


def _parts(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """The records in groups that one request can carry."""
    start = size = 0
    for place, record in enumerate(records):
        if place > start and size + len(record.body) > _REQUEST_BYTES:
            yield records[start:place]
            start, size = place, 0
        size += len(record.body)
    yield records[start:]


def _rejected(text: bytes) -> str:
    """What a partial success says (`ExportLogsPartialSuccess`), or nothing."""
    try:
        partial = orjson.loads(text)["partialSuccess"]
        count, message = int(partial.get("rejectedLogRecords", 0)), str(partial.get("errorMessage", ""))
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return ""
    return f"the receiver rejected {count} records: {message}" if count else message


def _retry_after(value: str | None) -> float | None:
    """Seconds, from either form of the header (RFC 9110 section 10.2.3); None where it is missing or neither."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _reason(error: Exception) -> str:
    """Why a request got no answer; urllib3's own texts name objects of its own."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "cannot connect"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return str(error.args[-1]) if error.args else type(error).__name__
