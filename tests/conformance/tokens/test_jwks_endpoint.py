"""A real issuer on loopback that rotates its keys and fails in every way: what callers get meanwhile."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import GatewayError, IdentityUnavailable, InvalidToken
from gateway.identity.authenticate import Authenticator, ConfiguredIssuer, RevokedTokens
from gateway.identity.jwks import JwksError, parse_jwks, public_jwk
from gateway.identity.jwks_fetch import JwksEndpoint
from gateway.identity.keys import JwksKeys
from gateway.identity.token_issuer import SigningKey
from policies.identity import IssuerPolicy
from policies.source import Location

NOW: Final = 1_800_000_000
Answer = Callable[[BaseHTTPRequestHandler], None]


class FixedClock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeIssuer:
    """An issuer that really signs, and serves its JWKS over HTTP until `answer` is set to something worse."""

    def __init__(self) -> None:
        self.keys = [SigningKey.generate()]
        self.answer: Answer | None = None
        self.fetches = 0
        self.released = threading.Event()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                (issuer.answer or issuer.serve)(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def document(self) -> bytes:
        return json.dumps({"keys": [public_jwk(key.verification()) for key in self.keys]}).encode()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        send(handler, self.document())

    def rotate(self) -> None:
        self.keys = [SigningKey.generate()]

    def token(self, kid: str | None = None, key: SigningKey | None = None) -> str:
        key = key or self.keys[0]
        claims = {"iss": self.issuer, "aud": "hangu", "sub": "李雷", "iat": NOW, "exp": NOW + 600}
        headers = {"typ": "at+jwt", "kid": kid or key.kid}
        return f"Bearer {jwt.encode(claims, key.private, key.algorithm, headers=headers)}"


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    fake = FakeIssuer()
    yield fake
    fake.close()
    settle()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def settle() -> None:
    """Wait for the refreshes under way."""
    for thread in threading.enumerate():
        if thread.name == "jwks-refresh":
            thread.join(10)


def keys_of(issuer: FakeIssuer, clock: FixedClock) -> JwksKeys:
    endpoint = replace(JwksEndpoint.parse(f"{issuer.issuer}/jwks.json"), timeout=0.3)
    return JwksKeys(endpoint.fetch, clock=clock)


def gate(issuer: FakeIssuer, keys: JwksKeys) -> Authenticator:
    policy = IssuerPolicy(
        name="fake",
        issuer=issuer.issuer,
        audiences=("hangu",),
        algorithms=("ES256",),
        keys="jwks",
        token_types=("at+jwt",),
        subject_claim=("sub",),
        roles_claims=(("roles",),),
        tenant_claim=None,
        client_claim=None,
        role_map=None,
        leeway_seconds=0,
        max_lifetime_seconds=3600,
        location=Location("identity.yaml", 2, 5),
    )
    return Authenticator([ConfiguredIssuer(policy, issuer.issuer, keys)], RevokedTokens())


def outcome(authenticator: Authenticator, authorization: str) -> int:
    try:
        authenticator.authenticate(authorization, NOW)
    except GatewayError as error:
        return error.status
    return 200


def hang(issuer: FakeIssuer, _: BaseHTTPRequestHandler) -> None:
    issuer.released.wait(10)


def drip(issuer: FakeIssuer, handler: BaseHTTPRequestHandler, start: bytes) -> None:
    """A byte now and then, so that no single read times out."""
    handler.wfile.write(start)
    while not issuer.released.wait(0.05):
        handler.wfile.write(b" ")


def drip_headers(issuer: FakeIssuer, handler: BaseHTTPRequestHandler) -> None:
    quietly(drip, issuer, handler, b"HTTP/1.1 200 OK\r\nX-Slow:")


def drip_body(issuer: FakeIssuer, handler: BaseHTTPRequestHandler) -> None:
    quietly(drip, issuer, handler, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")


def drip_body_to_close(issuer: FakeIssuer, handler: BaseHTTPRequestHandler) -> None:
    quietly(drip, issuer, handler, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


def quietly(act: Callable[..., object], *arguments: Any) -> None:
    try:
        act(*arguments)
    except OSError:  # the other side has hung up, as it should
        return


def redirect(issuer: FakeIssuer, handler: BaseHTTPRequestHandler) -> None:
    if handler.path == "/good":
        issuer.serve(handler)
    else:
        send(handler, b"", 302, Location=f"{issuer.issuer}/good")


def huge(issuer: FakeIssuer, handler: BaseHTTPRequestHandler) -> None:
    quietly(send, handler, issuer.document() + b" " * 300_000)


OUTAGES: Final[dict[str, Callable[[FakeIssuer, BaseHTTPRequestHandler], None]]] = {
    "hang": hang,
    "drip in the headers": drip_headers,
    "drip in the body": drip_body,
    "drip in a body without length": drip_body_to_close,
    "HTML": lambda _, handler: send(handler, b"<html>sign in</html>", Content_Type="text/html"),
    "500": lambda _, handler: send(handler, b"oops", 500),
    "404 with a good body": lambda issuer, handler: send(handler, issuer.document(), 404),
    "redirect": redirect,
    "huge": huge,
    "compressed": lambda issuer, handler: send(handler, issuer.document(), Content_Encoding="gzip"),
    "garbage": lambda _, handler: send(handler, bytes(range(256))),
    "empty": lambda _, handler: send(handler, b""),
    "deep": lambda _, handler: send(handler, b"[" * 200_000),
    "no HTTP": lambda _, handler: quietly(handler.wfile.write, b"\x00\xff" * 99),
    "connection closed": lambda *_: None,
}


@pytest.fixture(params=list(OUTAGES.values()), ids=list(OUTAGES))
def outage(request: pytest.FixtureRequest, issuer: FakeIssuer) -> Answer:
    return partial(request.param, issuer)


def test_the_first_request_fetches_once(issuer: FakeIssuer, clock: FixedClock) -> None:
    """Sixteen first requests cost one fetch, and later ones none."""
    authenticator, token = gate(issuer, keys_of(issuer, clock)), issuer.token()
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: outcome(authenticator, token), range(64))) == [200] * 64
    assert issuer.fetches == 1


def test_outage_before_the_first_snapshot(issuer: FakeIssuer, clock: FixedClock, outage: Answer) -> None:
    """Without keys a token cannot be checked: 503 after a bounded wait, and the keys are taken once they are there."""
    authenticator, token = gate(issuer, keys_of(issuer, clock)), issuer.token()
    issuer.answer, started = outage, time.monotonic()
    with pytest.raises(IdentityUnavailable) as refused:
        authenticator.authenticate(token, NOW)
    assert time.monotonic() - started < 3
    assert refused.value.headers() == {"Retry-After": "1"}
    settle()
    issuer.answer = None
    clock.now += 5
    outcome(authenticator, token)
    settle()
    assert outcome(authenticator, token) == 200


def test_outage_after_the_first_snapshot(issuer: FakeIssuer, clock: FixedClock, outage: Answer) -> None:
    """While the endpoint fails the last keys serve on at once, until they are a day old."""
    authenticator, token = gate(issuer, keys_of(issuer, clock)), issuer.token()
    assert outcome(authenticator, token) == 200
    issuer.answer = outage
    clock.now += 301
    assert outcome(authenticator, token) == 200
    assert outcome(authenticator, issuer.token(kid="unknown")) == 503
    settle()
    assert outcome(authenticator, token) == 200
    clock.now += 86_400
    assert outcome(authenticator, token) == 503
    settle()
    issuer.answer = None
    clock.now += 30
    outcome(authenticator, token)
    settle()
    assert outcome(authenticator, token) == 200


def test_rotation(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A new key is found within one retry; the key that is gone verifies nothing more, not even from the cache."""
    authenticator, old = gate(issuer, keys_of(issuer, clock)), issuer.token()
    assert outcome(authenticator, old) == 200
    issuer.rotate()
    clock.now += 31
    with pytest.raises(IdentityUnavailable) as refused:
        authenticator.authenticate(issuer.token(), NOW)
    assert refused.value.headers() == {"Retry-After": "1"}
    settle()
    assert outcome(authenticator, issuer.token()) == 200
    assert outcome(authenticator, old) == 401


