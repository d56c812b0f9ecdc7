"""Token attacks, one row each, beside the tokens that must pass. Every token here is really signed."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import InvalidToken, Unauthenticated
from gateway.identity.authenticate import Authenticator, ConfiguredIssuer, RevokedTokens
from gateway.identity.jwks import KeySet, PublicKey, VerificationKey, parse_jwks, public_jwk
from gateway.identity.keys import FixedKeys, shared_secret
from gateway.identity.principal import Principal
from policies.identity import IssuerPolicy, KeySource
from policies.source import Location

NOW: Final = 1_800_000_000
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DROP: Final = object()  # as a claim or header value: leave the member out

RSA_KEY: Final = rsa.generate_private_key(65537, 2048)
OTHER_RSA_KEY: Final = rsa.generate_private_key(65537, 2048)
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
ED_KEY: Final = ed25519.Ed25519PrivateKey.generate()
SECRET: Final = b"a secret of more than thirty-two bytes"
RSA_PEM: Final = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

Json = dict[str, Any]


def _published(kid: str, algorithm: str, key: PublicKey) -> Json:
    return public_jwk(VerificationKey(kid, frozenset({algorithm}), key))


RSA_JWK: Final = _published("rsa-1", "RS256", RSA_KEY.public_key())
OTHER_RSA_JWK: Final = _published("rsa-1", "RS256", OTHER_RSA_KEY.public_key())


def _jwks(*keys: Json) -> KeySet:
    return parse_jwks(json.dumps({"keys": keys}).encode())


def _issuer(name: str, issuer: str, algorithm: str, source: KeySource, keys: FixedKeys) -> ConfiguredIssuer:
    policy = IssuerPolicy(
        name=name,
        issuer=issuer,
        audiences=("hangu", "https://hangu.example"),
        algorithms=(algorithm,),
        keys=source,
        token_types=("at+jwt", "JWT"),
        subject_claim=("sub",),
        roles_claims=(("roles",), ("realm_access", "roles")),
        tenant_claim=("tenant",),
        client_claim=("client_id",),
        role_map=None,
        leeway_seconds=30,
        max_lifetime_seconds=3600,
        location=Location("identity.yaml", 2, 5),
    )
    return ConfiguredIssuer(policy, issuer, keys)


ISSUERS: Final = (
    _issuer("corp", "https://idp.example", "RS256", "jwks", FixedKeys(_jwks(RSA_JWK))),
    _issuer("other", "https://other.example", "RS256", "jwks", FixedKeys(_jwks(OTHER_RSA_JWK))),
    _issuer(
        "ec", "https://ec.example", "ES256", "jwks", FixedKeys(_jwks(_published("ec-1", "ES256", EC_KEY.public_key())))
    ),
    _issuer(
        "ed", "https://ed.example", "EdDSA", "jwks", FixedKeys(_jwks(_published("ed-1", "EdDSA", ED_KEY.public_key())))
    ),
    _issuer("legacy", "https://legacy.example", "HS256", "secret", shared_secret(SECRET)),
    # RS256 is allowed here, and the only key is bound to PS256
    _issuer(
        "bound",
        "https://bound.example",
        "RS256",
        "jwks",
        FixedKeys(_jwks(_published("ps-1", "PS256", RSA_KEY.public_key()))),
    ),
)


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(part: Json | bytes) -> str:
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def signature(algorithm: str, key: Any, signed: str) -> bytes:
    if algorithm == "HS256":  # not through PyJWT, which refuses to sign with a public key
        return hmac.digest(key, signed.encode(), "sha256")
    return jwt.get_algorithm_by_name(algorithm).sign(signed.encode(), key)


def changed(members: Json, changes: Json) -> Json:
    return {name: value for name, value in {**members, **changes}.items() if value is not DROP}


def header(**changes: Any) -> Json:
    return changed({"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"}, changes)


def claims(**changes: Any) -> Json:
    good = {
        "iss": "https://idp.example",
        "aud": "hangu",
        "sub": "张伟",
        "roles": ["user"],
        "iat": NOW - 10,
        "exp": NOW + 600,
        "jti": "t-1",
    }
    return changed(good, changes)


def signed(head: Json | bytes, body: Json | bytes, algorithm: str = "RS256", key: Any = RSA_KEY) -> str:
    start = f"{encoded(head)}.{encoded(body)}"
    return f"{start}.{b64(signature(algorithm, key, start))}"


def bearer(**claim_changes: Any) -> str:
    return f"Bearer {signed(header(), claims(**claim_changes))}"


def headed(**header_changes: Any) -> str:
    return f"Bearer {signed(header(**header_changes), claims())}"


def legacy(head: Json | None = None, key: bytes = SECRET, **claim_changes: Any) -> str:
    head = header(alg="HS256", kid=DROP) if head is None else head
    return f"Bearer {signed(head, claims(iss='https://legacy.example', **claim_changes), 'HS256', key)}"


def es256(tamper: Callable[[bytes], bytes] = lambda raw: raw) -> str:
    start = f"{encoded(header(alg='ES256', kid='ec-1'))}.{encoded(claims(iss='https://ec.example'))}"
    return f"Bearer {start}.{b64(tamper(signature('ES256', EC_KEY, start)))}"


def high_s(raw: bytes) -> bytes:
    return raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")


def eddsa() -> str:
    return f"Bearer {signed(header(alg='EdDSA', kid='ed-1'), claims(iss='https://ed.example'), 'EdDSA', ED_KEY)}"


def payload_text(text: str) -> str:
    return f"Bearer {signed(header(), text.encode())}"


def header_text(text: str) -> str:
    return f"Bearer {signed(text.encode(), claims())}"


def unsigned(algorithm: Any) -> str:
    return f"Bearer {encoded(header(alg=algorithm))}.{encoded(claims())}."


def respelled(token: str) -> str:
    """The same signature bytes with other unused bits in the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


