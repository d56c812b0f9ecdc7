"""Targets by their URL: what is accepted, and the sender for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from audit.directory import printable
from audit.errors import ShippingFailed
from audit.ship.sender import Sender, Trust

_PORTS: Mapping[str, int] = MappingProxyType(
    {"syslog+udp": 514, "syslog+tcp": 514, "syslog+tls": 6514, "otlp+http": 4318, "otlp+https": 4318}
)
_LOGS_PATH = "/v1/logs"
MIN_MESSAGE = 480  # what every receiver must take (RFC 5424 section 6.1)


@dataclass(frozen=True, slots=True)
class Target:
    """A target as it was asked for. `open` makes the sender; it raises `ShippingFailed`, and connects to nothing."""

    url: str
    open: Callable[[], Sender]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How syslog messages are to look, and whom TLS targets believe. `max_bytes` None: the transport's default."""

    form: str = "jsonl"
    max_bytes: int | None = None
    trust: Trust = field(default_factory=Trust)


def parse_target(url: str, wishes: Wishes) -> Target:
    """The target at a URL such as `syslog+tls://siem.example:6514`. Raises `ShippingFailed`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
        (parts.hostname or "").encode("idna")  # what a name goes through before it is looked up
    except ValueError as error:
        raise _not_a_target(url, str(error)) from error
    if port is None:
        raise _not_a_target(url, f"the scheme is one of {', '.join(_PORTS)}")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise _not_a_target(url, "a host, and no user, query or fragment: credentials come from the environment")
    if parts.scheme.startswith("syslog"):
        if parts.path not in ("", "/"):
            raise _not_a_target(url, "a syslog target has no path")
        return Target(url, lambda: _syslog(parts.scheme, parts.hostname or "", port, wishes))
    return Target(url, lambda: _otlp(parts, port, wishes.trust))


def _syslog(scheme: str, host: str, port: int, wishes: Wishes) -> Sender:
    from audit.ship.syslog_sender import STREAM_BYTES, UDP_BYTES, StreamSyslog, UdpSyslog
    from audit.ship.tls import tls_context

    if scheme == "syslog+udp":
        return UdpSyslog(host, port, wishes.form, wishes.max_bytes or UDP_BYTES)
    context = tls_context(wishes.trust) if scheme == "syslog+tls" else None
    return StreamSyslog(host, port, wishes.form, wishes.max_bytes or STREAM_BYTES, context)


def _otlp(parts: SplitResult, port: int, trust: Trust) -> Sender:
    from audit.ship.otlp_sender import OtlpHttp, environment_headers

    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    path = parts.path.rstrip("/")
    url = f"{parts.scheme.partition('+')[2]}://{host}:{port}{path if path.endswith(_LOGS_PATH) else path + _LOGS_PATH}"
    return OtlpHttp(url, trust, environment_headers())


def _not_a_target(url: str, why: str) -> ShippingFailed:
    return ShippingFailed(f"`{printable(url)}` is not a target: {why}")
