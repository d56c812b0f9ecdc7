"""Start one worker's application: settings, audit writer, app; a clear message and an exit where that cannot be."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import closing, suppress
from types import FrameType
from typing import Any, NoReturn

from flask import Flask
from gunicorn.config import Config
from limits.errors import ConfigurationError

from audit.client import AuditClient
from audit.errors import AuditError
from audit.event import event_logger
from gateway import reload
from gateway.app import create_app
from gateway.audit_writer import WriterError, ensure_writer
from gateway.settings import Settings, load_settings
from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.engine import EngineError
from policies.source import SourceError


class ServerError(Exception):
    """gunicorn was started in a way that would break a promise silently."""


_CANNOT_SERVE = (SourceError, ServerError, WriterError, CheckpointError, EngineError, AuditError, ConfigurationError)
_COLLECT_AFTER = 20_000  # new objects
_WORKER_BOOT_ERROR = 3  # gunicorn's own code: the master stops instead of starting the worker again and again


def boot() -> Flask:
    """The application of the deployment that HANGU_CONFIG names. Exits where it cannot serve."""
    try:
        settings = load_settings()
        _check_server(settings)
        ensure_writer(settings.audit)
        app = _create(settings)
    except _CANNOT_SERVE as error:
        _refuse(str(error))
    atexit.register(app.extensions["hangu"].close)
    _settle_memory()
    return app


def _create(settings: Settings) -> Flask:
    """The application. That a policy or a configuration was refused is recorded; a log that is gone is worse news."""
    try:
        return create_app(settings)
    except SourceError:
        refused = reload.refusal(settings.source)
        log = AuditClient(settings.audit.socket, settings.audit.timeout)
        with closing(log), suppress(AuditError):
            if refused is not None:
                event_logger(log.append).event(refused.event, **refused.fields)
        raise


def _check_server(settings: Settings) -> None:
    """Refuse what gunicorn's command line can ask for and Hangu cannot do. Raises ServerError."""
    server = _gunicorn_configuration()
    if server is None:
        return
    if server.preload_app:
        raise ServerError(
            "hangu cannot run with --preload: a model loaded before the fork does not work in the workers"
        )
    if server.workers > 1 and settings.limit_storage.startswith("memory://"):
        raise ServerError(
            f"{server.workers} workers cannot share limits kept in memory; start one worker, or set "
            f"`limits: {{storage: redis://host:6379}}` in {settings.source}"
        )


def _gunicorn_configuration() -> Any:
    """What the gunicorn process that is loading this application runs with, however it was told; None elsewhere.

    gunicorn hands an application nothing, but the object that loads it is on the stack.
    """
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 - see above
    while frame is not None:
        configuration = getattr(frame.f_locals.get("self"), "cfg", None)
        if isinstance(configuration, Config):
            return configuration
        frame = frame.f_back
    return None


def _settle_memory() -> None:
    """What is loaded now stays: the collector need not look at it again, and not after every few hundred objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    sys.exit(_WORKER_BOOT_ERROR)