CLAIMS_TEXT: Final = json.dumps(claims())[1:-1]
NOT_UTF8: Final = json.dumps(claims(), ensure_ascii=False).encode("gb18030")
GOOD: Final = signed(header(), claims())
HEAD, BODY, SIGNATURE = GOOD.split(".")

ALLOWED: Final[dict[str, str]] = {
    "plain": f"Bearer {GOOD}",
    "lower-case scheme": f"bearer {GOOD}",
    "upper-case scheme": f"BEARER {GOOD}",
    "typ JWT": headed(typ="JWT"),
    "typ in other case, as a whole media type": headed(typ="application/AT+JWT"),
    "no kid, one key": headed(kid=DROP),
    "unknown header member": headed(x5t="abc"),
    "ES256": es256(),
    "ES256, high s": es256(high_s),
    "EdDSA": eddsa(),
    "HS256": legacy(),
    "HS256, kid of an unnamed secret": legacy(header(alg="HS256", kid="default")),
    "aud list with ours": bearer(aud=["someone", "https://hangu.example"]),
    "expired within leeway": bearer(exp=NOW - 29),
    "nbf within leeway": bearer(nbf=NOW + 30),
    "iat within leeway": bearer(iat=NOW + 30),
    "longest lifetime": bearer(iat=NOW - 600, exp=NOW + 3000),
    "no iat, short enough": bearer(iat=DROP, exp=NOW + 3600),
    "no jti": bearer(jti=DROP),
    "subject of 256 characters": bearer(sub="界" * 256),
    "subject that looks like a role": bearer(sub="role:admin"),
    "depth at the limit": payload_text(f'{{{CLAIMS_TEXT}, "x": {"[" * 7}{"]" * 7}}}'),
    "brackets inside strings are no depth": bearer(note="[{" * 50),
    "whitespace in JSON": payload_text(f"{{ {CLAIMS_TEXT} }}\n"),
}

