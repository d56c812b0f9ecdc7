"""policies/network.py: which source address reaches which surface."""

from __future__ import annotations

import pytest

from policies.network import NetworkPolicy, load_network
from policies.source import Problems, parse_yaml

_GOOD = """\
api: [10.0.0.0/8, 127.0.0.1/32, "fc00::/7"]
admin: ["::1/128", 192.168.7.0/24]
metrics: [0.0.0.0/0]
console: ["::/0"]
"""


def _load(text: str) -> tuple[NetworkPolicy, list[str]]:
    problems = Problems()
    node = parse_yaml(text.encode(), "network.yaml", problems)
    assert node is not None
    return load_network(node, problems), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("surface", "address"),
    [
        ("api", "10.1.2.3"),
        ("api", "127.0.0.1"),
        ("api", "fd12::1"),
        ("api", "::ffff:10.1.2.3"),
        ("api", "::FFFF:0a01:0203"),
        ("admin", "::1"),
        ("admin", "192.168.7.255"),
        ("metrics", "203.0.113.9"),
        ("console", "2001:db8::1"),
        ("api", "fd12::1%eth0"),
    ],
)
def test_allowed(surface: str, address: str) -> None:
    """An address inside a listed network reaches the surface, an IPv4 address also in its IPv6 clothes."""
    policy, found = _load(_GOOD)
    assert found == []
    assert policy.allows(surface, address)


@pytest.mark.parametrize(
    ("surface", "address"),
    [
        ("api", "11.0.0.1"),
        ("api", "127.0.0.2"),
        ("api", "::1"),
        ("api", "::ffff:11.0.0.1"),
        ("api", "::10.1.2.3"),
        ("admin", "127.0.0.1"),
        ("admin", "192.168.8.0"),
        ("metrics", "::1"),
        ("console", "::ffff:10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_refused(surface: str, address: str) -> None:
    """An address outside, the other family, and a surface nobody listed: refused."""
    assert not _load(_GOOD)[0].allows(surface, address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        " 10.0.0.1",
        "10.0.0.1 ",
        "10.0.0.1\n",
        "10.0.0.1:80",
        "[::1]",
        "010.0.0.1",
        "10.1",
        "167772161",
        "10.0.0.1, 10.0.0.2",
        "localhost",
        "unix:",
        "１０.0.0.1",
        "10.0.0.1\x00",
        "x" * 100_000,
        "::ffff:",
        "unknown",
        None,
    ],
)
def test_no_address(address: str | None) -> None:
    """Text that is not exactly one address reaches nothing, however open the networks are."""
    policy, _ = _load('api: [0.0.0.0/0, "::/0"]\nadmin: [0.0.0.0/0]\nmetrics: [0.0.0.0/0]\nconsole: [0.0.0.0/0]\n')
    assert not policy.allows("api", address)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.1/8", "network.yaml:1:7: not a network in CIDR form: `10.0.0.1/8` (did you mean `10.0.0.0/8`?)"),
        ("10.0.0.0/33", "not a network"),
        ("10.0.0.0/-1", "not a network"),
        ("intranet", "not a network in CIDR form: `intranet`"),
        ('"::ffff:10.0.0.0/104"', "write the IPv4 network itself"),
        ("5", "must be a string"),
        ("[a]", "must be a string"),
    ],
)
def test_bad_network(text: str, message: str) -> None:
    """A network that is not one, or that could never match, is refused at its place."""
    _, found = _load(_GOOD.replace("10.0.0.0/8", text))
    assert any(message in line for line in found), found


def test_every_surface_is_listed() -> None:
    """A surface that is left out, empty or misspelt is a mistake, so nothing is open or shut by accident."""
    _, found = _load("api: []\nadmn: [10.0.0.0/8]\nmetrics: [10.0.0.0/8]\nconsole: x\n")
    assert any("`api` must list at least one network" in line for line in found)
    assert any("unknown key `admn` (did you mean `admin`?)" in line for line in found)
    assert any("`console` must be a list" in line for line in found)
