"""The composition root: builds the stages from the settings, registers the routes and the one error handler."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as RoutedMethodNotAllowed
from werkzeug.exceptions import NotFound as RoutedNotFound

from audit.client import AuditClient
from audit.errors import AuditError
from audit.event import event_logger
from gateway import __version__, cors, drain, openapi
from gateway.address import Addresses
from gateway.authorise import authorise
from gateway.body import discard_body
from gateway.call import Incoming
from gateway.edge import SECURITY_HEADERS, Edge, error_response
from gateway.errors import (
    BadRequest,
    GatewayError,
    InternalError,
    MethodNotAllowed,
    NetworkForbidden,
    NotFound,
    RequestTimeout,
)
from gateway.identity import token_guard
from gateway.identity.authenticate import Authenticator, RevokedTokens
from gateway.identity.clients import load_clients
from gateway.identity.issuers import configure_issuers, open_token_issuer
from gateway.infer import infer
from gateway.limit import Limits
from gateway.models import Models
from gateway.pipeline import Gate
from gateway.record import UNROUTED, ClientGone, Emit, Record
from gateway.routes import admin, health, legacy, openai
from gateway.routes.oauth import OAuthConfig, build_oauth
from gateway.screen import screen_completion, screen_prompt
from gateway.settings import Settings
from policies import bundle as bundles
from policies.bundle import Bundle
from policies.live import LiveBundle

_log = structlog.get_logger("hangu")


@dataclass(frozen=True, slots=True)
class Running:
    """What an application holds open. Kept in `app.extensions["hangu"]`."""

    models: Models
    log: AuditClient
    edge: Edge
    emit: Emit
    client_seconds: float

    def refuse_unreadable(self, address: str, error: GatewayError) -> tuple[GatewayError, dict[str, str]]:
        """Record a request that never became one, because its bytes are not HTTP. Returns what to answer with."""
        record = self.edge.unreadable(address)
        try:
            record.refuse(error)
        except GatewayError as lost:
            return lost, record.headers()
        return error, record.headers()

    def close(self) -> None:
        """Stop the engines, say so in the log, and drop the connections to its writer."""
        self.models.close()
        with suppress(AuditError):  # a log that is gone already cannot be told
            self.emit("gateway.stopped", version=__version__)
        self.log.close()


def create_app(settings: Settings) -> Flask:
    """The whole gateway as one WSGI application. Raises SourceError or CheckpointError where it cannot serve.

    A worker calls this after it was forked: threads and the model belong to the process that serves.
    """
    bundle = bundles.load(settings.bundle)
    app = Flask("hangu", static_folder=None, template_folder=None)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False, TRUSTED_HOSTS=list(settings.http.hosts) or None)
    app.url_map.merge_slashes = False
    log = AuditClient(settings.audit.socket, settings.audit.timeout)
    emit = event_logger(log.append).event
    edge = Edge(emit, settings.audit.hmac_key, Addresses(settings.http.trusted_proxies))
    tokens = open_token_issuer(settings.oauth, bundle.identity.issuers) if settings.oauth else None
    issuers = configure_issuers(bundle.identity.issuers, settings, tokens)
    models = Models(settings.models, settings.threads)
    gate = build_gate(settings, LiveBundle(bundle), Authenticator(issuers, RevokedTokens()), models)
    _register(app, settings, gate, edge, models)
    if settings.oauth and tokens:
        config = OAuthConfig(tokens, load_clients(settings.oauth.clients))
        app.register_blueprint(token_guard.guard(build_oauth(config, token_guard.record_event), gate, edge))
    app.register_blueprint(
        health.build({"audit": log.healthy, "model": models.ready, "serving": _not_stopping}, openapi.document)
    )
    _handle_errors(app, edge)
    app.after_request(_secure)
    cors.install(app, settings.http.cors_origins)
    app.extensions["hangu"] = Running(models, log, edge, emit, settings.http.client_seconds)
    emit("gateway.started", version=__version__, bundle=bundle.digest, models=models.digests())
    return app


def build_gate(settings: Settings, live: LiveBundle, authenticator: Authenticator, models: Models) -> Gate:
    """The real stages."""
    limits = Limits(settings.limit_storage)
    return Gate(
        policies=live.current,
        models=models.find,
        limit_address=limits.by_address,
        authenticate=lambda header: authenticator.authenticate(header, time.time()),
        check_network=check_network,
        authorise=authorise,
        limit=limits.by_subject,
        screen_prompt=screen_prompt,
        infer=infer,
        screen_completion=screen_completion,
    )


def check_network(bundle: Bundle, incoming: Incoming) -> None:
    """Raise NetworkForbidden unless policy lets this address reach this surface."""
    if not bundle.network.allows(incoming.surface, incoming.address):
        raise NetworkForbidden(detail=f"surface {incoming.surface}")


def _register(app: Flask, settings: Settings, gate: Gate, edge: Edge, models: Models) -> None:
    max_body = settings.http.max_body
    app.register_blueprint(openai.build(gate, edge, models.names, int(time.time()), max_body))
    app.register_blueprint(legacy.build(gate, edge, models.names[0], max_body))
    app.register_blueprint(admin.build(gate, edge, settings))


def _not_stopping() -> bool:
    return not drain.stopping.is_set()


def _handle_errors(app: Flask, edge: Edge) -> None:
    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        """Every refusal and failure leaves here: recorded once, then told in the one error body."""
        if isinstance(error, ClientGone):
            return Response(status=499)  # nobody reads it; the record says `aborted`
        discard_body(request)
        known = _translate(error)
        record: Record = g.get("record") or edge.open(request, UNROUTED)
        if record.open:
            try:
                record.refuse(known)
            except GatewayError as lost:
                known = lost
        return error_response(known, record)


def _translate(error: Exception) -> GatewayError:
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, RoutedNotFound):
        return NotFound()
    if isinstance(error, RoutedMethodNotAllowed):
        return MethodNotAllowed(", ".join(sorted(error.valid_methods or ())))
    if isinstance(error, BlockingIOError | TimeoutError):  # the worker's time-out while a body was read
        return RequestTimeout()
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return BadRequest(detail=type(error).__name__)
    # The message of an unexpected error may hold a caller's text, so only its type and its place are logged.
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("request failed", error=type(error).__name__, at=f"{place.filename}:{place.lineno}")
    return InternalError(detail=type(error).__name__)


def _secure(response: Response) -> Response:
    """Whoever built the answer may have set some of them, or all."""
    if "X-Content-Type-Options" not in response.headers:
        for name, value in SECURITY_HEADERS:
            response.headers.setdefault(name, value)
    return response
