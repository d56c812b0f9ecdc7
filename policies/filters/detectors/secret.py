"""Credentials: tokens that name their issuer, private keys, assignments, and the same once encoded."""

import base64
import math
import urllib.parse
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import Any, Final

import re2

from policies.filters.charset import CharSet
from policies.filters.pattern import parse
from policies.filters.rule import NOTHING, Rule, Tail
from policies.filters.syntax import Syntax

_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_WORD: Final = CharSet.chars("0-9A-Za-z_-") | CharSet.chars("-")
_DOTTED: Final = _WORD | CharSet.chars(".=")
_PEM: Final = CharSet.chars("0-9A-Za-z+/=: \t\r\n,") | CharSet.chars("-")
_BEFORE_RUN: Final = _WORD | CharSet.chars("+/%")
_ENCODED: Final = _BEFORE_RUN | CharSet.chars("=")

# Beginnings that only one issuer uses, with as many characters as make them sure; the tail takes the rest.
_ISSUED: Final = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    r"gh[pousr]_[A-Za-z0-9]{30}",
    r"github_pat_[A-Za-z0-9_]{22}",
    r"gl(?:pat|dt|rt|soat|cbt|ptt)-[A-Za-z0-9_\-]{20}",
    r"xox[abeoprs]-[A-Za-z0-9\-]{20}",
    r"xapp-\d-[A-Za-z0-9\-]{20}",
    r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{16}",
    r"whsec_[A-Za-z0-9]{24}",
    r"hf_[A-Za-z0-9]{30}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgEI[A-Za-z0-9_\-]{30}",
    r"AIza[A-Za-z0-9_\-]{35}",
    r"ya29\.[A-Za-z0-9_\-]{20}",
    r"GOCSPX-[A-Za-z0-9_\-]{24}",
    r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{20}",
    r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}",
    r"do[opr]_v1_[a-f0-9]{40}",
    r"dapi[a-f0-9]{32}",
    r"lin_api_[A-Za-z0-9]{32}",
    r"PMAK-[a-f0-9]{24}",
    r"LTAI[A-Za-z0-9]{16}",
    r"AKID[A-Za-z0-9]{32}",
    r"SK[a-f0-9]{32}",
    r"sq0(?:atp|csp)-[A-Za-z0-9_\-]{22}",
    r"r8_[A-Za-z0-9]{36}",
    r"gsk_[A-Za-z0-9]{40}",
    r"pplx-[A-Za-z0-9]{40}",
    r"\d{8,10}:AA[A-Za-z0-9_\-]{32}",
)
_TOKENS: Final = "|".join(_ISSUED)
_KEY: Final = r"sk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_\-]{20}"
_ZHIPU: Final = r"[0-9a-f]{32}\.[A-Za-z0-9]{16}"
_JWT: Final = r"eyJ[A-Za-z0-9_\-]{8,180}\.eyJ[A-Za-z0-9_\-]{8}"
_PEM_BEGIN: Final = r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_PEM_END: Final = r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_URL_LOGIN: Final = r"[A-Za-z][A-Za-z0-9+.\-]{1,15}://[A-Za-z0-9._%+\-]{0,64}:[A-Za-z0-9._%+!$&*=~\-]{3,64}@"
_NAMED: Final = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|auth|private|signing|encryption)[_\- ]?key|credential|"
    r"口令|密码|密钥|令牌|私钥)[\"'`]?(?: ?(?:[:=：]|=>|:=|is|是|为) ?)[\"'`]?"
)
_VALUE: Final = r"[A-Za-z0-9][A-Za-z0-9+/=_.~!@#$%^&*\-]{7,127}"
_RUN: Final = r"[A-Za-z0-9+/_%\-]{24,255}={0,2}"
_LONG_RUN: Final = r"[A-Za-z0-9+/_%\-]{256}"
_DEPTH: Final = 2
_MIN_BITS: Final = 2.8  # of Shannon entropy in each character


def secret() -> tuple[Rule, ...]:
    """Rules for credentials. Encoded ones are found in base64, hexadecimal and percent encoding, two layers deep."""
    return (
        Rule("SECRET", _body(_TOKENS), _ALPHANUMERIC, NOTHING, tail=Tail(_WORD)),
        Rule("SECRET", _body(_KEY), _ALPHANUMERIC, NOTHING, _is_random, tail=Tail(_WORD)),
        Rule("SECRET", _body(_ZHIPU), _ALPHANUMERIC, _ALPHANUMERIC),
        Rule("SECRET", _body(_JWT), _ALPHANUMERIC, NOTHING, tail=Tail(_DOTTED)),
        Rule("SECRET", _body(_PEM_BEGIN), tail=Tail(_PEM, _body(_PEM_END))),
        Rule("SECRET", _body(_URL_LOGIN), _ALPHANUMERIC),
        Rule("SECRET", _body(_VALUE), _ALPHANUMERIC, _ALPHANUMERIC, _is_password, lead=parse(_NAMED, ignore_case=True)),
        Rule("SECRET", _body(_RUN), _BEFORE_RUN, _ENCODED, _hides_secret),
        Rule("SECRET", _body(_LONG_RUN), _BEFORE_RUN, NOTHING, _hides_secret, tail=Tail(_ENCODED)),
    )


def _body(pattern: str) -> Syntax:
    return parse(pattern, max_repeat=256)


def _is_random(value: str) -> bool:
    """`sk-learn-is-a-library-name` has neither digits nor both cases."""
    return any(char.isdecimal() for char in value) or (
        value[3:].lower() != value[3:] and value[3:].upper() != value[3:]
    )


def _is_password(value: str) -> bool:
    mixed = any(char.isalpha() for char in value) and any(not char.isalpha() for char in value)
    return mixed and any(char.isdecimal() for char in value) and _bits(value) >= _MIN_BITS


def _bits(value: str) -> float:
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _hides_secret(value: str) -> bool:
    return any(_holds_secret(inner, _DEPTH) for inner in _decoded(value.encode()))


def _holds_secret(data: bytes, depth: int) -> bool:
    if _plain_secrets().search(data) is not None:
        return True
    return depth > 1 and any(_holds_secret(inner, depth - 1) for inner in _decoded(data))


@cache
def _plain_secrets() -> Any:
    return re2.compile(f"{_TOKENS}|{_KEY}|{_JWT}|{_PEM_BEGIN}".encode())


def _decoded(data: bytes) -> list[bytes]:
    """What the data reads as in each encoding that it could be in."""
    found = [urllib.parse.unquote_to_bytes(data)] if b"%" in data else []
    bare = data.rstrip(b"=").translate(_URL_SAFE)
    padded = bare[: len(bare) - (len(bare) % 4 == 1)]
    for decode, encoded in (
        (base64.b64decode, padded + b"=" * (-len(padded) % 4)),
        (bytes.fromhex, bare[: len(bare) & ~1]),
    ):
        with suppress(ValueError):
            found.append(decode(encoded.decode()))
    return found


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
