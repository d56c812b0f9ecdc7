"""The embedded authorization server: the token endpoint, its metadata and its public keys.

Authlib runs the protocol; this module gives it a request that was read strictly, our clients and our tokens, and words
the answers. The answers have the shape of RFC 6749 §5, not the gateway's own error body: OAuth clients read them.
Every token and every refusal is recorded before the answer leaves; what cannot be recorded is not issued.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.common.security import is_secure_transport
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from flask import Blueprint, Response, json, request

from gateway.identity.clients import Client, ClientRegistry
from gateway.identity.token_issuer import TokenIssuer
from gateway.identity.token_request import MAX_BODY, MalformedRequest, TokenRequest, read_token_request

Recorder = Callable[..., object]

_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 §5.1
_CACHED: Final = {"Cache-Control": "public, max-age=300"}
_CHALLENGE: Final = 'Basic realm="hangu", charset="UTF-8"'
_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "invalid_client": "the client is unknown or its secret is wrong",
    "invalid_scope": "the client may not ask for this scope",
    "unauthorized_client": "the client may not use this grant type",
    "unsupported_grant_type": "grant_type must be client_credentials",
}


@dataclass(frozen=True, slots=True)
class OAuthConfig:
    """What the authorization server stands on. `clock` gives seconds since 1970."""

    tokens: TokenIssuer
    clients: ClientRegistry
    clock: Callable[[], float] = time.time


def build_oauth(config: OAuthConfig, record: Recorder) -> Blueprint:
    """The routes of the authorization server.

    `record("token.issued", …)` and `record("token.refused", …)` are called before an answer leaves; what they raise
    passes through, and no token does. Address and request id are for the recorder to add. Raises ValueError when the
    issuer is not an origin with https (http only to this machine): RFC 8414 §2.
    """
    issuer = config.tokens.issuer
    if not is_secure_transport(issuer) or issuer != "{0.scheme}://{0.netloc}".format(urlsplit(issuer)):
        raise ValueError(f"the issuer must be `https://host[:port]` (http only for this machine), got `{issuer}`")
    server = _Server(config, record)
    blueprint = Blueprint("oauth", __name__)
    for path in ("/oauth/token", "/token"):
        blueprint.add_url_rule(path, "token", server.answer, methods=["POST"])
    metadata, jwks = _metadata(config), config.tokens.jwks()
    blueprint.add_url_rule("/.well-known/oauth-authorization-server", "metadata", lambda: _document(metadata))
    blueprint.add_url_rule("/.well-known/jwks.json", "jwks", lambda: _document(jwks, "application/jwk-set+json"))
    return blueprint


def _metadata(config: OAuthConfig) -> dict[str, Any]:
    """Only what exists (RFC 8414 §2)."""
    issuer = config.tokens.issuer
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "token_endpoint_auth_methods_supported": list(_Grant.TOKEN_ENDPOINT_AUTH_METHODS),
        "grant_types_supported": [_Grant.GRANT_TYPE],
        "response_types_supported": [],  # required, and there is no authorization endpoint
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
    }


def _document(content: dict[str, Any], mimetype: str = "application/json") -> Response:
    return Response(json.dumps(content), mimetype=mimetype, headers=_CACHED)


class _Client:
    """A client that proved itself, as Authlib asks for it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in _Grant.TOKEN_ENDPOINT_AUTH_METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return bool(grant_type == _Grant.GRANT_TYPE)


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib is not typed
    """A token request that was read strictly, as Authlib asks for it."""

    def __init__(self, url: str, read: TokenRequest) -> None:
        super().__init__("POST", url)
        self.payload = BasicOAuth2Payload(read.form)
        self.read = read


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib is not typed
    """RFC 6749 §4.4 with our tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def validate_requested_scope(self) -> None:
        """A client gets the scopes that it asks for; all that it may have when it asks for none."""
        allowed, asked = self.client.client.scopes, self.request.payload.scope
        self.scope = tuple(dict.fromkeys(asked.split(" "))) if asked else allowed
        if not set(self.scope) <= set(allowed):
            raise InvalidScopeError

    def create_token_response(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        """The token, recorded."""
        return 200, self.server.issue(self.client.client, self.scope), {}


class _Server(AuthorizationServer):  # type: ignore[misc]  # Authlib is not typed
    """Authlib's server, with requests read, tokens made and answers worded by us."""

    def __init__(self, config: OAuthConfig, record: Recorder) -> None:
        super().__init__()
        self._config = config
        self._record = record
        self.register_grant(_Grant)
        self.register_client_auth_method("client_secret_basic", lambda _, request: self._prove(request.read.basic))
        self.register_client_auth_method("client_secret_post", lambda _, request: self._prove(request.read.posted))

    def answer(self) -> Response:
        """One token request, whatever it holds: a token, or an error of RFC 6749 §5.2."""
        try:
            read = read_token_request(
                request.content_type,
                request.query_string,
                request.headers.get("Authorization"),
                request.stream.read(MAX_BODY + 1),
            )
        except MalformedRequest as error:
            return self._refuse("", InvalidRequestError(str(error)))
        if "grant_type" not in read.form:
            return self._refuse(read.client_id, InvalidRequestError("grant_type is missing"))
        response: Response = self.create_token_response(read)
        return response

    def issue(self, client: Client, scope: tuple[str, ...]) -> dict[str, Any]:
        """A new token, in the log before it is in the answer."""
        token = self._config.tokens.issue(client, scope, self._config.clock())
        self._record(
            "token.issued",
            client_id=token.client_id,
            jti=token.token_id,
            roles=list(token.roles),
            expires_at=token.expires_at,
        )
        answer = {"access_token": token.value, "token_type": "Bearer", "expires_in": self._config.tokens.lifetime}
        return {**answer, "scope": " ".join(scope)} if scope else answer

    def create_oauth2_request(self, read: TokenRequest) -> _Request:
        return _Request(self._config.tokens.issuer, read)

    def handle_error_response(self, refused: _Request, error: OAuth2Error) -> Response:
        return self._refuse(refused.read.client_id, error)

    def handle_response(self, status: int, body: dict[str, Any], headers: Mapping[str, str]) -> Response:
        return Response(json.dumps(body), status, {**_NO_STORE, **headers}, mimetype="application/json")

    def _prove(self, credentials: tuple[str, str] | None) -> _Client | None:
        client = self._config.clients.verify(*credentials) if credentials else None
        return _Client(client) if client else None

    def _refuse(self, client_id: str, error: OAuth2Error) -> Response:
        """The answer of RFC 6749 §5.2, recorded. The client id is what was attempted, made fit for a log."""
        attempted = "".join(letter if letter.isprintable() else "?" for letter in client_id[:64])
        self._record("token.refused", client_id=attempted, error=error.error)
        body = {"error": error.error, "error_description": _DESCRIPTIONS.get(error.error) or error.description}
        unknown = isinstance(error, InvalidClientError)
        return self.handle_response(401 if unknown else 400, body, {"WWW-Authenticate": _CHALLENGE} if unknown else {})
