"""Administration: what is configured, for those whom policy lets read it. No secret is part of the answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from gateway import pipeline
from gateway.edge import Edge, json_response
from gateway.pipeline import Gate
from gateway.settings import Settings
from gateway.settings_models import EmbeddedModel
from policies.bundle import Bundle


def build(gate: Gate, edge: Edge, settings: Settings) -> Blueprint:
    """The `/api/admin` routes over one gate."""
    routes = Blueprint("admin", __name__, url_prefix="/api/admin")

    @routes.get("/configuration")
    def configuration() -> Response:
        record = edge.open(request, "admin.configuration", "admin")
        with record:
            bundle = pipeline.admit_read(record, gate, "admin/configuration", "read")
            body = describe(bundle, settings)
            record.serve("configuration.read")
        return json_response(body, record)

    return routes


def describe(bundle: Bundle, settings: Settings) -> dict[str, Any]:
    """The active policy bundle and the deployment around it, as plain data."""
    return {
        "bundle": {
            "name": bundle.name,
            "version": bundle.version,
            "digest": bundle.digest,
            "issuers": [issuer.name for issuer in bundle.identity.issuers],
            "chains": sorted(bundle.filters.chains),
        },
        "models": [
            {
                "id": model.id,
                "aliases": list(model.aliases),
                "engine": "transformers" if isinstance(model, EmbeddedModel) else "openai",
            }
            for model in settings.models
        ],
        "audit": {"origin": settings.audit.origin, "writer": settings.audit.writer},
        "workers": settings.workers,
        "threads": settings.threads,
        "http": {"cors_origins": list(settings.http.cors_origins), "max_body_bytes": settings.http.max_body},
    }
