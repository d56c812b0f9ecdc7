"""The objects inside OCSF 1.3.0 events: who, from where, what was called, on what (https://schema.ocsf.io/1.3.0/objects)."""

import ipaddress

from audit.export import meaning
from audit.export.record import Record

SERVICE = {"name": "Hangu"}


def actor(record: Record) -> dict[str, object]:
    """`actor`, which needs a user, session or application: where none is named, the gateway itself, or `unknown`."""
    issuer, token, client = record.text("issuer"), record.text("token_id"), record.text("client")
    named = known(
        user=user(record) or None,
        session=known(uid=token, issuer=issuer) if token else None,
        app_uid=client,
    )
    if named:
        return named | known(idp={"name": issuer} if issuer else None)
    return {"user": {"name": "unknown"}} if record.event.startswith("request.") else {"app_name": "Hangu"}


def user(record: Record) -> dict[str, object]:
    """`user`; empty where the record names none."""
    subject = meaning.who(record)
    if subject is None:
        return {}
    groups = [{"name": role} for role in record.texts("roles")]
    return {"uid": subject, "name": subject} | known(groups=groups or None, domain=record.text("tenant"))


def api(record: Record) -> dict[str, object]:
    """`api`, whose `operation` is required."""
    request, status = record.text("request_id"), record.number("status")
    response = known(code=status, error=record.text("code"), error_message=record.text("detail"))
    return {
        "operation": record.text("route") or record.text("command") or record.event or "record",
        "service": SERVICE,
        **known(request={"uid": request} if request else None, response=response or None),
    }


def source(record: Record) -> dict[str, object]:
    """`network_endpoint` that it came from; the gateway itself where the record has no address."""
    address = record.text("address")
    if not address:
        return {"svc_name": "hangu"}
    try:
        return {"ip": str(ipaddress.ip_address(address))}
    except ValueError:
        return {"name": address}


def resources(record: Record) -> list[dict[str, object]]:
    """`resource_details` of what was asked for, and of the policy that decided."""
    found = [("object", record.text("object")), ("model", record.text("model")), ("policy", record.text("bundle"))]
    if record.event.startswith("content."):
        found.append(("subject", record.text("subject")))
    return [{"type": kind, "name": name, "uid": name} for kind, name in found if name]


def http(record: Record) -> dict[str, object]:
    """The member `http_request`, where there was a request."""
    method, path = record.text("method"), meaning.url_path(record)
    request = known(
        http_method=method, url={"path": path} if path else None, uid=record.text("request_id") if method else None
    )
    return {"http_request": request} if request else {}


def known(**members: object) -> dict[str, object]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}
