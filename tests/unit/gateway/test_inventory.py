"""What a worker writes before its first request: all of the policy, and of secrets only that they changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from harness.gate import HMAC_KEY, MemoryLog, default_bundle

from audit.client import Receipt
from audit.event import event_logger
from gateway import inventory
from gateway.fingerprint import fingerprints
from gateway.identity.clients import Client, hash_secret
from gateway.inventory import record_clients, record_policy

FINGERPRINT = fingerprints(HMAC_KEY)


def test_the_policy_can_be_rebuilt_from_the_log() -> None:
    """The texts of all files come first and are those that the digest names; then the bundle is in force."""
    bundle, log = default_bundle(), MemoryLog()
    record_policy(log.emit, bundle)
    texts: dict[str, str] = {}
    for _, fields in log.events[:-1]:
        assert fields["bundle"] == bundle.digest
        texts[fields["path"]] = texts.get(fields["path"], "") + fields["text"]
    event, activated = log.events[-1]
    assert event == "policy.activated"
    assert {path: text.encode() for path, text in texts.items()} == dict(bundle.files)
    for file in activated["files"]:
        content = bundle.files[file["path"]]
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_large_file_is_cut_and_fits_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are numbered and join to the file, in any script and however much of it must be escaped."""
    sent: list[bytes] = []

    def append(body: bytes) -> Receipt:
        sent.append(body)
        return Receipt("test/log", len(sent))

    text = "# 函谷关\n" + '\t"\\' * inventory.PART + "医保" * inventory.PART
    record_policy(event_logger(append).event, replace(default_bundle(), files={"policy.csv": text.encode()}))
    records = [json.loads(body) for body in sent[:-1]]
    assert [record["part"] for record in records] == list(range(1, records[0]["parts"] + 1))
    assert "".join(record["text"] for record in records) == text
    assert max(map(len, sent)) < 1 << 20


def _clients(log: MemoryLog, *clients: Client) -> list[dict[str, object]]:
    record_clients(log.emit, clients, FINGERPRINT)
    return [client for _, fields in log.events for client in fields["clients"]]


def test_a_new_secret_shows_without_showing_itself() -> None:
    """Two secrets have two fingerprints, the same one has the same, and no hash is in the record."""
    first, second = (hash_secret(letter * 40) for letter in "ab")
    rows = _clients(MemoryLog(), *(Client(f"bot-{n}", h, ("user",)) for n, h in enumerate((first, second, first))))
    assert rows[0]["secret"] == rows[2]["secret"] != rows[1]["secret"]
    assert first.removeprefix("sha256:") not in json.dumps(rows)
    assert fingerprints(b"another key")("client", first.encode()) != rows[0]["secret"]


def test_every_client_is_recorded_however_many_there_are() -> None:
    """No client is left out where one record ends, and no clients is a record too."""
    log = MemoryLog()
    rows = _clients(log, *(Client(f"bot-{n}", hash_secret("s" * 40), ("user",)) for n in range(401)))
    assert [row["id"] for row in rows] == [f"bot-{n}" for n in range(401)]
    assert [(fields["part"], fields["parts"]) for _, fields in log.events] == [(1, 3), (2, 3), (3, 3)]
    none = MemoryLog()
    assert _clients(none) == []
    assert none.names() == ["clients.loaded"]
