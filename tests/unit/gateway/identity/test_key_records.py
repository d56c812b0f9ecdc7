"""Records of issuers' keys: what changed, outages once each, and never a key that could not be recorded."""

from __future__ import annotations

import json

import pytest
from harness.gate import HMAC_KEY, MemoryLog
from harness.wait import until

from audit.errors import AuditUnavailable
from gateway.errors import IdentityUnavailable
from gateway.fingerprint import fingerprints
from gateway.identity.jwks import JwksError, KeySet, VerificationKey, public_jwk
from gateway.identity.key_records import KeyRecorder, describe
from gateway.identity.keys import JwksKeys, JwksTimes, shared_secret
from gateway.identity.token_issuer import SigningKey

FINGERPRINT = fingerprints(HMAC_KEY)
SECRET = b"a secret of more than thirty-two bytes"


def key() -> VerificationKey:
    return SigningKey.generate().verification()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def recorder(log: MemoryLog) -> KeyRecorder:
    return KeyRecorder(log.emit, "corp", FINGERPRINT)


def test_a_rotation_names_the_keys_that_came_and_went(recorder: KeyRecorder, log: MemoryLog) -> None:
    """The key that stays is in neither list."""
    old, kept, new = key(), key(), key()
    recorder.changed(KeySet([old, kept]), KeySet([kept, new]))
    ((event, fields),) = log.events
    assert (event, fields["issuer"]) == ("issuer.keys_changed", "corp")
    assert [each["kid"] for each in fields["added"]] == [new.kid]
    assert [each["kid"] for each in fields["removed"]] == [old.kid]


def test_another_order_is_no_change(recorder: KeyRecorder, log: MemoryLog) -> None:
    """Keys are a set."""
    first, second = key(), key()
    recorder.changed(KeySet([first, second]), KeySet([second, first]))
    assert log.events == []


def test_a_key_that_keeps_its_kid_is_seen(recorder: KeyRecorder, log: MemoryLog) -> None:
    """Other key material under a known `kid` is a change: the thumbprint says so."""
    held, forged = key(), key()
    disguised = VerificationKey(held.kid, forged.algorithms, forged.material)
    recorder.changed(KeySet([held]), KeySet([disguised]))
    (fields,) = (fields for _, fields in log.events)
    assert fields["added"][0]["kid"] == fields["removed"][0]["kid"] == held.kid
    assert fields["added"][0]["thumbprint"] != fields["removed"][0]["thumbprint"]


def test_an_outage_is_recorded_once_and_its_end_once(recorder: KeyRecorder, log: MemoryLog) -> None:
    """A day without the issuer is two records, not thousands."""
    for _ in range(20):
        recorder.failed(JwksError("status 503"))
    recorder.refreshed()
    recorder.refreshed()
    recorder.failed(ValueError("what the endpoint sent"))
    assert log.events == [
        ("issuer.keys_unavailable", {"issuer": "corp", "error": "status 503"}),
        ("issuer.keys_restored", {"issuer": "corp"}),
        ("issuer.keys_unavailable", {"issuer": "corp", "error": "ValueError"}),
    ]


def test_an_outage_is_recorded_when_the_log_is_back(recorder: KeyRecorder, log: MemoryLog) -> None:
    """Log and issuer may be gone at the same time."""
    log.broken = AuditUnavailable("gone")
    recorder.failed(JwksError("status 503"))
    log.broken = None
    recorder.failed(JwksError("status 503"))
    assert log.names() == ["issuer.keys_unavailable"]


def test_keys_that_cannot_be_recorded_are_not_used(recorder: KeyRecorder, log: MemoryLog) -> None:
    """A first fetch with the log gone leaves the issuer without keys; the next one, recorded, gives them."""
    document = json.dumps({"keys": [public_jwk(key())]}).encode()
    times = JwksTimes(first_retry=0, first_wait=10)
    keys = JwksKeys(lambda: document, times, observer=recorder)
    log.broken = AuditUnavailable("gone")
    with pytest.raises(IdentityUnavailable):
        keys.current()
    log.broken = None

    def had() -> bool:
        try:
            return len(keys.current()) == 1
        except IdentityUnavailable:
            return False

    until("the keys", had)
    assert "issuer.keys_changed" in log.names()


def test_a_secret_is_named_by_a_fingerprint() -> None:
    """The same secret has the same name, another one another, and none says what it is."""
    named = [describe(shared_secret(each).current(), FINGERPRINT) for each in (SECRET, SECRET, SECRET + b"!")]
    assert named[0] == named[1] != named[2]
    assert SECRET.decode() not in json.dumps(named)


def test_a_kid_of_half_a_surrogate_pair_can_be_recorded() -> None:
    """What has no canonical form would stop the refresh of an issuer that names its keys so."""
    (named,) = describe([VerificationKey("\ud800\n", frozenset({"ES256"}), key().material)], FINGERPRINT)
    assert named["kid"] == "??"
