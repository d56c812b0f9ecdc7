"""The composition root: builds the stages from the settings, registers the routes and the one error handler."""

from __future__ import annotations

import os
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as RoutedMethodNotAllowed
from werkzeug.exceptions import NotFound as RoutedNotFound

from audit import schema
from audit.client import AuditClient
from audit.errors import AuditError
from audit.event import event_logger
from gateway import __version__, cors, drain, openapi
from gateway.address import Addresses
from gateway.authorise import authorise
from gateway.body import discard_body
from gateway.call import Incoming
from gateway.contents import Keeper, open_keeper
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
from gateway.fingerprint import fingerprints
from gateway.flood import Floods
from gateway.identity import token_guard
from gateway.identity.authenticate import Authenticator, RevokedTokens
from gateway.identity.clients import load_clients
from gateway.identity.issuers import configure_issuers, open_token_issuer, start_fetching
from gateway.identity.key_records import KeyRecorder, record_fixed
from gateway.identity.keys import FixedKeys
from gateway.infer import infer
from gateway.inventory import record_clients, record_configuration, record_policy
from gateway.limit import Limits, RateLimitExceeded
from gateway.models import Models
from gateway.pipeline import Gate
from gateway.policy import load_policy
from gateway.record import UNROUTED, ClientGone, Emit, Record
from gateway.routes import admin, health, legacy, openai
from gateway.routes.oauth import OAuthConfig, build_oauth
from gateway.screen import screen_completion, screen_prompt
from gateway.settings import Settings
from policies.bundle import Bundle
from policies.live import LiveBundle

_log = structlog.get_logger("hangu")


@dataclass(frozen=True, slots=True)
class Running:
    """What an application holds open. Kept in `app.extensions["hangu"]`."""

    models: Models
    log: AuditClient
    edge: Edge
    keeper: Keeper
    emit: Emit
    gate: Gate
    floods: Floods
    client_seconds: float

    def refuse_unreadable(self, address: str, error: GatewayError) -> tuple[GatewayError, dict[str, str]]:
        """Record a request that never became one, because its bytes are not HTTP. Returns what to answer with."""
        record = self.edge.unreadable(address)
        return refuse_unrouted(record, error, self.gate), record.headers()

    def close(self) -> None:
        """Stop the engines, say so in the log, and drop the connections to its writer."""
        self.models.close()
        self.keeper.close()
        self.floods.flush()
        with suppress(AuditError):  # a log that is gone already cannot be told
            self.emit("gateway.stopped", version=__version__, pid=os.getpid())
        self.log.close()


def create_app(settings: Settings) -> Flask:
    """The whole gateway as one WSGI application. Raises SourceError or CheckpointError where it cannot serve.

    A worker calls this after it was forked: threads and the model belong to the process that serves.
    """
    bundle = load_policy(settings)
    app = Flask("hangu", static_folder=None, template_folder=None)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False, TRUSTED_HOSTS=list(settings.http.hosts) or None)
    app.url_map.merge_slashes = False
    log = AuditClient(settings.audit.socket, settings.audit.timeout)
    emit = event_logger(log.append).event
    record_configuration(emit, settings)  # whose connection keeps a managed writer from ending while a model loads
    fingerprint = fingerprints(settings.audit.hmac_key)
    keeper = open_keeper(settings.audit)
    edge = Edge(emit, keeper, Addresses(settings.http.trusted_proxies))
    tokens = open_token_issuer(settings.oauth, bundle.identity.issuers) if settings.oauth else None
    issuers = configure_issuers(
        bundle.identity.issuers, settings, tokens, lambda issuer: KeyRecorder(emit, issuer, fingerprint)
    )
    start_fetching(issuers)
    models = Models(settings.models, settings.threads)
    floods = Floods(emit)
    gate = build_gate(settings, LiveBundle(bundle), Authenticator(issuers, RevokedTokens()), models, floods)
    _register(app, settings, gate, edge, models)
    record_policy(emit, bundle)
    if settings.oauth and tokens:
        config = OAuthConfig(tokens, load_clients(settings.oauth.clients))
        record_clients(emit, config.clients, fingerprint)
        app.register_blueprint(token_guard.guard(build_oauth(config, token_guard.record_event), gate, edge))
    app.register_blueprint(
        health.build({"audit": log.healthy, "model": models.ready, "serving": _not_stopping}, openapi.document)
    )
    _handle_errors(app, edge, gate)
    app.after_request(_secure)
    cors.install(app, settings.http.cors_origins)
    app.extensions["hangu"] = Running(models, log, edge, keeper, emit, gate, floods, settings.http.client_seconds)
    for issuer in issuers:
        if isinstance(issuer.keys, FixedKeys):  # keys that are fetched are recorded when they come
            record_fixed(emit, issuer.policy.name, issuer.keys, fingerprint)
    emit(
        "gateway.started",
        version=__version__,
        schema=schema.VERSION,
        pid=os.getpid(),
        bundle=bundle.digest,
        models=models.digests(),
    )
    return app


def build_gate(
    settings: Settings, live: LiveBundle, authenticator: Authenticator, models: Models, floods: Floods
) -> Gate:
    """The real stages."""
    limits = Limits(settings.limit_storage)

    def limit_address(bundle: Bundle, address: str) -> None:
        try:
            limits.by_address(bundle, address)
        except RateLimitExceeded as error:
            error.counted = floods.counted(address)
            raise

    return Gate(
        policies=live.current,
        models=models.find,
        limit_address=limit_address,
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


def refuse_unrouted(record: Record, error: GatewayError, gate: Gate) -> GatewayError:
    """Record the refusal of what no route answers. Returns what to answer with: the address limit holds here too."""
    try:
        record.bundle = gate.policies()
        gate.limit_address(record.bundle, record.incoming.address)
    except GatewayError as limited:
        error = limited
    return _recorded(record, error)


def _recorded(record: Record, error: GatewayError) -> GatewayError:
    """What to answer with, once the log has it: the refusal itself, or that it could not be recorded."""
    try:
        record.refuse(error)
    except GatewayError as lost:
        return lost
    return error


def _handle_errors(app: Flask, edge: Edge, gate: Gate) -> None:
    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        """Every refusal and failure leaves here: recorded once, then told in the one error body."""
        if isinstance(error, ClientGone):
            return Response(status=499)  # nobody reads it; the record says `aborted`
        discard_body(request)
        known = _translate(error)
        record: Record | None = g.get("record")
        if record is None:
            record = edge.open(request, UNROUTED)
            known = refuse_unrouted(record, known, gate)
        elif record.open:
            known = _recorded(record, known)
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
