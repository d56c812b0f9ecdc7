"""Key sources: secrets, fixed keys, and the clockwork of a JWKS that is refreshed in the background."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import IdentityUnavailable
from gateway.identity.jwks import JwksError, KeySet, public_jwk
from gateway.identity.keys import MAX_UNKNOWN_KIDS, FixedKeys, JwksKeys, JwksTimes, shared_secret
from gateway.identity.token_issuer import SigningKey

SECRET = b"a secret of more than thirty-two bytes"


def document() -> bytes:
    return json.dumps({"keys": [public_jwk(SigningKey.generate().verification())]}).encode()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gated:
    """A fetch that waits at a gate, so that a test sees what happens meanwhile."""

    def __init__(self, fetch: Callable[[], bytes] = document) -> None:
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.calls = 0
        self._fetch = fetch

    def __call__(self) -> bytes:
        self.calls += 1
        self.entered.release()
        assert self.gate.wait(10)
        return self._fetch()


@pytest.fixture(autouse=True)
def _settled() -> Iterator[None]:
    yield
    settle()


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "jwks-refresh":
            thread.join(10)


def test_secret_of_32_bytes() -> None:
    """The shortest secret that is taken has 32 bytes, and verifies HS256 alone."""
    key = shared_secret(b"x" * 32).current().select(None, "HS256")
    assert key is not None
    assert key.algorithms == {"HS256"}
    assert "x" * 32 not in repr(key)


def test_secret_too_short() -> None:
    """A secret that could be guessed is refused at start."""
    with pytest.raises(JwksError, match="at least 32 bytes, got 31"):
        shared_secret(b"x" * 31)


def test_public_key_as_secret() -> None:
    """A published key is no secret: PEM, DER and JWK forms are refused."""
    key = SigningKey.generate()
    public = key.private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for form in (pem, der, json.dumps(public_jwk(key.verification())).encode()):
        with pytest.raises(JwksError, match="random bytes"):
            shared_secret(form)


def test_fixed_keys_know_what_they_lack() -> None:
    """Keys that cannot change need no second look."""
    keys = FixedKeys(KeySet([SigningKey.generate().verification()]))
    keys.confirm_unknown("other")
    assert keys.current() is keys.current()


def test_a_hung_refresh_blocks_nobody() -> None:
    """With a snapshot in hand, requests go on while the endpoint hangs; one fetch is under way, not one per request."""
    fetch, clock = Gated(), Clock()
    fetch.gate.set()
    keys = JwksKeys(fetch, clock=clock)
    snapshot = keys.current()
    fetch.gate.clear()
    clock.now += 301
    assert [keys.current() for _ in range(20)] == [snapshot] * 20
    with pytest.raises(IdentityUnavailable):
        keys.confirm_unknown("new")
    clock.now += 3600
    assert keys.current() is snapshot
    assert not fetch.gate.is_set()
    assert fetch.calls == 2
    fetch.gate.set()


def test_the_first_wait_is_bounded() -> None:
    """A first fetch that hangs ends as 503, and so does every request meanwhile."""
    fetch = Gated()
    keys = JwksKeys(fetch, JwksTimes(first_wait=0.01))
    for _ in range(3):
        with pytest.raises(IdentityUnavailable) as refused:
            keys.current()
        assert refused.value.status == 503
    assert fetch.calls == 1
    fetch.gate.set()


def test_after_a_failed_first_fetch_nobody_waits() -> None:
    """Only a process's very first fetch is waited for: later requests are refused at once until keys are there."""

    def fail() -> bytes:
        raise JwksError("down")

    clock, fetch = Clock(), Gated(fail)
    fetch.gate.set()
    keys = JwksKeys(fetch, JwksTimes(first_wait=30), clock)
    with pytest.raises(IdentityUnavailable):
        keys.current()
    settle()
    fetch.gate.clear()
    clock.now += 5
    with pytest.raises(IdentityUnavailable):  # while the second fetch stands at the gate
        keys.current()
    fetch.gate.set()
    settle()
    assert fetch.calls == 2


def test_a_fresh_snapshot_answers_for_unknown_kids() -> None:
    """A key id that is missing from keys fetched a moment ago is unknown, and starts no refresh."""
    clock, fetch = Clock(), Gated()
    fetch.gate.set()
    keys = JwksKeys(fetch, clock=clock)
    keys.current()
    clock.now += 29
    keys.confirm_unknown("new")
    settle()
    assert fetch.calls == 1


def test_a_kid_asked_for_while_the_answer_was_on_its_way() -> None:
    """An answer that was sent before the question says nothing about it: the key may have been published meanwhile."""
    clock, fetch = Clock(), Gated()
    fetch.gate.set()
    keys = JwksKeys(fetch, clock=clock)
    keys.current()
    fetch.entered.acquire()
    fetch.gate.clear()
    clock.now += 301
    keys.current()
    fetch.entered.acquire()
    clock.now += 2
    with pytest.raises(IdentityUnavailable):
        keys.confirm_unknown("new")
    fetch.gate.set()
    settle()
    clock.now += 30
    with pytest.raises(IdentityUnavailable):
        keys.confirm_unknown("new")
    settle()
    keys.confirm_unknown("new")
    assert fetch.calls == 3


def test_retry_after_says_when() -> None:
    """During the cool-down of a failed refresh, the caller is told how long it lasts."""
    clock, answers = Clock(), [document()]
    keys = JwksKeys(answers.pop, clock=clock)
    keys.current()
    clock.now += 100
    with pytest.raises(IdentityUnavailable):
        keys.confirm_unknown("new")
    settle()
    clock.now += 10.5
    with pytest.raises(IdentityUnavailable) as refused:
        keys.confirm_unknown("new")
    assert refused.value.retry_after == 20


def test_any_failure_of_a_refresh_keeps_the_snapshot() -> None:
    """Not even an error that nobody foresaw takes the keys away."""
    clock = Clock()
    answers: list[bytes] = [b"\xff", document()]
    keys = JwksKeys(answers.pop, clock=clock)
    snapshot = keys.current()
    for _ in range(3):  # garbage, then IndexError twice
        clock.now += 301
        assert keys.current() is snapshot
        settle()


def test_warm_up_waits_for_nothing() -> None:
    """A worker can have the keys fetched before the first request."""
    fetch = Gated()
    keys = JwksKeys(fetch)
    keys.start_refresh()
    fetch.entered.acquire()
    fetch.gate.set()
    assert len(keys.current()) == 1
    assert fetch.calls == 1


def test_memory_for_unknown_kids_is_bounded() -> None:
    """Made-up key ids do not fill the memory."""
    keys = JwksKeys(document, clock=Clock())
    keys.current()
    for number in range(MAX_UNKNOWN_KIDS + 500):
        keys.confirm_unknown(f"kid-{number}")
    (refresh,) = keys._refreshes.values()
    assert len(refresh.unknown) == MAX_UNKNOWN_KIDS
