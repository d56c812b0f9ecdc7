"""What a record means, in the few words that all export formats share: how grave, did it succeed, what was detected."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from audit.export.record import Record


class Severity(IntEnum):
    """Numbered as OCSF numbers them."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


_BY_EVENT: Mapping[str, Severity] = MappingProxyType(
    {
        "audit.clock": Severity.MEDIUM,
        "audit.writer_restarted": Severity.MEDIUM,
        "configuration.refused": Severity.HIGH,
        "content.erased": Severity.MEDIUM,
        "content.erasing": Severity.MEDIUM,
        "issuer.keys_changed": Severity.LOW,
        "issuer.keys_unavailable": Severity.MEDIUM,
        "policy.refused": Severity.HIGH,
        "ship.gap": Severity.HIGH,
    }
)


def severity(record: Record) -> Severity:
    """How grave it is for someone who watches: a block or a policy's refusal stands out, a plain request does not."""
    known = _BY_EVENT.get(record.event)
    if known is not None:
        return known
    if blocked(record) or (refused(record) and record.number("status") == 403):
        return Severity.MEDIUM
    if refused(record) or record.objects("filters") or record.text("outcome") == "failed":
        return Severity.LOW
    return Severity.INFORMATIONAL


def refused(record: Record) -> bool:
    """Whether the record says that something was not served."""
    return record.event.endswith(".refused")


def blocked(record: Record) -> bool:
    """Whether a filter withheld the whole prompt or answer."""
    return record.text("outcome") == "content_filter" or any(
        f.get("action") == "block" for f in record.objects("filters")
    )


def detected(record: Record) -> bool:
    """Whether a filter matched or policy refused: what a detection finding is written for."""
    return bool(record.objects("filters")) or (refused(record) and record.number("status") == 403)


def authentication(record: Record) -> bool:
    """Whether the record is of a sign-in: the token endpoint, a login, or a request whose caller was not accepted."""
    family = record.event.partition(".")[0]
    return family in ("token", "login") or (refused(record) and record.number("status") == 401)


def succeeded(record: Record) -> bool | None:
    """True or False where the record says how it went; None where the client went away or nothing was attempted."""
    if refused(record):
        return False
    outcome = record.text("outcome")
    if outcome is not None:
        return {"completed": True, "aborted": None}.get(outcome, False)
    return True if record.event.startswith(("request.", "token.", "configuration.", "audit.read")) else None


def who(record: Record) -> str | None:
    """Who did it: an operator at a command, else the caller of a request. What `content` records erase did nothing."""
    caller = None if record.event.startswith("content.") else record.text("subject") or record.text("client_id")
    return record.text("user") or caller


def url_path(record: Record) -> str | None:
    """The path that was asked for by HTTP. The records of a policy's files have a `path` that is none."""
    return record.text("path") if record.text("method") else None


def title(record: Record) -> str:
    """One line for a person: the event, who, and what stopped it."""
    parts = [record.event or "record"]
    for label, value in (
        ("by", who(record)),
        ("on", record.text("model") or record.text("object")),
        ("code", record.text("code")),
        ("outcome", record.text("outcome")),
    ):
        if value:
            parts.append(f"{label} {value}")
    return " ".join(parts)