REFUSED: Final[dict[str, tuple[str, str]]] = {
    # one credential
    "two headers joined": (f"Bearer {GOOD},Bearer {GOOD}", "more than one credential"),
    "two headers joined, second empty": (f"Bearer {GOOD}, ", "more than one credential"),
    "good after bad": (f"Basic YTpi, Bearer {GOOD}", "more than one credential"),
    "scheme alone": ("Bearer", "compact form"),
    "empty token": ("Bearer ", "compact form"),
    "two spaces": (f"Bearer  {GOOD}", "compact form"),
    "trailing space": (f"Bearer {GOOD} ", "compact form"),
    "trailing line feed": (f"Bearer {GOOD}\n", "compact form"),
    "inner line feed": (f"Bearer {HEAD}.{BODY}.\r\n {SIGNATURE}", "compact form"),
    "NUL": (f"Bearer {GOOD}\x00", "compact form"),
    "two tokens": (f"Bearer {GOOD} {GOOD}", "compact form"),
    "quoted token": (f'Bearer "{GOOD}"', "compact form"),
    "token too long": (f"Bearer {GOOD}{'A' * 8192}", "too long"),
    # segments
    "one segment": ("Bearer opaque-token", "compact form"),
    "two segments": (f"Bearer {HEAD}.{BODY}", "compact form"),
    "four segments": (f"Bearer {GOOD}.AAAA", "compact form"),
    "encrypted token (five segments)": (f"Bearer {HEAD}.AAAA.{BODY}.AAAA.{SIGNATURE}", "compact form"),
    "padding": (f"Bearer {HEAD}=.{BODY}.{SIGNATURE}", "compact form"),
    "standard base64 alphabet": (f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-2]}+/", "compact form"),
    "full-width letters": (f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-1]}\uff21", "compact form"),
    "Arabic digits": (f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-1]}\u0661", "compact form"),
    "lone surrogate": (f"Bearer {GOOD}\ud800", "compact form"),
    "length 1 mod 4": (f"Bearer {HEAD}.{BODY}.AAAAA", "not base64url"),
    "same signature, other spelling": (f"Bearer {respelled(GOOD)}", "not canonical"),
    # header
    "big header": (headed(x="a" * 1024), "header too long"),
    "header no object": (f"Bearer {signed(b'[1]', claims())}", "header is not a JSON object"),
    "header not JSON": (header_text("alg=RS256"), "header is not strict JSON"),
    "header in UTF-16": (
        f"Bearer {signed(json.dumps(header()).encode('utf-16'), claims())}",
        "header is not strict JSON",
    ),
    "header with byte order mark": (header_text("\ufeff" + json.dumps(header())), "header is not strict JSON"),
    "header deep": (
        header_text('{"alg":"RS256","typ":"JWT","x":' + "[" * 300 + "]" * 300 + "}"),
        "header is not strict JSON",
    ),
    "duplicate alg": (
        header_text('{"alg":"none","alg":"RS256","typ":"JWT","kid":"rsa-1"}'),
        "header is not strict JSON",
    ),
    "duplicate alg, escaped": (
        header_text('{"alg":"RS256","\\u0061lg":"none","typ":"JWT"}'),
        "header is not strict JSON",
    ),
    "no alg": (headed(alg=DROP), "`alg` and `typ` must be strings"),
    "alg list": (headed(alg=["RS256"]), "`alg` and `typ` must be strings"),
    "alg null": (headed(alg=None), "`alg` and `typ` must be strings"),
    "no typ": (headed(typ=DROP), "`alg` and `typ` must be strings"),
    "crit unknown": (headed(crit=["exp-policy"], **{"exp-policy": 1}), "`crit` is not allowed"),
    "crit empty": (headed(crit=[]), "`crit` is not allowed"),
    "crit null": (headed(crit=None), "`crit` is not allowed"),
    "b64 false": (headed(b64=False), "`b64` is not allowed"),
    "compressed payload": (headed(zip="DEF"), "`zip` is not allowed"),
    "jku": (headed(jku="https://evil.example/jwks.json"), "`jku` is not allowed"),
    "x5u": (headed(x5u="https://evil.example/cert"), "`x5u` is not allowed"),
    "x5c": (headed(x5c=["MIIB"]), "`x5c` is not allowed"),
    "embedded jwk with its own key": (
        f"Bearer {signed(header(jwk=OTHER_RSA_JWK), claims(), key=OTHER_RSA_KEY)}",
        "`jwk` is not allowed",
    ),
    "kid number": (headed(kid=1), "`kid` must be a string"),
    "kid list": (headed(kid=["rsa-1"]), "`kid` must be a string"),
    "kid null": (headed(kid=None), "`kid` must be a string"),
    "kid empty": (headed(kid=""), "`kid` must be a string"),
    "kid long": (headed(kid="k" * 257), "`kid` must be a string"),
    "kid unknown": (headed(kid="rsa-2"), "no such key"),
    "kid path traversal": (headed(kid="../../dev/null"), "no such key"),
    "kid SQL": (headed(kid="' UNION SELECT 'secret"), "no such key"),
    "kid NUL": (headed(kid="rsa-1\x00"), "no such key"),
    "kid lone surrogate": (headed(kid="\ud800"), "no such key"),
    # algorithm
    "algorithm none": (unsigned("none"), "compact form"),
    "algorithm none with a signature": (headed(alg="none"), "not on the issuer's list"),
    "algorithm None": (headed(alg="None"), "not on the issuer's list"),
    "algorithm NONE": (headed(alg="NONE"), "not on the issuer's list"),
    "algorithm nOnE": (headed(alg="nOnE"), "not on the issuer's list"),
    "algorithm rs256": (headed(alg="rs256"), "not on the issuer's list"),
    "algorithm with a space": (headed(alg="RS256 "), "not on the issuer's list"),
    "algorithm empty": (headed(alg=""), "not on the issuer's list"),
    "algorithm unknown": (headed(alg="RS1"), "not on the issuer's list"),
    "HS256 with the RSA public key": (
        f"Bearer {signed(header(alg='HS256'), claims(), 'HS256', RSA_PEM)}",
        "not on the issuer's list",
    ),
    "HS256 with the published JWK": (
        f"Bearer {signed(header(alg='HS256'), claims(), 'HS256', json.dumps(RSA_JWK).encode())}",
        "not on the issuer's list",
    ),
    "PS256 where RS256 is expected": (
        f"Bearer {signed(header(alg='PS256'), claims(), 'PS256')}",
        "not on the issuer's list",
    ),
    "RS256 with a key bound to PS256": (
        f"Bearer {signed(header(kid='ps-1'), claims(iss='https://bound.example'))}",
        "no such key for this `alg`",
    ),
    "RS256 at an HS256 issuer": (
        f"Bearer {signed(header(kid=DROP), claims(iss='https://legacy.example'))}",
        "not on the issuer's list",
    ),
    "ES256 at an RS256 issuer": (
        f"Bearer {signed(header(alg='ES256'), claims(), 'ES256', EC_KEY)}",
        "not on the issuer's list",
    ),
    # typ
    "ID token typ": (headed(typ="id_token"), "`typ` is not on"),
    "logout token": (headed(typ="logout+jwt"), "`typ` is not on"),
    "DPoP proof": (headed(typ="dpop+jwt"), "`typ` is not on"),
    # signature
    "signature stripped": (f"Bearer {HEAD}.{BODY}.", "compact form"),
    "signature of one byte": (f"Bearer {HEAD}.{BODY}.AA", "signature does not match"),
    "signature truncated": (f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-4]}", "canonical"),
    "payload swapped": (f"Bearer {HEAD}.{encoded(claims(sub='admin'))}.{SIGNATURE}", "signature does not match"),
    "header swapped": (f"Bearer {encoded(header(typ='JWT'))}.{BODY}.{SIGNATURE}", "signature does not match"),
    "signed by someone": (f"Bearer {signed(header(), claims(), key=OTHER_RSA_KEY)}", "signature does not match"),
    "ES256 zero signature": (es256(lambda _: bytes(64)), "signature does not match"),
    "ES256 r and s equal to the order": (
        es256(lambda _: 2 * P256_ORDER.to_bytes(32, "big")),
        "signature does not match",
    ),
    "ES256 short": (es256(lambda raw: raw[:63]), "signature does not match"),
    "ES256 long": (es256(lambda raw: raw + b"\x00"), "signature does not match"),
    "ES256 in DER": (es256(lambda _: EC_KEY.sign(b"x", ec.ECDSA(SHA256()))), "signature does not match"),
    "HS256 with another secret": (legacy(key=b"b" * 32), "signature does not match"),
    "HS256 with an empty secret": (legacy(key=b""), "signature does not match"),
    # issuer
    "no iss": (bearer(iss=DROP), "`iss` is not a configured issuer"),
    "iss list": (bearer(iss=["https://idp.example"]), "`iss` is not a configured issuer"),
    "iss object": (bearer(iss={"https://idp.example": 1}), "`iss` is not a configured issuer"),
    "iss with a slash": (bearer(iss="https://idp.example/"), "`iss` is not a configured issuer"),
    "iss in other case": (bearer(iss="https://IDP.example"), "`iss` is not a configured issuer"),
    "iss unknown": (bearer(iss="https://evil.example"), "`iss` is not a configured issuer"),
    "cross-issuer: one issuer signs as the other": (
        f"Bearer {signed(header(), claims(iss='https://other.example'))}",
        "signature does not match",
    ),
    # payload
    "payload no object": (f"Bearer {signed(header(), b'[]')}", "payload is not a JSON object"),
    "payload a string": (payload_text('"sub"'), "payload is not a JSON object"),
    "payload not UTF-8": (f"Bearer {signed(header(), NOT_UTF8)}", "payload is not strict JSON"),
    "duplicate sub": (payload_text(f'{{{CLAIMS_TEXT}, "sub": "admin"}}'), "payload is not strict JSON"),
    "duplicate exp": (payload_text(f'{{"exp": 1, {CLAIMS_TEXT}}}'), "payload is not strict JSON"),
    "duplicate member deep inside": (
        payload_text(f'{{{CLAIMS_TEXT}, "realm_access": {{"roles": [], "roles": ["admin"]}}}}'),
        "payload is not strict JSON",
    ),
    "deep nesting": (payload_text(f'{{{CLAIMS_TEXT}, "x": {"[" * 8}{"]" * 8}}}'), "payload is not strict JSON"),
    "very deep nesting": (
        payload_text(f'{{{CLAIMS_TEXT}, "x": {"[" * 2500}{"]" * 2500}}}'),
        "payload is not strict JSON",
    ),
    "unbalanced nesting": (payload_text("[" * 5000), "payload is not strict JSON"),
    "NaN": (payload_text(f'{{{CLAIMS_TEXT}, "x": NaN}}'), "payload is not strict JSON"),
    "Infinity": (payload_text(f'{{{CLAIMS_TEXT}, "x": -Infinity}}'), "payload is not strict JSON"),
    "integer of 5000 digits": (payload_text(f'{{{CLAIMS_TEXT}, "x": {"9" * 5000}}}'), "payload is not strict JSON"),
    "two documents": (payload_text(f"{{{CLAIMS_TEXT}}}{{}}"), "payload is not strict JSON"),
    # times
    "no exp": (bearer(exp=DROP), "`exp` is missing"),
    "exp null": (bearer(exp=None), "`exp` must be a whole number"),
    "exp string": (bearer(exp=str(NOW + 600)), "`exp` must be a whole number"),
    "exp float": (bearer(exp=NOW + 600.5), "`exp` must be a whole number"),
    "exp in exponent form": (payload_text(json.dumps(claims(exp=DROP))[:-1] + ', "exp": 1.8e9}'), "`exp` must be"),
    "exp overflowing float": (payload_text(json.dumps(claims(exp=DROP))[:-1] + ', "exp": 1e999}'), "`exp` must be"),
    "exp boolean": (bearer(exp=True), "`exp` must be a whole number"),
    "exp list": (bearer(exp=[NOW + 600]), "`exp` must be a whole number"),
    "exp negative": (bearer(exp=-1), "`exp` must be a whole number"),
    "exp huge": (bearer(exp=10**30), "`exp` must be a whole number"),
    "exp after year 9999": (bearer(exp=253_402_300_800), "`exp` must be a whole number"),
    "expired": (bearer(exp=NOW - 31), "expired"),
    "expired at the last second of leeway": (bearer(exp=NOW - 30), "expired"),
    "exp zero": (bearer(exp=0), "expired"),
    "nbf in the future": (bearer(nbf=NOW + 31), "not valid yet"),
    "nbf string": (bearer(nbf="0"), "`nbf` must be a whole number"),
    "iat in the future": (bearer(iat=NOW + 31), "not valid yet"),
    "iat boolean": (bearer(iat=False), "`iat` must be a whole number"),
    "iat null": (bearer(iat=None), "`iat` must be a whole number"),
    "lives too long": (bearer(iat=NOW - 600, exp=NOW + 3001), "lives longer"),
    "lives too long, hidden by no iat": (bearer(iat=DROP, exp=NOW + 3601), "lives longer"),
    "lives for ever": (bearer(exp=253_402_300_799), "lives longer"),
    # audience
    "no aud": (bearer(aud=DROP), "`aud` must be a string"),
    "aud other": (bearer(aud="someone"), "another audience"),
    "aud prefix": (bearer(aud="hangu2"), "another audience"),
    "aud in other case": (bearer(aud="HANGU"), "another audience"),
    "aud empty list": (bearer(aud=[]), "another audience"),
    "aud list of lists": (bearer(aud=[["hangu"]]), "`aud` must be a string"),
    "aud with a number beside ours": (bearer(aud=["hangu", 1]), "`aud` must be a string"),
    "aud object": (bearer(aud={"hangu": True}), "`aud` must be a string"),
    "aud null": (bearer(aud=None), "`aud` must be a string"),
    # subject
    "no sub": (bearer(sub=DROP), "`subject` must be a string"),
    "sub empty": (bearer(sub=""), "`subject` must be a string"),
    "sub of spaces": (bearer(sub="  "), "`subject` must be a string"),
    "sub number": (bearer(sub=1), "`subject` must be a string"),
    "sub list": (bearer(sub=["admin"]), "`subject` must be a string"),
    "sub null": (bearer(sub=None), "`subject` must be a string"),
    "sub long": (bearer(sub="a" * 257), "`subject` must be a string"),
    "sub with a line feed": (bearer(sub="admin\n"), "`subject` must be a string"),
    "sub with NUL": (bearer(sub="admin\x00"), "`subject` must be a string"),
    "sub with a zero-width space": (bearer(sub="ad\u200bmin"), "`subject` must be a string"),
    "sub with a direction override": (bearer(sub="\u202enimda"), "`subject` must be a string"),
    "sub with a lone surrogate": (bearer(sub="\ud800"), "`subject` must be a string"),
    # bound tokens
    "token bound to a certificate": (bearer(cnf={"x5t#S256": "abc"}), "bound to a key"),
    "token bound by null": (bearer(cnf=None), "bound to a key"),
    # roles and the rest
    "roles object": (bearer(roles={"admin": True}), "`roles` must be"),
    "roles number": (bearer(roles=1), "`roles` must be"),
    "roles true": (bearer(roles=True), "`roles` must be"),
    "roles null": (bearer(roles=None), "`roles` must be"),
    "roles nested list": (bearer(roles=[["admin"]]), "`roles` must be"),
    "roles with a null": (bearer(roles=["user", None]), "`roles` must be"),
    "roles with an empty name": (bearer(roles=["user", ""]), "`roles` must be"),
    "roles with a line feed": (bearer(roles="user\nadmin"), "`roles` must be"),
    "roles of a thousand names": (bearer(roles=["r"] * 257), "`roles` must be"),
    "roles behind a string": (bearer(realm_access="admin"), "cannot be reached"),
    "roles behind a list": (bearer(realm_access=[{"roles": ["admin"]}]), "cannot be reached"),
    "roles good at one path and bad at the other": (bearer(realm_access={"roles": 7}), "`roles` must be"),
    "scope list": (bearer(scope=["chat"]), "`scope` must be a string"),
    "jti number": (bearer(jti=7), "`jti` must be a string"),
    "jti null": (bearer(jti=None), "`jti` must be a string"),
    "client_id list": (bearer(client_id=["a"]), "`client_id` must be a string"),
    "tenant number": (bearer(tenant=1), "`tenant` must be a string"),
    "amr string": (bearer(amr="otp"), "`amr` must be a list"),
    "acr number": (bearer(acr=2), "`acr` must be a string"),
    "revoked": (bearer(jti="revoked"), "revoked"),
}

