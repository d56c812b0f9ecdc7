"""The client registry: what clients.yaml may hold, and how a secret is proven."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.identity.clients import Client, ClientRegistry, generate_secret, hash_secret, load_clients, read_clients
from policies.source import SourceError

SECRET = generate_secret()
GOOD = f"""\
clients:
  - client_id: report-bot
    secret_hash: "{hash_secret(SECRET)}"
    roles: [user, 管理员]
    scopes: [chat]
    audience: https://other.example
  - client_id: portal.v2
    secret_hash: "{hash_secret(generate_secret())}"
    roles: [guest]
"""


def problems(text: str | bytes) -> str:
    with pytest.raises(SourceError) as refused:
        read_clients(text if isinstance(text, bytes) else text.encode(), "clients.yaml")
    return str(refused.value)


def test_a_client_and_its_secret() -> None:
    """The right secret proves the client, with all that the file says of it."""
    registry = read_clients(GOOD.encode(), "clients.yaml")
    assert len(registry) == 2
    assert registry.verify("report-bot", SECRET) == Client(
        "report-bot", hash_secret(SECRET), ("user", "管理员"), ("chat",), "https://other.example"
    )


@pytest.mark.parametrize(
    ("client_id", "secret"),
    [
        ("report-bot", ""),
        ("report-bot", SECRET + "x"),
        ("report-bot", SECRET[:-1]),
        ("report-bot", hash_secret(SECRET)),
        ("report-bot", "秘密"),
        ("report-bot", "\ud800"),
        ("report-bot", "x" * 1_000_000),
        ("portal.v2", SECRET),
        ("Report-Bot", SECRET),
        ("report-bot ", SECRET),
        ("nobody", SECRET),
        ("", SECRET),
        ("", ""),
    ],
)
def test_a_wrong_secret_proves_nothing(client_id: str, secret: str) -> None:
    """A wrong secret, an unknown client and a hash in place of its secret are all the same refusal."""
    assert read_clients(GOOD.encode(), "clients.yaml").verify(client_id, secret) is None


def test_secrets_are_random_and_hashes_are_not_shown() -> None:
    """A new secret has 256 random bits, and a registry that is printed shows no hash."""
    secrets = {generate_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(secret) == len("hangu_") + 43 for secret in secrets)
    assert "sha256" not in repr(Client("a", hash_secret(SECRET), ()))


@pytest.mark.parametrize("secret", ["", "password", "x" * 31, "x" * 257])
def test_a_secret_that_people_choose(secret: str) -> None:
    """A plain hash protects only random secrets, so short ones are refused."""
    with pytest.raises(ValueError, match="32 to 256 characters"):
        hash_secret(secret)


def test_every_mistake_in_one_run() -> None:
    """All mistakes come at once, each with its place."""
    text = """\
clients:
  - client_id: Report Bot
    secret_hash: hunter2
    roles: user
  - client_id: portal
    secret_hsah: "sha256:00"
    roles: []
    scopes: ["a b"]
"""
    found = problems(text)
    for expected in (
        "clients.yaml:2:16: `client_id` must match",
        "clients.yaml:3:18: `secret_hash` must be `sha256:` and 64 hexadecimal digits",
        "clients.yaml:4:12: `roles` must be a list of strings",
        "clients.yaml:6:5: unknown key `secret_hsah` (did you mean `secret_hash`?)",
        "clients.yaml:7:12: `roles` must not be empty",
        "clients.yaml:8:14:",
    ):
        assert expected in found


def test_the_same_client_twice() -> None:
    """One id is one client, in the file and in the registry."""
    row = GOOD.split("\n", 1)[1]
    assert "client `report-bot` stands on line 2 too" in problems(f"clients:\n{row}{row}")
    client = Client("a", hash_secret(SECRET), ())
    with pytest.raises(ValueError, match="twice"):
        ClientRegistry([client, client])


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"clients: {}", b"clients: &a [*a]", b"{" * 5000, b"\x00"])
def test_no_registry_at_all(text: bytes) -> None:
    """Whatever else the file holds is a located mistake."""
    assert "clients.yaml:1:" in problems(text)


def test_no_clients_is_fine() -> None:
    """An installation may begin without clients."""
    assert len(read_clients(b"clients: []\n", "clients.yaml")) == 0


def test_file_that_everyone_can_write(tmp_path: Path) -> None:
    """Whoever can write the file makes clients, so its mode is checked; reading it gives nothing away."""
    path = tmp_path / "clients.yaml"
    path.write_text(GOOD)
    path.chmod(0o644)
    assert len(load_clients(path)) == 2
    path.chmod(0o646)
    with pytest.raises(SourceError, match="everyone can write"):
        load_clients(path)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, or a folder in its place, is a located mistake."""
    for path in (tmp_path / "clients.yaml", tmp_path):
        with pytest.raises(SourceError, match="cannot be read"):
            load_clients(path)
