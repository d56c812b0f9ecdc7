"""Cross-origin access for browsers (WHATWG Fetch §3.2): exactly the origins of the configuration, compared whole."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask, Request, Response, request

_EXPOSED = (
    "X-Request-ID, Hangu-Policy, Hangu-Record, Retry-After, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests"
)


def install(app: Flask, origins: Collection[str]) -> None:
    """Answer preflights and mark answers for the allowed origins. Without origins nothing is ever allowed."""
    allowed = frozenset(origins)
    if not allowed:
        return

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS" or not _permitted(request, allowed):
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
        return response

    @app.after_request
    def mark(response: Response) -> Response:
        response.vary.add("Origin")
        if _permitted(request, allowed):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response


def _permitted(incoming: Request, allowed: frozenset[str]) -> bool:
    return incoming.headers.get("Origin") in allowed