MISSING: Final[dict[str, str | None]] = {
    "no header": None,
    "empty header": "",
    "blank header": "  ",
    "Basic": "Basic YWxpY2U6c2VjcmV0",
    "token alone": GOOD,
    "Token scheme": f"Token {GOOD}",
    "leading space": f" Bearer {GOOD}",
    "tab after the scheme": f"Bearer\t{GOOD}",
    "scheme in full-width letters": f"\uff22earer {GOOD}",
}


def _authenticator(cached_tokens: int = 16) -> Authenticator:
    revoked = RevokedTokens()
    revoked.revoke("corp", "revoked", NOW + 700, NOW)
    return Authenticator(ISSUERS, revoked, cached_tokens=cached_tokens)


@pytest.mark.parametrize("authorization", ALLOWED.values(), ids=ALLOWED)
def test_a_good_token_passes(authorization: str) -> None:
    """A token in order proves its caller, at first sight and from the cache."""
    authenticator = _authenticator()
    first = authenticator.authenticate(authorization, NOW)
    assert first.roles == ("user",)
    assert authenticator.authenticate(authorization, NOW) == first


@pytest.mark.parametrize(("authorization", "reason"), REFUSED.values(), ids=REFUSED)
def test_an_attack_is_refused(authorization: str, reason: str) -> None:
    """An attack ends as 401 invalid_token for its own reason, which the caller does not read."""
    authenticator = _authenticator()
    authenticator.authenticate(f"Bearer {GOOD}", NOW)  # what is cached must not help
    for _ in range(2):
        with pytest.raises(InvalidToken) as refused:
            authenticator.authenticate(authorization, NOW)
        assert reason in str(refused.value.detail)
        assert refused.value.public == InvalidToken.default
        assert refused.value.headers() == {"WWW-Authenticate": InvalidToken.challenge}