def test_rotation_with_overlap(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A key that is published ahead of its use is known by the time it signs."""
    authenticator, old = gate(issuer, keys_of(issuer, clock)), issuer.token()
    assert outcome(authenticator, old) == 200
    issuer.keys = [SigningKey.generate(), *issuer.keys]
    clock.now += 301
    assert outcome(authenticator, old) == 200
    settle()
    assert outcome(authenticator, issuer.token()) == 200
    assert outcome(authenticator, old) == 200


def test_flood_of_unknown_kids(issuer: FakeIssuer, clock: FixedClock) -> None:
    """Made-up key ids cost the issuer one fetch per cool-down, and the caller never anything but 401 or 503."""
    authenticator, good = gate(issuer, keys_of(issuer, clock)), issuer.token()
    assert outcome(authenticator, good) == 200
    for _ in range(3):
        clock.now += 31
        answers = {outcome(authenticator, issuer.token(kid=f"kid-{clock.now}-{number}")) for number in range(50)}
        assert answers <= {401, 503}
        settle()
        assert outcome(authenticator, issuer.token(kid="another")) == 401
    assert issuer.fetches == 4
    assert outcome(authenticator, good) == 200


def test_a_kid_known_to_be_unknown_starts_no_refresh(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A client that keeps sending a dead key id causes one refresh in five minutes, not one per cool-down."""
    keys = keys_of(issuer, clock)
    authenticator, dead = gate(issuer, keys), issuer.token(kid="dead")
    assert outcome(authenticator, issuer.token()) == 200
    clock.now += 31
    assert outcome(authenticator, dead) == 503
    settle()
    for _ in range(8):
        clock.now += 31
        assert outcome(authenticator, dead) == 401
    assert issuer.fetches == 2
    clock.now += 100
    assert outcome(authenticator, dead) == 503


def test_set_with_a_private_key(issuer: FakeIssuer, clock: FixedClock) -> None:
    """An issuer that publishes a secret loses nothing it had, and gains nothing."""
    authenticator, token = gate(issuer, keys_of(issuer, clock)), issuer.token()
    assert outcome(authenticator, token) == 200
    leaked = {"kty": "oct", "kid": "s", "k": "c2VjcmV0"}
    document = json.dumps({"keys": [*json.loads(issuer.document())["keys"], leaked]}).encode()
    issuer.answer = partial(send, body=document)
    clock.now += 301
    outcome(authenticator, token)
    settle()
    assert outcome(authenticator, token) == 200
    assert outcome(authenticator, issuer.token(kid="s")) == 503


def test_the_same_document_keeps_the_snapshot(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A refresh that brings nothing new leaves verified tokens in the cache."""
    keys = keys_of(issuer, clock)
    first = keys.current()
    clock.now += 301
    keys.current()
    settle()
    assert issuer.fetches == 2
    assert keys.current() is first


FORKED: Final = """
import os, sys, threading
from gateway.errors import IdentityUnavailable
from gateway.identity.keys import JwksKeys

document, now, calls, entered = sys.stdin.buffer.read(), [0.0], [], threading.Event()

def fetch():
    calls.append(os.getpid())
    if len(calls) == 2:             # the parent's refresh: hangs while the fork happens
        entered.set()
        threading.Event().wait()
    return document

keys = JwksKeys(fetch, clock=lambda: now[0])
first = keys.current()
now[0] = 301
keys.current()
entered.wait()
child = os.fork()
if child == 0:
    assert keys.current() is first
    for thread in threading.enumerate():
        if thread.name == "jwks-refresh":
            thread.join(5)
    os._exit(0 if calls[2:] == [os.getpid()] else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_fork_during_a_refresh(issuer: FakeIssuer) -> None:
    """A worker forked while its parent was refreshing refreshes by itself: the parent's thread is not there."""
    command = [sys.executable, "-c", FORKED]
    assert subprocess.run(command, input=issuer.document(), check=False, timeout=20).returncode == 0


def _certificate(directory: Path) -> tuple[Path, Path]:
    key = SigningKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    today = datetime.now(UTC)
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key.private, SHA256())
    )
    chain, private = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.pem())
    return chain, private


