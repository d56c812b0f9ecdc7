"""The logs of all hosts together: the listed ones, each of them, once, and clean."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer
from audit.errors import UnreadableLog
from audit.installation import verify_all
from audit.journal import Journal, Rotation
from audit.origins import OriginList, make_list
from audit.verify import CLEAN, TAMPERED, TORN, verify

START_NS = 1_795_420_800_000_000_000
HOSTS = ("host-a/hangu", "host-b/hangu", "zweigstelle/hangu")
MakeLog = Callable[[str], Path]


def signer_of(origin: str) -> Signer:
    """Each host has a key of its own."""
    return Signer(origin, Ed25519PrivateKey.from_private_bytes(bytes([len(origin) + ord(origin[5])]) * 32))


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """A sealed log for each host."""
    made = []
    for origin in HOSTS:
        directory = tmp_path / origin.replace("/", "-")
        journal = Journal(directory, signer_of(origin), Rotation(), START_NS)
        journal.append(['{"event":"a","text":"医保"}'.encode()], START_NS)
        journal.close(START_NS)
        made.append(directory)
    return made


@pytest.fixture
def listed() -> OriginList:
    """The list that names them all."""
    return make_list(1, date(2026, 11, 23), [signer_of(origin).key for origin in HOSTS])


def anchor(directory: Path, origin: str) -> Path:
    """A file with the checkpoint that a log ends with."""
    file = directory.with_suffix(".anchor")
    file.write_text(verify(directory, signer_of(origin).key.public).checkpoint)
    return file


def test_all_hosts_clean(logs: list[Path], listed: OriginList) -> None:
    """Every listed log, in any order, with an anchor of one: clean, one report each."""
    found = verify_all(listed, logs[::-1], {HOSTS[0]: [anchor(logs[0], HOSTS[0])]})
    assert (found.state, found.problems) == (CLEAN, ())
    assert {report.origin: report.anchored for _, report in found.reports} == {HOSTS[0]: 5, HOSTS[1]: 0, HOSTS[2]: 0}


def test_a_host_that_went_missing(logs: list[Path], listed: OriginList) -> None:
    """Leaving out one host's log is tampering, however clean the others are."""
    found = verify_all(listed, logs[:2])
    assert (found.state, found.problems) == (TAMPERED, ("the log of `zweigstelle/hangu` is missing",))


def test_a_host_that_nobody_listed(logs: list[Path], listed: OriginList) -> None:
    """A log of an origin that is not on the list does not count as one of the installation's."""
    short = make_list(2, listed.issued, listed.keys[:2])
    found = verify_all(short, logs)
    assert found.state == TAMPERED
    assert "`zweigstelle/hangu` is not on the list" in found.problems[0]


def test_one_log_given_for_two_hosts(tmp_path: Path, logs: list[Path], listed: OriginList) -> None:
    """A copy of one host's log cannot stand in for another's."""
    copy = shutil.copytree(logs[0], tmp_path / "copy")
    found = verify_all(listed, [logs[0], copy, logs[2]])
    assert found.state == TAMPERED
    assert len(found.problems) == 2


def test_a_log_under_another_key(tmp_path: Path, logs: list[Path], listed: OriginList) -> None:
    """A log that claims a listed origin but was written with another key is tampered."""
    forged = Journal(tmp_path / "forged", Signer(HOSTS[0], Ed25519PrivateKey.generate()), Rotation(), START_NS)
    forged.close(START_NS)
    found = verify_all(listed, [tmp_path / "forged", *logs[1:]])
    assert (found.state, found.problems) == (TAMPERED, ())


def test_the_worst_state_counts(logs: list[Path], listed: OriginList) -> None:
    """One torn log makes the whole torn, one tampered log the whole tampered."""
    with (logs[1] / "000000000000.log").open("ab") as stream:
        stream.write(b'{"i":')
    assert verify_all(listed, logs).state == TAMPERED  # nothing may follow a seal
    journal = Journal(logs[2], signer_of(HOSTS[2]), Rotation(), START_NS)
    journal.append([b'{"event":"b"}'], START_NS)
    with (logs[2] / "000000000006.log").open("ab") as stream:
        stream.write(b'{"i":10,"k":"rec"')
    found = verify_all(make_list(2, listed.issued, listed.keys[2:]), logs[2:])
    assert (found.state, found.problems) == (TORN, ())


def test_an_anchor_of_a_foreign_log(logs: list[Path], listed: OriginList) -> None:
    """An anchor that belongs to no listed log is not passed over in silence."""
    found = verify_all(listed, logs, {"host-x/hangu": [anchor(logs[0], HOSTS[0])]})
    assert found.problems == ("an anchor is of `host-x/hangu`, not on the list",)


def test_no_log_at_all(tmp_path: Path, listed: OriginList) -> None:
    """An empty or missing directory cannot be judged, and a damaged first line is tampering."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        with pytest.raises(UnreadableLog):
            verify_all(listed, [tmp_path / name])


def test_a_damaged_first_line(logs: list[Path], listed: OriginList) -> None:
    """A log whose first line is no longer one is named among the problems."""
    file = logs[0] / "000000000000.log"
    file.write_bytes(b"X" + file.read_bytes()[1:])
    found = verify_all(listed, logs)
    assert found.state == TAMPERED
    assert "000000000000.log:1" in found.problems[0]


def test_an_anchor_from_before_a_change_of_keys(tmp_path: Path) -> None:
    """A log that was handed over to the listed key is held to what its old key had signed."""
    origin, old = HOSTS[0], Signer(HOSTS[0], Ed25519PrivateKey.from_private_bytes(b"\x31" * 32))
    journal = Journal(tmp_path / "log", old, Rotation(), START_NS)
    file = tmp_path / "anchor"
    file.write_text(verify(tmp_path / "log", old.key.public).checkpoint)
    journal.hand_over(signer_of(origin), START_NS)
    journal.close(START_NS)
    alone = make_list(1, date(2026, 11, 23), [signer_of(origin).key])
    found = verify_all(alone, [tmp_path / "log"], {origin: [file]})
    assert (found.state, found.reports[0][1].anchored) == (CLEAN, 1)
