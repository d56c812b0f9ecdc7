"""The token endpoint through a Flask client: tokens for clients that prove themselves, RFC 6749 answers for others."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.errors import AuditUnavailable
from gateway.identity.authenticate import Authenticator, ConfiguredIssuer, RevokedTokens
from gateway.identity.clients import Client, ClientRegistry, generate_secret, hash_secret
from gateway.identity.jwks import parse_jwks
from gateway.identity.keys import FixedKeys
from gateway.identity.token_issuer import SigningKey, TokenIssuer
from gateway.routes.oauth import OAuthConfig, build_oauth
from policies.identity import IssuerPolicy
from policies.source import Location

NOW = 1_800_000_000.0
ISSUER = "https://hangu.example"
SECRET = generate_secret()
CLIENTS = ClientRegistry(
    [
        Client("report-bot", hash_secret(SECRET), ("user", "管理员"), ("chat", "models")),
        Client("other-bot", hash_secret(generate_secret()), ("guest",)),
    ]
)
FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}
POSTED = {**GRANT, "client_id": "report-bot", "client_secret": SECRET}

Event = tuple[str, dict[str, Any]]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def client(events: list[Event]) -> FlaskClient:
    return serve(lambda name, **fields: events.append((name, fields)))


def serve(record: Any) -> FlaskClient:
    app = Flask(__name__)
    tokens = TokenIssuer(ISSUER, "hangu", [SigningKey.generate()])
    app.register_blueprint(build_oauth(OAuthConfig(tokens, CLIENTS, lambda: NOW), record))
    return app.test_client()


def basic(client_id: str = "report-bot", secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def send(
    client: FlaskClient, form: Any, headers: dict[str, str] | None = None, url: str = "/oauth/token"
) -> TestResponse:
    body = form if isinstance(form, bytes) else urlencode(form)
    return client.post(url, data=body, content_type=FORM, headers=headers)


def assert_refused(answer: TestResponse, status: int, error: str) -> None:
    """An error of RFC 6749 §5.2: two members, plain ASCII, never stored; 401 and only 401 with a challenge."""
    assert (answer.status_code, answer.json and answer.json["error"]) == (status, error)
    assert answer.json is not None
    assert set(answer.json) == {"error", "error_description"}
    assert answer.json["error_description"].isascii()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    challenge = answer.headers.get("WWW-Authenticate")
    assert challenge == ('Basic realm="hangu", charset="UTF-8"' if status == 401 else None)


def test_client_secret_post(client: FlaskClient, events: list[Event]) -> None:
    """A client that posts its secret gets a token, and the record has it first."""
    answer = send(client, POSTED)
    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.json["token_type"], answer.json["expires_in"], answer.json["scope"]) == (
        "Bearer",
        1800,
        "chat models",
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    ((name, fields),) = events
    assert name == "token.issued"
    assert fields.pop("jti")
    assert fields == {"client_id": "report-bot", "roles": ["user", "管理员"], "expires_at": int(NOW) + 1800}
    assert answer.json["access_token"] not in str(events)


def test_client_secret_basic(client: FlaskClient) -> None:
    """HTTP Basic works on both paths, with the client id repeated in the body or not."""
    for form in (GRANT, {**GRANT, "client_id": "report-bot"}):
        for url in ("/oauth/token", "/token"):
            assert send(client, form, basic(), url).status_code == 200


def test_percent_encoded_basic(client: FlaskClient) -> None:
    """Basic credentials are form-encoded before they are joined (RFC 6749 §2.3.1)."""
    assert send(client, GRANT, basic("report%2Dbot")).status_code == 200


def test_the_token_passes_our_own_gate(client: FlaskClient) -> None:
    """What the server signs, the gateway accepts with the published keys, as the client and with its roles."""
    answer, published = send(client, POSTED), client.get("/.well-known/jwks.json")
    assert answer.json is not None
    policy = IssuerPolicy(
        "embedded", "embedded", ("hangu",), ("ES256",), "embedded", ("at+jwt",), ("sub",), (("roles",),), None,
        ("client_id",), None, 0, 3600, Location("identity.yaml", 2, 5),
    )  # fmt: skip
    gate = Authenticator([ConfiguredIssuer(policy, ISSUER, FixedKeys(parse_jwks(published.data)))], RevokedTokens())
    caller = gate.authenticate(f"Bearer {answer.json['access_token']}", NOW)
    assert caller.subjects == ("user:report-bot", "role:user", "role:管理员")
    assert (caller.client_id, caller.scope) == ("report-bot", ("chat", "models"))


def test_scopes(client: FlaskClient) -> None:
    """A client gets the scopes that it asks for, and none that it may not have."""
    asked = send(client, {**POSTED, "scope": "chat"})
    assert asked.json is not None
    assert asked.json["scope"] == "chat"
    empty = send(client, {**POSTED, "scope": ""})
    assert empty.json is not None
    assert empty.json["scope"] == "chat models"
    for scope in ("admin", "chat admin", "chat  models", " chat", "CHAT", "聊天", "chat," * 500):
        assert_refused(send(client, {**POSTED, "scope": scope}), 400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({**POSTED, "client_secret": SECRET[:-1]}, {}),
        ({**POSTED, "client_secret": "x"}, {}),
        ({**POSTED, "client_secret": hash_secret(SECRET)}, {}),
        ({**POSTED, "client_id": "nobody"}, {}),
        ({**POSTED, "client_id": "other-bot"}, {}),
        ({**POSTED, "client_id": "管理员"}, {}),
        ({**POSTED, "client_id": "c" * 5000}, {}),
        ({**GRANT, "client_id": "report-bot"}, {}),
        ({**GRANT, "client_secret": SECRET}, {}),
        ({**POSTED, "client_secret": ""}, {}),
        (GRANT, {}),
        (GRANT, basic(secret="wrong")),
        (GRANT, basic(secret="")),
        (GRANT, basic("nobody")),
        (GRANT, basic("")),
        (GRANT, basic("other-bot")),
    ],
)
def test_a_client_that_proves_nothing(
    client: FlaskClient, events: list[Event], form: dict[str, str], headers: dict[str, str]
) -> None:
    """Every way not to be a client has the same answer, and is recorded."""
    assert_refused(send(client, form, headers), 401, "invalid_client")
    ((name, fields),) = events
    assert (name, fields["error"]) == ("token.refused", "invalid_client")
    assert len(fields["client_id"]) <= 64


@pytest.mark.parametrize(
    "grant_type", ["password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", 'a"b\\c', "凭证", "none"]
)
def test_other_grant_types(client: FlaskClient, grant_type: str) -> None:
    """Only what exists can be asked for, and the answer repeats nothing of the question."""
    answer = send(client, {**POSTED, "grant_type": grant_type})
    assert_refused(answer, 400, "unsupported_grant_type")
    assert grant_type not in answer.text


MALFORMED: dict[str, tuple[bytes, dict[str, str], str]] = {
    "empty body": (b"", {}, ""),
    "no grant type": (urlencode({**POSTED, "grant_type": ""}).encode(), {}, ""),
    "no form": (b"grant_type", {}, ""),
    "JSON in a form": (json.dumps(POSTED).encode(), {}, ""),
    "parameter twice": (urlencode(POSTED).encode() + b"&grant_type=password", {}, ""),
    "parameter twice, the same": (urlencode(POSTED).encode() + b"&client_id=report-bot", {}, ""),
    "parameter twice, encoded": (urlencode(POSTED).encode() + b"&%67rant_type=client_credentials", {}, ""),
    "unknown parameter twice": (urlencode(POSTED).encode() + b"&x=1&x=2", {}, ""),
    "two ways to authenticate": (urlencode(POSTED).encode(), basic(), ""),
    "two ways, the second wrong": (urlencode({**POSTED, "client_secret": "x"}).encode(), basic(), ""),
    "two clients": (urlencode({**GRANT, "client_id": "other-bot"}).encode(), basic(), ""),
    "NUL in the client id": (urlencode({**POSTED, "client_id": "report-bot\x00"}).encode(), {}, ""),
    "NUL in the secret": (urlencode({**POSTED, "client_secret": f"{SECRET}\x00"}).encode(), {}, ""),
    "NUL in a name": (urlencode(POSTED).encode() + b"&%00=1", {}, ""),
    "line feed in the scope": (urlencode({**POSTED, "scope": "chat\nadmin"}).encode(), {}, ""),
    "not UTF-8": (urlencode(POSTED).encode() + b"&x=%ff", {}, ""),
    "raw bytes": (urlencode(POSTED).encode() + b"&x=\xe4\xb8\xad", {}, ""),
    "half of a surrogate pair": (urlencode(POSTED).encode() + b"&x=%ed%a0%80", {}, ""),
    "huge body": (urlencode(POSTED).encode() + b"&x=" + b"a" * 100_000, {}, ""),
    "too many parameters": (urlencode({**POSTED, **{f"p{n}": n for n in range(40)}}).encode(), {}, ""),
    "secret in the URL": (urlencode({**GRANT, "client_id": "report-bot"}).encode(), {}, f"?client_secret={SECRET}"),
    "all in the URL": (b"", {}, f"?{urlencode(POSTED)}"),
    "bearer at the token endpoint": (urlencode(GRANT).encode(), {"Authorization": "Bearer abc"}, ""),
    "Basic without credentials": (urlencode(GRANT).encode(), {"Authorization": "Basic"}, ""),
    "Basic no base64": (urlencode(GRANT).encode(), {"Authorization": "Basic !!!"}, ""),
    "Basic with junk in it": (
        urlencode(GRANT).encode(),
        {"Authorization": basic()["Authorization"].replace("Basic ", "Basic !")},
        "",
    ),
    "Basic without colon": (urlencode(GRANT).encode(), {"Authorization": "Basic YWJj"}, ""),
    "Basic not UTF-8": (urlencode(GRANT).encode(), {"Authorization": "Basic //86/w=="}, ""),
    "Basic encoded not UTF-8": (urlencode(GRANT).encode(), basic("%ff"), ""),
    "Basic with NUL": (urlencode(GRANT).encode(), basic("report-bot%00"), ""),
    "two Basic headers joined": (
        urlencode(GRANT).encode(),
        {"Authorization": f"{basic()['Authorization']},{basic()['Authorization']}"},
        "",
    ),
}


@pytest.mark.parametrize(("body", "headers", "query"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request(
    client: FlaskClient, events: list[Event], body: bytes, headers: dict[str, str], query: str
) -> None:
    """What could be read in two ways is not read at all: 400, recorded, and no token."""
    assert_refused(send(client, body, headers, f"/oauth/token{query}"), 400, "invalid_request")
    assert [name for name, _ in events] == ["token.refused"]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "text/plain", "multipart/form-data; boundary=x", f"{FORM}; charset=gbk", f"{FORM}x"],
)
def test_other_content_types(client: FlaskClient, content_type: str | None) -> None:
    """Only a form is read, whatever its bytes look like."""
    answer = client.post("/oauth/token", data=urlencode(POSTED), content_type=content_type)
    assert_refused(answer, 400, "invalid_request")


def test_content_type_with_charset(client: FlaskClient) -> None:
    """A form that says it is UTF-8 is a form."""
    answer = client.post("/oauth/token", data=urlencode(POSTED), content_type=f"{FORM}; charset=UTF-8")
    assert answer.status_code == 200


def test_client_id_made_fit_for_the_record(client: FlaskClient, events: list[Event]) -> None:
    """The record holds at most 64 printable characters of what was attempted."""
    send(client, {**POSTED, "client_id": "张\u202e" + "x" * 100})
    assert events[0][1]["client_id"] == "张?" + "x" * 62


@pytest.mark.parametrize(
    "form", [POSTED, {**POSTED, "client_secret": "wrong"}, {}], ids=["token", "refusal", "malformed"]
)
def test_what_cannot_be_recorded_is_not_answered(form: dict[str, str]) -> None:
    """When the record fails, its error passes through: no token leaves, and no refusal either."""

    def fail(*_: Any, **__: Any) -> None:
        raise AuditUnavailable

    client = serve(fail)
    client.application.testing = True
    with pytest.raises(AuditUnavailable):
        send(client, form)


def test_metadata_lists_what_exists(client: FlaskClient) -> None:
    """The metadata is RFC 8414's, and every endpoint that it names answers."""
    metadata = client.get("/.well-known/oauth-authorization-server").json
    assert metadata == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/oauth/token",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    assert client.get(metadata["jwks_uri"].removeprefix(ISSUER)).mimetype == "application/jwk-set+json"
    assert client.get(metadata["token_endpoint"].removeprefix(ISSUER)).status_code == 405
    assert client.get("/.well-known/openid-configuration").status_code == 404


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "hangu",
        "http://hangu.example",
        "https://hangu.example/",
        "https://hangu.example/a",
        "https://h.example?x",
        "https://",
    ],
)
def test_an_issuer_that_is_no_origin(issuer: str) -> None:
    """Metadata and tokens name one https origin; anything else is refused at start."""
    config = OAuthConfig(TokenIssuer(issuer, "hangu", [SigningKey.generate()]), CLIENTS)
    with pytest.raises(ValueError, match="issuer must be"):
        build_oauth(config, lambda *_, **__: None)


def test_two_servers_in_one_process() -> None:
    """Nothing is global: two applications have two keys."""
    documents = {serve(lambda *_, **__: None).get("/.well-known/jwks.json").data for _ in range(2)}
    assert len(documents) == 2
