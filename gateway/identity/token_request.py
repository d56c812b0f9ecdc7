"""The body and the client credentials of a token request, read strictly (RFC 6749 §2.3.1, §3.2, §4.4.2).

What OAuth libraries forgive is refused here: credentials in the URL, a parameter twice, two ways to authenticate at
once, other media types, bytes that are not UTF-8. Texts of the request are never echoed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from werkzeug.http import parse_options_header

MAX_BODY: Final = 8192  # bytes
_MAX_FIELDS: Final = 32
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class MalformedRequest(ValueError):
    """The request is no token request; the message may be shown to the client."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The parameters of the body, without the empty ones, and the credentials of the Authorization header."""

    form: dict[str, str] = field(repr=False)
    basic: tuple[str, str] | None = field(repr=False)

    @property
    def client_id(self) -> str:
        """Who asks, by its own account; empty when it does not say."""
        return self.basic[0] if self.basic else self.form.get("client_id", "")

    @property
    def posted(self) -> tuple[str, str] | None:
        """Client id and secret of the body; None unless both are there."""
        both = self.form.get("client_id", ""), self.form.get("client_secret", "")
        return both if all(both) else None


def read_token_request(content_type: str | None, query: bytes, authorization: str | None, body: bytes) -> TokenRequest:
    """Raises MalformedRequest."""
    if query:
        raise MalformedRequest("parameters go in the body, not in the URL")
    media_type, options = parse_options_header(content_type)
    if media_type != "application/x-www-form-urlencoded" or options.get("charset", "utf-8").lower() != "utf-8":
        raise MalformedRequest("send the body as application/x-www-form-urlencoded in UTF-8")
    if len(body) > MAX_BODY:
        raise MalformedRequest("the body is too large")
    form = _form(body)
    basic = _basic(authorization)
    if basic is not None and "client_secret" in form:
        raise MalformedRequest("authenticate the client in one way, not in two")
    if basic is not None and form.get("client_id", basic[0]) != basic[0]:
        raise MalformedRequest("the body names another client than the Authorization header")
    return TokenRequest(form, basic)


def _form(body: bytes) -> dict[str, str]:
    """The parameters. One without a value counts as left out (RFC 6749 §3.2)."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise MalformedRequest("the body is not a form in UTF-8") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise MalformedRequest("a parameter stands twice")
    if any(_CONTROL.search(name) or _CONTROL.search(value) for name, value in pairs):
        raise MalformedRequest("a parameter holds a control character")
    return {name: value for name, value in form.items() if value}


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic, both percent-decoded (RFC 6749 §2.3.1); None without the header."""
    if authorization is None:
        return None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise MalformedRequest("the Authorization header must use the Basic scheme")
    try:
        text = b64decode(encoded, validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        credentials = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError as error:
        raise MalformedRequest("the Authorization header is not HTTP Basic in UTF-8") from error
    if not colon or any(_CONTROL.search(part) for part in credentials):
        raise MalformedRequest("the Authorization header is not HTTP Basic in UTF-8")
    return credentials
