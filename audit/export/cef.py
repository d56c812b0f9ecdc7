"""CEF version 0: one line for each record, as ArcSight's "Common Event Format" (revision 25) defines it.

In the header `\\` and `|` are escaped and line ends cannot be; in the extension `\\`, `=` and line ends are. Values are
cut at the lengths of CEF's own dictionary. What has no key there stands in the custom fields `cs1` to `cs6`, `cn1` to
`cn3`.
"""

import ipaddress
import re
from collections.abc import Iterator

from audit.export import meaning
from audit.export.columns import filter_hits
from audit.export.meaning import Severity
from audit.export.record import Record

_VENDOR, _PRODUCT, _VERSION = "Hangu", "Hangu", "1"
_SEVERITY = {Severity.INFORMATIONAL: 1, Severity.LOW: 3, Severity.MEDIUM: 6, Severity.HIGH: 8}
_HEADER_CHARS = 512
# Other line ends and controls would break a line in two, or a terminal; CEF has no escape for them.
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")


def render(record: Record, *, verified: bool) -> bytes:
    """The line, without its LF."""
    header = ("CEF:0", _VENDOR, _PRODUCT, _VERSION, record.event or "record", meaning.title(record))
    prefix = "|".join([header[0], *(_header(part) for part in header[1:])])
    extension = " ".join(f"{key}={_value(value, limit)}" for key, value, limit in _extension(record, verified))
    return f"{prefix}|{_SEVERITY[meaning.severity(record)]}|{extension}".encode()


def _extension(record: Record, verified: bool) -> Iterator[tuple[str, str, int]]:
    """Key, value and the longest value that CEF's dictionary allows; only what the record holds."""
    for key, value, limit in (
        ("rt", str(record.microseconds // 1000), 20),
        ("deviceExternalId", record.origin, 255),
        ("externalId", str(record.index), 40),
        ("suser", meaning.who(record), 1023),
        ("spriv", ",".join(record.texts("roles")), 1023),
        ("requestMethod", record.text("method"), 1023),
        ("request", meaning.url_path(record) or record.text("object"), 1023),
        ("requestContext", record.text("request_id"), 2048),
        ("requestClientApplication", record.text("client"), 1023),
        ("app", record.text("route"), 31),
        ("act", record.text("action"), 63),
        ("outcome", record.text("outcome") or record.text("effect", "decision"), 63),
        ("reason", record.text("code") or record.text("reason", "decision"), 1023),
        ("cnt", _number(record.number("count")), 20),
        ("msg", record.text("detail"), 1023),
    ):
        if value:
            yield key, value, limit
    yield from _source(record.text("address"))
    yield from _custom(record)
    yield "flexString1Label", "verified", 1023
    yield "flexString1", "true" if verified else "false", 1023


def _source(address: str | None) -> Iterator[tuple[str, str, int]]:
    if not address:
        return
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        yield "shost", address, 1023
        return
    if parsed.version == 4:
        yield "src", str(parsed), 16
    else:  # `src` takes IPv4 only
        yield "c6a2Label", "Source IPv6 Address", 1023
        yield "c6a2", str(parsed), 45


def _custom(record: Record) -> Iterator[tuple[str, str, int]]:
    texts = (
        ("model", record.text("model")),
        ("rule", record.text("rule", "decision")),
        ("policy", record.text("bundle")),
        ("issuer", record.text("issuer")),
        ("filters", "; ".join(filter_hits(record))),
        ("finish reason", record.text("finish_reason")),
    )
    numbers = (
        ("prompt tokens", record.number("prompt", "usage")),
        ("completion tokens", record.number("completion", "usage")),
        ("duration ms", record.number("duration_ms")),
    )
    for place, (label, text) in enumerate(texts, 1):
        if text:
            yield f"cs{place}Label", label, 1023
            yield f"cs{place}", text, 4000
    for place, (label, number) in enumerate(numbers, 1):
        if number is not None:
            yield f"cn{place}Label", label, 1023
            yield f"cn{place}", str(number), 20


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _header(text: str) -> str:
    plain = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\n", " ").replace("\r", " "))
    return plain[:_HEADER_CHARS].replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str, limit: int) -> str:
    plain = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)[:limit]
    for char, escaped in (("\\", "\\\\"), ("=", "\\="), ("\n", "\\n"), ("\r", "\\r")):
        plain = plain.replace(char, escaped)
    return plain