def test_certificate_of_an_unknown_authority(issuer: FakeIssuer, tmp_path: Path) -> None:
    """Over https only an issuer whose certificate is trusted is believed."""
    chain, private = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    issuer.server.socket = context.wrap_socket(issuer.server.socket, server_side=True)
    issuer.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake is expected
    uri = issuer.issuer.replace("http:", "https:")
    assert JwksEndpoint.parse(uri, chain).fetch() == issuer.document()
    with pytest.raises(JwksError, match="certificate"):
        JwksEndpoint.parse(uri).fetch()
    with pytest.raises(JwksError, match="certificate"):
        JwksEndpoint.parse(uri.replace("127.0.0.1", "localhost"), chain).fetch()


@pytest.mark.parametrize(
    "uri",
    [
        "https://idp.example/jwks",
        "https://10.0.0.1:8443/a?b=c",
        "http://127.0.0.1/",
        "http://localhost:80/k",
        "http://[::1]/k",
    ],
)
def test_jwks_uri_allowed(uri: str) -> None:
    """Keys come over https, or from this very machine."""
    assert JwksEndpoint.parse(uri).host


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "idp.example/jwks",
        "http://idp.example/jwks",
        "http://10.0.0.1/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "http://0.0.0.0/jwks",
        "http://localhost.evil.example/",
        "ftp://idp.example/jwks",
        "file:///etc/jwks.json",
        "https://user:password@idp.example/jwks",
        "https://idp.example/jwks#keys",
        "https:///jwks",
        "https://idp.example:99999/",
        "https://[::1/",
    ],
)
def test_jwks_uri_refused(uri: str) -> None:
    """Anything else is refused at start."""
    with pytest.raises(JwksError):
        JwksEndpoint.parse(uri)


def test_huge_answer_is_not_read_to_its_end(issuer: FakeIssuer) -> None:
    """Reading stops at the size limit, so a huge answer costs no memory."""
    issuer.answer = partial(huge, issuer)
    with pytest.raises(JwksError, match="larger than"):
        JwksEndpoint.parse(issuer.issuer).fetch()


def test_issuer_down(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A refused connection is an outage like any other."""
    issuer.close()
    assert outcome(gate(issuer, keys_of(issuer, clock)), issuer.token()) == 503


def test_token_of_another_issuer(issuer: FakeIssuer, clock: FixedClock) -> None:
    """A stranger's key under a published key id verifies nothing and fetches nothing."""
    authenticator = gate(issuer, keys_of(issuer, clock))
    assert outcome(authenticator, issuer.token()) == 200
    with pytest.raises(InvalidToken):
        authenticator.authenticate(issuer.token(kid=issuer.keys[0].kid, key=SigningKey.generate()), NOW)
    assert issuer.fetches == 1
    assert len(parse_jwks(issuer.document())) == 1
