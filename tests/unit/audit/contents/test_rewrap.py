"""audit/contents/rewrap.py: another auditor reads, the old one does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness.contents import ORIGIN, Bench

from audit.contents import keyfiles
from audit.contents.opener import Opener
from audit.contents.rewrap import rewrap
from audit.contents.sealer import Sealed
from audit.errors import ContentsUnavailable, ContentsUnreadable


def test_texts_pass_to_the_new_auditor(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """The new key opens all, the old one nothing, and running workers go on under their keys."""
    texts = [seal("a"), seal("b", subject="bob")]
    new = X25519PrivateKey.generate()
    done = rewrap(bench.store, bench.auditor, new.public_key())
    assert (done.moved, done.already, done.problems) == (2, 0, ())
    assert seal("c").key == texts[0].key
    with pytest.raises(ContentsUnreadable):
        bench.open(texts[0])
    bench.auditor = new
    assert [bench.open(texts[0]), bench.open(texts[1], subject="bob")] == ["a", "b"]


def test_the_old_wrapping_is_overwritten(bench: Bench, seal: Callable[..., Sealed], tmp_path: Path) -> None:
    """The old auditor key may have leaked: its wrapped keys are not left on the disk."""
    seal("a")
    (tmp_path / "kept").hardlink_to(bench.key_files()[0])
    rewrap(bench.store, bench.auditor, X25519PrivateKey.generate().public_key())
    assert set((tmp_path / "kept").read_bytes()) == {0}


def test_a_second_run_goes_on_after_a_crash(
    bench: Bench, seal: Callable[..., Sealed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every key is readable by one of the two at any time."""
    texts = [seal(name, subject=name) for name in ("a", "b", "c")]
    new, write = X25519PrivateKey.generate(), keyfiles.write
    with monkeypatch.context() as patch:
        left = iter([write])

        def crashing(*arguments: object) -> Path:
            step = next(left, None)
            if step is None:
                raise OSError("pulled the plug")
            return step(*arguments)  # type: ignore[arg-type]  # passed through as they came

        patch.setattr(keyfiles, "write", crashing)
        with pytest.raises(ContentsUnavailable, match="pulled the plug"):
            rewrap(bench.store, bench.auditor, new.public_key())
    openers = [Opener(bench.store, key, ORIGIN) for key in (bench.auditor, new)]
    for name, sealed in zip("abc", texts, strict=True):
        assert _first(openers, name, sealed) == name.encode()
    done = rewrap(bench.store, bench.auditor, new.public_key())
    assert (done.moved, done.already) == (2, 1)
    assert [openers[1].open(name, "req_1", "prompt", sealed) for name, sealed in zip("abc", texts, strict=True)]


def _first(openers: list[Opener], subject: str, sealed: Sealed) -> bytes:
    for opener in openers:
        try:
            return opener.open(subject, "req_1", "prompt", sealed)
        except ContentsUnreadable:
            continue
    raise AssertionError("nobody can open it")


def test_a_key_that_cannot_be_moved_is_named(bench: Bench, seal: Callable[..., Sealed]) -> None:
    """A broken key file and the key of a third auditor stay as they are; the rest moves."""
    seal("a")
    seal("b", subject="bob")
    third = Bench(bench.store)
    third.sealer().seal("carol", "r", "prompt", b"x")
    bench.key_files("bob")[0].write_bytes(b"{}")
    done = rewrap(bench.store, bench.auditor, X25519PrivateKey.generate().public_key())
    third.sealers[0].close()
    assert done.moved == 1
    assert sorted(problem[:64] for problem in done.problems) == sorted(
        path.name[:64] for path in (*bench.key_files("bob"), *bench.key_files("carol"))
    )