@pytest.mark.parametrize("authorization", MISSING.values(), ids=MISSING)
def test_no_bearer_token_is_no_invalid_token(authorization: str | None) -> None:
    """Without a bearer token the challenge is bare (RFC 6750 §3.1)."""
    with pytest.raises(Unauthenticated) as refused:
        _authenticator().authenticate(authorization, NOW)
    assert type(refused.value) is Unauthenticated
    assert refused.value.headers() == {"WWW-Authenticate": 'Bearer realm="hangu"'}


@dataclass(frozen=True)
class RoleCase:
    changes: Json
    roles: tuple[str, ...]


ROLE_CASES: Final = {
    "list": RoleCase({"roles": ["user", "admin", "user"]}, ("admin", "user")),
    "string": RoleCase({"roles": "admin"}, ("admin",)),
    "space-separated": RoleCase({"roles": "user  admin "}, ("admin", "user")),
    "comma is no separator": RoleCase({"roles": "user,admin"}, ("user,admin",)),
    "empty string": RoleCase({"roles": ""}, ()),
    "empty list": RoleCase({"roles": []}, ()),
    "missing": RoleCase({"roles": DROP}, ()),
    "nested": RoleCase({"roles": DROP, "realm_access": {"roles": ["管理员"]}}, ("管理员",)),
    "parent without roles": RoleCase({"roles": DROP, "realm_access": {}}, ()),
    "both paths": RoleCase({"realm_access": {"roles": ["guest"]}}, ("guest", "user")),
}


@pytest.mark.parametrize("case", ROLE_CASES.values(), ids=ROLE_CASES)
def test_roles_are_read_and_never_converted(case: RoleCase) -> None:
    """Roles come from every declared path, as a string or a list of strings."""
    assert _authenticator().authenticate(bearer(**case.changes), NOW).roles == case.roles


def test_every_claim_reaches_the_principal() -> None:
    """A Principal holds what the token says, typed."""
    token = bearer(scope="chat models", client_id="门户", tenant="北京", amr=["pwd", "otp"], acr="2")
    assert _authenticator().authenticate(token, NOW) == Principal(
        subject="张伟",
        roles=("user",),
        issuer="corp",
        tenant="北京",
        client_id="门户",
        scope=("chat", "models"),
        token_id="t-1",
        expires_at=NOW + 600,
        amr=("pwd", "otp"),
        acr="2",
    )
