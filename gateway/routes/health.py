"""Liveness, readiness and the API description: for machines, without a token and without a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response

from gateway.edge import json_response

Check = Callable[[], bool]


def build(checks: Mapping[str, Check], openapi: Callable[[], bytes]) -> Blueprint:
    """`checks` name what must hold for a request sent now to be served."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz/live")
    def live() -> Response:
        return json_response({"status": "live"})

    @routes.get("/healthz/ready")
    def ready() -> Response:
        failed = sorted(name for name, check in checks.items() if not check())
        if failed:
            response = json_response({"status": "not ready", "failed": failed}, status=503)
            response.headers["Retry-After"] = "1"
            return response
        return json_response({"status": "ready"})

    @routes.get("/openapi.json")
    def description() -> Response:
        return Response(openapi(), mimetype="application/json")

    return routes
