"""What stands before and behind the token endpoint: the address limit, the network, and the record of each answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request

from gateway.edge import Edge
from gateway.pipeline import Gate
from gateway.record import Record

ENDPOINT = "oauth.token"


def record_event(event: str, **fields: Any) -> None:
    """Write a token event as the record of the request at hand. Raises AuditUnavailable, and then no token leaves."""
    record: Record = g.record
    record.serve(event, **fields)


def guard(routes: Blueprint, gate: Gate, edge: Edge) -> Blueprint:
    """Count and check each token request before Authlib reads it, and tie its answer to its record."""

    @routes.before_request
    def admit() -> None:
        if request.endpoint != ENDPOINT:
            return  # metadata and public keys are for everyone
        record = edge.open(request, ENDPOINT)
        record.bundle = gate.policies()
        gate.limit_address(record.bundle, record.incoming.address)
        gate.check_network(record.bundle, record.incoming)

    @routes.after_request
    def tie(response: Response) -> Response:
        record: Record | None = g.get("record")
        if record is not None:
            response.headers.update(record.headers())
        return response

    return routes
