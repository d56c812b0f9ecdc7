"""CEF 0: a parser written from the standard gets back what the record held, whatever characters are in it."""

import re
from typing import Any

import pytest
from harness.records import ADMITTED, DENIED, FINISHED, FLOOD, ORIGIN, SAMPLES, SECONDS, UNKNOWN_CALLER, record

from audit.export import cef

_ESCAPES = {"\\\\": "\\", "\\=": "=", "\\n": "\n", "\\r": "\r", "\\|": "|"}
_KEY = re.compile(r"(?:^| )([A-Za-z][A-Za-z0-9]*)=")


def parse(line: bytes) -> tuple[list[str], dict[str, str]]:
    """Header fields and extension of a line, by the rules of the standard, strictly."""
    text = line.decode()
    assert "\n" not in text
    assert "\r" not in text
    match = re.fullmatch(r"((?:(?:[^\\|]|\\[\\|])*\|){7})(.*)", text)
    assert match is not None, text
    parts = [*re.findall(r"((?:[^\\|]|\\[\\|])*)\|", match[1]), match[2]]
    header = [re.sub(r"\\([\\|])", r"\1", part) for part in parts[:7]]
    return header, _extension(parts[7])


def _extension(text: str) -> dict[str, str]:
    starts = [m for m in _KEY.finditer(text) if not text[: m.end() - 1].endswith("\\")]
    ends = [m.start() for m in starts[1:]] + [len(text)]
    return {m[1]: _unescape(text[m.end() : end]) for m, end in zip(starts, ends, strict=True)}


def _unescape(value: str) -> str:
    assert not re.search(r"(?<!\\)(?:\\\\)*=", value), "an equal sign is not escaped"
    return re.sub(r"\\(.)", lambda m: _ESCAPES["\\" + m[1]], value)


def line(fields: dict[str, Any], *, verified: bool = True) -> bytes:
    """The line of a record."""
    return cef.render(record(fields), verified=verified)


@pytest.mark.parametrize("fields", SAMPLES, ids=lambda fields: str(fields.get("event")))
def test_every_record_is_one_line(fields: dict[str, Any]) -> None:
    """Whatever is recorded is one parsable line under its origin and index."""
    header, extension = parse(line(fields))
    assert header[:4] == ["CEF:0", "Hangu", "Hangu", "1"]
    assert header[4] == (fields.get("event") or "record")
    assert 0 <= int(header[6]) <= 10
    assert (extension["deviceExternalId"], extension["externalId"]) == (ORIGIN, "5")
    assert extension["rt"] == str(SECONDS * 1000 + 1)


def test_fields() -> None:
    """Who, what and how it ended stand under CEF's own keys, the rest in labelled custom fields."""
    _, extension = parse(line(ADMITTED))
    assert (extension["suser"], extension["spriv"], extension["src"]) == ("李雷", "user,护士", "10.0.0.7")
    assert (extension["act"], extension["outcome"], extension["requestContext"]) == ("chat", "allow", "req-1")
    assert (extension["cs1Label"], extension["cs1"]) == ("model", "chatglm3-6b")
    assert (extension["cs2Label"], extension["cs2"]) == ("rule", "policy.csv:5:1")
    _, ended = parse(line(FINISHED))
    assert (ended["cn1"], ended["cn2"], ended["cn3"]) == ("12", "34", "250")
    assert parse(line(FLOOD))[1]["cnt"] == "70"


def test_escapes() -> None:
    """Backslash, equal sign, pipe and line ends are escaped where, and only where, the standard says."""
    raw = line(DENIED)
    assert rb"msg=no rule | allows \= this\\\nat all" in raw
    assert parse(raw)[1]["msg"] == DENIED["detail"]
    header = line({"event": "a|b\\c=d\ne"}).split(b"|1|", 1)[1]
    assert header.startswith(rb"a\|b\\c=d e|")


def test_ipv6_address() -> None:
    """`src` takes IPv4 only, so an IPv6 address has the field that CEF has for it."""
    _, extension = parse(line(UNKNOWN_CALLER))
    assert (extension["c6a2"], extension["c6a2Label"]) == ("2001:db8::7", "Source IPv6 Address")
    assert "src" not in extension
    assert parse(line({**UNKNOWN_CALLER, "address": "unix"}))[1]["shost"] == "unix"


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x85", "\u2028", "\x7f", "\x0b"])
def test_line_break_smuggled_in(char: str) -> None:
    """No character can start a forged line or drive a terminal; CEF has no escape for these."""
    raw = line({**DENIED, "subject": f"a{char}CEF:0|Evil|x", "detail": char, "event": f"e{char}"})
    assert char not in raw.decode()
    assert len(raw.decode().splitlines()) == 1


def test_forged_key() -> None:
    """A value cannot add a key of its own."""
    _, extension = parse(line({**DENIED, "subject": "eve src=1.2.3.4 outcome=allow"}))
    assert extension["suser"] == "eve src=1.2.3.4 outcome=allow"
    assert (extension["src"], extension["outcome"]) == ("10.0.0.7", "deny")


def test_long_values_are_cut() -> None:
    """No value is longer than CEF's dictionary allows, and none is cut within an escape."""
    _, extension = parse(line({**DENIED, "detail": "=" * 5000, "subject": "\\" * 5000}))
    assert extension["msg"] == "=" * 1023
    assert extension["suser"] == "\\" * 1023


@pytest.mark.parametrize("verified", [True, False])
def test_says_whether_it_is_verified(verified: bool) -> None:
    """Every line says whether its record was verified."""
    assert parse(line(ADMITTED, verified=verified))[1]["flexString1"] == ("true" if verified else "false")
