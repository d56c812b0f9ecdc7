"""Join what policy says of each issuer with where the deployment has its keys, or say what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gateway.identity.authenticate import ConfiguredIssuer
from gateway.identity.jwks import JwksError, parse_jwks
from gateway.identity.jwks_fetch import JwksEndpoint
from gateway.identity.keys import FixedKeys, JwksKeys, KeyObserver, KeySource, shared_secret
from gateway.identity.token_issuer import SigningKey, TokenIssuer
from gateway.settings import IssuerSource, OAuthSettings, Settings
from policies.identity import EMBEDDED, IssuerPolicy
from policies.source import Location, Problem, Problems, SourceError

Observe = Callable[[str], KeyObserver | None]


def open_token_issuer(oauth: OAuthSettings, policies: tuple[IssuerPolicy, ...]) -> TokenIssuer:
    """The embedded server's tokens, for the audience that policy expects of them. Raises SourceError."""
    audience = next((policy.audiences[0] for policy in policies if policy.keys == "embedded"), "hangu")
    try:
        return TokenIssuer(oauth.issuer, audience, [SigningKey.from_pem(_read_private(oauth.signing_key))])
    except JwksError as error:
        raise _at(oauth.signing_key, str(error)) from error


def configure_issuers(
    policies: tuple[IssuerPolicy, ...], settings: Settings, embedded: TokenIssuer | None, observe: Observe
) -> tuple[ConfiguredIssuer, ...]:
    """Every trusted issuer with its keys, none fetched yet. Raises SourceError naming each issuer without them.

    `observe` gives the observer of the issuer of that name, for keys that are fetched.
    """
    problems = Problems()
    configured = [_configure(policy, settings.issuers, embedded, observe, problems) for policy in policies]
    for name in sorted(set(settings.issuers) - {policy.name for policy in policies}):
        problems.add(Location(str(settings.source), 1, 1), f"`issuers` names `{name}`, which identity.yaml does not")
    problems.raise_if_any()
    return tuple(issuer for issuer in configured if issuer is not None)


def start_fetching(issuers: Iterable[ConfiguredIssuer]) -> None:
    """Fetch in the background what issuers publish, so that the first request does not wait for it."""
    for issuer in issuers:
        if isinstance(issuer.keys, JwksKeys):
            issuer.keys.start_refresh()


def _configure(
    policy: IssuerPolicy,
    sources: Mapping[str, IssuerSource],
    embedded: TokenIssuer | None,
    observe: Observe,
    problems: Problems,
) -> ConfiguredIssuer | None:
    if policy.keys == "embedded":
        if embedded is None:
            problems.add(
                policy.location, f"issuer `{policy.name}` is the embedded server, but hangu.yaml has no `oauth`"
            )
            return None
        issuer = embedded.issuer if policy.issuer == EMBEDDED else policy.issuer
        return ConfiguredIssuer(policy, issuer, FixedKeys(embedded.keys))
    source = sources.get(policy.name)
    try:
        keys = _keys(policy, source, observe) if source else None
    except JwksError as error:
        problems.add(policy.location, f"keys of issuer `{policy.name}`: {error}")
        return None
    if keys is None:
        wanted = "secret" if policy.keys == "secret" else "jwks_uri` or `jwks_file"
        problems.add(policy.location, f"hangu.yaml must give `issuers: {policy.name}:` a `{wanted}`")
        return None
    return ConfiguredIssuer(policy, policy.issuer, keys)


def _keys(policy: IssuerPolicy, source: IssuerSource, observe: Observe) -> KeySource | None:
    if policy.keys == "secret":
        return shared_secret(source.secret) if source.secret is not None else None
    if source.jwks_uri is not None:
        endpoint = JwksEndpoint.parse(source.jwks_uri, source.ca_file)
        return JwksKeys(endpoint.fetch, name=policy.name, observer=observe(policy.name))
    if source.jwks_file is None:
        return None
    try:
        return FixedKeys(parse_jwks(source.jwks_file.read_bytes()))
    except OSError as error:
        raise JwksError(f"`{source.jwks_file}` cannot be read: {error.strerror}") from error


def _read_private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise _at(path, "can be read by others; set its mode to 0600")
        return path.read_bytes()
    except OSError as error:
        raise _at(path, f"cannot be read: {error.strerror}") from error


def _at(path: Path, message: str) -> SourceError:
    return SourceError([Problem(Location(str(path), 1, 1), message)])
