"""OCSF 1.3.0 events (https://schema.ocsf.io/1.3.0/): what a record is in the Open Cybersecurity Schema Framework.

A sign-in becomes Authentication (3002), a start or stop of the gateway Application Lifecycle (6002), everything else
API Activity (6003). What a filter or the policy detected becomes a Detection Finding (2004) besides, related to that
event by `finding_info.related_events`. `raw_data` holds the record as it stands in the log, `metadata.uid` its receipt.
"""

from collections.abc import Mapping

import orjson

from audit.export import meaning
from audit.export.meaning import Severity
from audit.export.ocsf_objects import SERVICE, actor, api, http, known, resources, source, user
from audit.export.record import Record

VERSION = "1.3.0"
_PRODUCT = {"name": "Hangu", "vendor_name": "Hangu"}
_OTHER = 99
_OAUTH_2 = 6
_NETWORK_LOGON = 3

_API = (6003, "API Activity", 6, "Application Activity")
_LIFECYCLE = (6002, "Application Lifecycle", 6, "Application Activity")
_AUTHENTICATION = (3002, "Authentication", 3, "Identity & Access Management")
_FINDING = (2004, "Detection Finding", 2, "Findings")

_CREATE, _READ, _UPDATE, _DELETE = (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")
_BY_ACTION = {
    "chat": _CREATE,
    "read": _READ,
    "export": _READ,
    "update": _UPDATE,
    "activate": _UPDATE,
    "delete": _DELETE,
}
_BY_ENDING = {"read": _READ, "loaded": _READ, "activated": _UPDATE, "keys_changed": _UPDATE, "erased": _DELETE}
_UNMAPPED = ("decision", "bundle", "chains", "filters", "usage", "outcome", "finish_reason", "admitted", "seconds")


def events(record: Record, *, verified: bool) -> list[dict[str, object]]:
    """The event of a record, and the finding where something was detected."""
    event = _event(record)
    found = [_finding(record, event)] if meaning.detected(record) else []
    for each in (event, *found):
        metadata = each["metadata"]
        if isinstance(metadata, dict):
            metadata["labels"] = ["verified" if verified else "unverified"]
    return [event, *found]


def render(record: Record, *, verified: bool) -> list[bytes]:
    """The events as JSON lines, without LF."""
    return [orjson.dumps(event) for event in events(record, verified=verified)]


def _event(record: Record) -> dict[str, object]:
    if meaning.authentication(record):
        return _authentication(record)
    if record.event in ("gateway.started", "gateway.stopped"):
        return _lifecycle(record)
    return _api_activity(record)


def _api_activity(record: Record) -> dict[str, object]:
    return _common(record, _API, _activity(record)) | {
        "actor": actor(record),
        "api": api(record),
        "src_endpoint": source(record),
        "resources": resources(record),
        **http(record),
    }


def _lifecycle(record: Record) -> dict[str, object]:
    activity = (3, "Start") if record.event == "gateway.started" else (4, "Stop")
    return _common(record, _LIFECYCLE, activity) | {"app": _PRODUCT | known(version=record.text("version"))}


def _authentication(record: Record) -> dict[str, object]:
    return _common(record, _AUTHENTICATION, (1, "Logon")) | {
        "user": user(record) or {"name": "unknown"},
        "service": SERVICE,
        "auth_protocol_id": _OAUTH_2,
        "auth_protocol": "OAUTH 2.0",
        "logon_type_id": _NETWORK_LOGON,
        "logon_type": "Network",
        "is_remote": True,
        "src_endpoint": source(record),
        **http(record),
    }


def _finding(record: Record, event: Mapping[str, object]) -> dict[str, object]:
    hits = record.objects("filters")
    names = sorted({f"{hit.get('filter')}/{hit.get('type')}" for hit in hits})
    rule = record.text("rule", "decision")
    common = _common(record, _FINDING, (1, "Create"))
    metadata = common["metadata"]
    uid = f"{record.id}/finding"
    return common | {
        "metadata": (metadata if isinstance(metadata, dict) else {}) | {"uid": uid},
        "status_id": 1,
        "status": "New",
        "finding_info": {
            "uid": uid,
            "title": f"Filters matched: {', '.join(names)}"
            if names
            else f"Refused by policy: {rule or 'no rule allows it'}",
            "types": names or ["policy"],
            "analytic": {"type_id": 1, "type": "Rule", "name": names[0] if names else rule or "default deny"},
            "created_time": record.microseconds // 1000,
            "data_sources": [record.origin],
            "related_events": [{"uid": record.id, "type_uid": event["type_uid"]}],
        },
        "evidences": [{"actor": actor(record), "api": api(record), "src_endpoint": source(record)}],
        "resources": resources(record),
    }


def _common(record: Record, kind: tuple[int, str, int, str], activity: tuple[int, str]) -> dict[str, object]:
    """What every class requires or recommends, first of all the attributes of classification and occurrence."""
    uid, name, category, category_name = kind
    number, activity_name = activity
    severity = meaning.severity(record)
    return {
        "activity_id": number,
        "activity_name": activity_name,
        "category_uid": category,
        "category_name": category_name,
        "class_uid": uid,
        "class_name": name,
        "type_uid": uid * 100 + number,
        "type_name": f"{name}: {activity_name if number != _OTHER else 'Other'}",
        "time": record.microseconds // 1000,
        "severity_id": int(severity),
        "severity": Severity(severity).name.capitalize(),
        "message": meaning.title(record),
        "metadata": _metadata(record),
        "raw_data": record.body.decode(),
        "unmapped": {"origin": record.origin, "index": record.index}
        | {name: record.fields[name] for name in _UNMAPPED if name in record.fields},
        **_status(record),
        **known(duration=record.number("duration_ms"), count=record.number("count")),
    }


def _metadata(record: Record) -> dict[str, object]:
    return {
        "version": VERSION,
        "product": _PRODUCT,
        "uid": record.id,
        "sequence": record.index,
        "event_code": record.event,
        "log_name": "audit",
        "log_provider": record.origin,
        "original_time": record.time,
        **known(correlation_uid=record.text("request_id")),
    }


def _status(record: Record) -> dict[str, object]:
    succeeded = meaning.succeeded(record)
    number, name = {True: (1, "Success"), False: (2, "Failure"), None: (0, "Unknown")}[succeeded]
    return {
        "status_id": number,
        "status": name,
        **known(status_code=record.text("code"), status_detail=record.text("detail")),
    }


def _activity(record: Record) -> tuple[int, str]:
    activity = _BY_ACTION.get(record.text("action") or "") or _BY_ENDING.get(record.event.rpartition(".")[2])
    if activity is None and record.event == "request.finished":
        return _CREATE
    return activity or (_OTHER, record.text("action") or record.event or "record")
