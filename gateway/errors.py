"""Every way a request can be refused: status, stable code, what the caller may read, what the record holds.

The codes are a public contract and listed in docs/errors.md. Routes and stages raise these; one handler in `app.py`
turns them into the one error body. `public` is safe to show to anyone; `detail` is the full story and goes to the
audit record only, so nothing unverified is echoed to a caller.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """A refusal or failure that ends a request.

    `param` names the offending part of the request (`messages[0].content`), `retry_after` is in whole seconds.
    `counted` is set where the log accounts for this refusal in a count, and not by a record of its own.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "server_error"
    default: ClassVar[str] = "the gateway failed to serve this request"

    def __init__(
        self,
        public: str | None = None,
        *,
        detail: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.public = public or self.default
        self.detail = detail
        self.param = param
        self.retry_after = retry_after
        self.counted = False
        super().__init__(detail or self.public)

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error, beside the body."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class InternalError(GatewayError):
    """A defect of the gateway. The caller learns nothing but the request id."""


class BadRequest(GatewayError):
    status, code, type = 400, "invalid_request", "invalid_request_error"
    default = "the request cannot be read"


class InvalidHttp(BadRequest):
    code = "invalid_http"
    default = "the request is not valid HTTP"


class InvalidJson(BadRequest):
    code = "invalid_json"
    default = "the body is not valid JSON"


class Unauthenticated(GatewayError):
    """No usable bearer token (RFC 6750 §3): without a token there is no `error` word in the challenge."""

    status, code, type = 401, "missing_token", "authentication_error"
    default = "a bearer token is required"
    challenge: ClassVar[str] = 'Bearer realm="hangu"'

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": self.challenge}


class InvalidToken(Unauthenticated):
    """A token was presented and is not acceptable. `detail` says why, for the record; the caller is not told."""

    code = "invalid_token"
    default = "the access token is not valid"
    challenge = 'Bearer realm="hangu", error="invalid_token", error_description="the access token is not valid"'


class Forbidden(GatewayError):
    status, code, type = 403, "forbidden", "permission_error"
    default = "policy does not allow this"


class NetworkForbidden(Forbidden):
    code = "network_forbidden"
    default = "policy does not allow this from your network"


class NotFound(GatewayError):
    status, code, type = 404, "not_found", "invalid_request_error"
    default = "there is nothing at this path"


class ModelNotFound(NotFound):
    code = "model_not_found"
    default = "there is no such model, or policy does not show it to you"


class MethodNotAllowed(GatewayError):
    status, code, type = 405, "method_not_allowed", "invalid_request_error"
    default = "this path does not answer that method"

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        return {"Allow": self.allowed}


class RequestTimeout(GatewayError):
    status, code, type = 408, "request_timeout", "invalid_request_error"
    default = "the request did not arrive in time"


class BodyTooLarge(GatewayError):
    status, code, type = 413, "body_too_large", "invalid_request_error"
    default = "the body is too large"


class UriTooLong(GatewayError):
    status, code, type = 414, "uri_too_long", "invalid_request_error"
    default = "the request line is too long"


class UnsupportedMediaType(GatewayError):
    status, code, type = 415, "unsupported_media_type", "invalid_request_error"
    default = "send the body as application/json in UTF-8"


class Unprocessable(GatewayError):
    """The body is JSON but not a request this endpoint knows. `param` names the field."""

    status, code, type = 422, "invalid_field", "invalid_request_error"
    default = "a field of the request is not valid"


class UnknownField(Unprocessable):
    code = "unknown_field"
    default = "the request has a field that this gateway does not know"


class ContextLengthExceeded(Unprocessable):
    code = "context_length_exceeded"
    default = "the prompt and the tokens asked for do not fit into the model's context"


class PromptBlocked(Unprocessable):
    """A filter blocked the prompt. The caller learns which filter, never what it matched."""

    code, type = "prompt_blocked", "policy_error"
    default = "a content filter blocked the prompt"


class CompletionBlocked(Unprocessable):
    """A filter cut the answer before its first character left."""

    code, type = "completion_blocked", "policy_error"
    default = "a content filter blocked the answer"


class RateLimited(GatewayError):
    status, code, type = 429, "rate_limited", "rate_limit_error"
    default = "too many requests"


class HeadersTooLarge(GatewayError):
    status, code, type = 431, "headers_too_large", "invalid_request_error"
    default = "the request's headers are too large"


class Unavailable(GatewayError):
    status, code = 503, "unavailable"
    default = "the gateway cannot serve this request right now"

    def __init__(self, public: str | None = None, *, detail: str | None = None, retry_after: int = 1) -> None:
        super().__init__(public, detail=detail, retry_after=retry_after)


class AuditUnavailable(Unavailable):
    code = "audit_unavailable"
    default = "the request cannot be recorded right now, so it is not served"


class IdentityUnavailable(Unavailable):
    code = "identity_unavailable"
    default = "the token cannot be checked right now"


class LimiterUnavailable(Unavailable):
    code = "limiter_unavailable"
    default = "the request cannot be counted right now, so it is not served"


class ModelBusy(Unavailable):
    code = "model_busy"
    default = "the model has no free place right now"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    default = "the model cannot answer right now"


class ShuttingDown(Unavailable):
    code = "shutting_down"
    default = "the gateway is shutting down"
