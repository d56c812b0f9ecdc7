"""Several issuers at once: the embedded one, a company's RS256 with a JWKS, and a shared HS256 secret."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness.server import Server, prepare, serving
from harness.upstream import ScriptedUpstream
from harness.wait import until
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

ISSUERS = """
  - name: company
    issuer: https://id.example.com/realms/company
    audiences: [hangu]
    algorithms: [RS256]
    keys: jwks
    token_types: [JWT, at+jwt]
    claims: {subject: sub, roles: [realm_access.roles], client: azp}
    role_map: {hangu-admins: admin, employees: user}
  - name: legacy
    issuer: legacy-portal
    audiences: [hangu]
    algorithms: [HS256]
    keys: secret
    token_types: [JWT]
    claims: {subject: sub, roles: [roles]}
"""


@dataclass
class Issuers:
    """A gateway and what its foreign issuers sign with."""

    server: Server
    rsa_key: rsa.RSAPrivateKey
    secret: str

    def company(self, **changes: Any) -> str:
        claims = _claims("https://id.example.com/realms/company", realm_access={"roles": ["employees"]})
        return jwt.encode(claims | changes, self.rsa_key, "RS256", headers={"kid": "k1"})

    def legacy(self, **changes: Any) -> str:
        return jwt.encode(_claims("legacy-portal", roles="user") | changes, self.secret, "HS256")

    def status(self, token: str, path: str = "/v1/models") -> int:
        return self.server.request("GET", path, headers={"Authorization": f"Bearer {token}"}).status


def _claims(issuer: str, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": "hangu",
        "sub": "李雷",
        "iat": now,
        "exp": now + 600,
        "jti": secrets.token_hex(8),
    } | more


@pytest.fixture(scope="module")
def issuers(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuers]:
    state = tmp_path_factory.mktemp("issuers")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret = secrets.token_hex(32)
    jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k1", "use": "sig", "alg": "RS256"}
    (state / "company.jwks").write_text(json.dumps({"keys": [jwk]}))
    settings = "issuers:\n  company: {jwks_file: company.jwks}\n  legacy: {secret: env:LEGACY_SECRET}\n"
    made = prepare(state, upstream.base_url)
    identity = state / "bundle" / "identity.yaml"
    identity.write_text(identity.read_text() + ISSUERS)
    made.config.write_text(made.config.read_text() + settings)
    with serving(made, environment={"LEGACY_SECRET": secret}) as server:
        yield Issuers(server, key, secret)


def test_tokens_of_every_issuer_are_accepted_side_by_side(issuers: Issuers) -> None:
    """Roles come from each issuer's own claim path, and records name the issuer."""
    assert issuers.status(issuers.server.token("user")) == 200
    assert issuers.status(issuers.company()) == 200
    assert issuers.status(issuers.legacy()) == 200
    served = [r for r in issuers.server.records() if r["event"] == "request.served"][-3:]
    assert [r["issuer"] for r in served] == ["embedded", "company", "legacy"]
    assert served[1]["subject"] == "李雷"
    assert served[1]["roles"] == ["user"]


def test_a_role_that_the_map_does_not_name_grants_nothing(issuers: Issuers) -> None:
    """`admin` from the company is a stranger's word; `hangu-admins` is the one that counts."""
    path = "/api/admin/configuration"
    assert issuers.status(issuers.company(realm_access={"roles": ["admin"]}), path) == 403
    assert issuers.status(issuers.company(realm_access={"roles": ["hangu-admins"]}), path) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"aud": "other"},
        {"iss": "legacy-portal"},
        {"iss": "https://id.example.com/realms/company/"},
        {"sub": ""},
        {"realm_access": {"roles": {"admin": True}}},
        {"realm_access": {"roles": 7}},
        {"nbf": 4_000_000_000},
        {"exp": 4_000_000_000},
        {"cnf": {"jkt": "x"}},
    ],
)
def test_a_token_that_says_something_wrong_is_401(issuers: Issuers, changes: dict[str, Any]) -> None:
    """Never 403 and never 500: the caller is not known."""
    assert issuers.status(issuers.company(**changes)) == 401


def test_issuers_cannot_speak_for_each_other(issuers: Issuers) -> None:
    """A token in the company's name signed with the legacy secret is refused, and the other way round."""
    company = "https://id.example.com/realms/company"
    forged = jwt.encode(_claims(company, realm_access={"roles": ["hangu-admins"]}), issuers.secret, "HS256")
    assert issuers.status(forged) == 401
    assert issuers.status(jwt.encode(_claims("legacy-portal", roles="admin"), issuers.rsa_key, "RS256")) == 401


def test_signed_with_the_public_key_as_a_secret(issuers: Issuers) -> None:
    """The classic confusion of RS256 and HS256."""
    public = issuers.rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = _claims("https://id.example.com/realms/company", realm_access={"roles": ["hangu-admins"]})
    signed = b".".join(_segment(part) for part in ({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims))
    signature = base64url_encode(hmac.digest(public, signed, "sha256"))
    assert issuers.status(b".".join((signed, signature)).decode()) == 401


def _segment(part: dict[str, Any]) -> bytes:
    return base64url_encode(json.dumps(part).encode())


def test_key_changes_and_outages_are_on_record(
    upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Fetched keys are recorded before they are used, fixed keys at start, an issuer that cannot be reached once.

    A token of the issuer that cannot be reached is not checked: 503.
    """
    state = tmp_path_factory.mktemp("fetched")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "钥匙-1", "use": "sig", "alg": "RS256"}
    made = prepare(state, upstream.base_url)
    identity = state / "bundle" / "identity.yaml"
    fetched = ISSUERS.replace("keys: secret", "keys: jwks").replace("HS256", "RS256")
    identity.write_text(
        identity.read_text() + fetched.replace("issuer: legacy-portal", "issuer: https://legacy.example")
    )
    with published({"keys": [jwk]}) as url, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/jwks"
        settings = f"issuers:\n  company: {{jwks_uri: '{url}'}}\n  legacy: {{jwks_uri: '{nobody}'}}\n"
        made.config.write_text(made.config.read_text() + settings)
        with serving(made) as server:
            issuers = Issuers(server, key, "")

            def found(event: str) -> list[dict[str, Any]]:
                return [record for record in server.records() if record["event"] == event]

            (changed,) = until("the fetched keys", lambda: found("issuer.keys_changed"))
            assert (changed["issuer"], [each["kid"] for each in changed["added"]]) == ("company", ["钥匙-1"])
            (outage,) = until("the outage", lambda: found("issuer.keys_unavailable"))
            assert outage["issuer"] == "legacy"
            (fixed,) = found("issuer.keys_loaded")
            assert fixed["issuer"] == "embedded"
            headers = {"kid": "钥匙-1"}
            good = jwt.encode(
                _claims("https://id.example.com/realms/company", realm_access={"roles": ["employees"]}),
                key,
                "RS256",
                headers=headers,
            )
            assert issuers.status(good) == 200
            unknown = jwt.encode(_claims("https://legacy.example", roles="user"), key, "RS256", headers=headers)
            assert issuers.status(unknown) == 503


@contextmanager
def published(document: dict[str, Any]) -> Iterator[str]:
    """The URL of a server that publishes this JWKS."""
    data = json.dumps(document).encode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
        server.shutdown()
        thread.join()
