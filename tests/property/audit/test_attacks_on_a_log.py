"""Every named attack on a log, at many places: none passes as clean, for either of the two verifiers."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness.mutations import MUTATIONS, Files
from harness.second_verifier import SECOND_VERIFIER, second_verdicts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.anchor import load_anchors
from audit.checkpoint import Signer
from audit.errors import AuditError, UnreadableLog
from audit.journal import Journal, Rotation
from audit.verify import CLEAN, verify

START_NS = 1_795_420_800_000_000_000
SIGNER = Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PLACES = 6  # at how many random places each attack is tried


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with rotations, a recovery with a quarantined tail, Chinese text and a seal; key and anchor beside it."""
    home = tmp_path_factory.mktemp("original")
    log = home / "log"
    journal = Journal(log, SIGNER, Rotation(max_bytes=1), START_NS)
    for step in range(3):
        bodies = [f'{{"event":"a","n":{10 * step + n},"text":"医保报销 {step}"}}'.encode() for n in range(3)]
        journal.append(bodies, START_NS + step * 1_000_000)
    with max(log.glob("*.log")).open("ab") as torn:
        torn.write(b'{"i":')
    with pytest.raises(AuditError):  # the writer notices the foreign bytes and gives the log up, as if it were killed
        journal.append([b"{}"], START_NS + 4_000_000)
    with pytest.raises(AuditError):
        journal.close(START_NS + 4_000_000)
    journal = Journal(log, SIGNER, Rotation(max_bytes=1), START_NS + 5_000_000)
    for step in range(3, 5):
        journal.append([f'{{"event":"b","n":{step},"text":"医"}}'.encode()] * 2, START_NS + step * 2_000_000)
    journal.close(START_NS + 20_000_000)
    report = verify(log, SIGNER.key.public)
    assert report.state == CLEAN
    assert report.recoveries
    (home / "anchor").write_text(report.checkpoint)
    (home / "key").write_text(SIGNER.key.vkey)
    return home


def read(log: Path) -> Files:
    """Every file of a log but the lock, by its path inside."""
    found = {
        str(path.relative_to(log)): path for path in log.rglob("*") if path.is_file() and path.name != "writer.lock"
    }
    return {name: path.read_bytes() for name, path in found.items()}


def write(files: Files, log: Path) -> Path:
    """The files as a log directory."""
    for name, data in files.items():
        (log / name).parent.mkdir(parents=True, exist_ok=True)
        (log / name).write_bytes(data)
    return log


def passes(log: Path, home: Path) -> bool:
    """Whether our verifier calls the log clean, given the key and the anchor."""
    public = SIGNER.key.public
    try:
        return verify(log, public, None, load_anchors(home / "anchor", public)).state == CLEAN
    except UnreadableLog:
        return False


def command(log: Path, home: Path) -> list[str]:
    """The second verifier's arguments for a log."""
    return [str(log), "--key", str(home / "key"), "--anchor", str(home / "anchor")]


def test_there_are_enough_attacks() -> None:
    """The table has at least forty of them, each with a name of its own."""
    assert len(MUTATIONS) >= 40


def test_an_untouched_copy_passes(original: Path, tmp_path: Path) -> None:
    """The twin of all that follows: the same files written anew are clean to both verifiers."""
    copy = write(read(original / "log"), tmp_path / "log")
    assert passes(copy, original)
    assert SECOND_VERIFIER is None or second_verdicts([command(copy, original)])[0]["exit"] == 0


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_attack(name: str, original: Path, tmp_path: Path) -> None:
    """This attack is noticed wherever it is tried."""
    files = read(original / "log")
    tried = 0
    for seed in range(PLACES):
        changed = MUTATIONS[name](files, Random(seed))
        if changed != files:  # a place where this attack changes nothing
            tried += 1
            assert not passes(write(changed, tmp_path / str(seed)), original), f"seed {seed}"
    assert tried


def test_the_second_verifier_notices_them_too(original: Path, tmp_path: Path) -> None:
    """The verifier in the other language calls none of them clean either."""
    if SECOND_VERIFIER is None:
        pytest.skip("Node is not installed")
    files = read(original / "log")
    changed = {name: MUTATIONS[name](files, Random(1)) for name in sorted(MUTATIONS)}
    logs = [write(each, tmp_path / name) for name, each in changed.items() if each != files]
    verdicts = second_verdicts([command(log, original) for log in logs])
    assert [log.name for log, verdict in zip(logs, verdicts, strict=True) if verdict["exit"] != 10] == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(names=st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=2, max_size=4), seed=st.integers(0, 2**32))
def test_several_attacks_at_once(
    names: list[str], seed: int, original: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attacks one after the other do not cover each other up."""
    files, random = read(original / "log"), Random(seed)
    changed = files
    for name in names:
        try:
            changed = MUTATIONS[name](changed, random)
        except (IndexError, ValueError, StopIteration, TypeError, KeyError, json.JSONDecodeError):
            continue  # what this attack aims at is gone already
    if changed != files:
        assert not passes(write(changed, tmp_path_factory.mktemp("log")), original)
