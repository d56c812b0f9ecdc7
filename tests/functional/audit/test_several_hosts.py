"""The logs of several hosts, from their keys to one verdict over all, with the commands that an operator types."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit.checkpoint import Signer
from audit.journal import Journal, Rotation
from audit.keys import load_private

START_NS = 1_795_420_800_000_000_000


def audit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    command = [sys.executable, "-m", "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def keygen(folder: Path, name: str, origin: str) -> None:
    """A key pair whose public file names the origin."""
    made = audit("keygen", "--key", folder / f"{name}.pem", "--public", folder / f"{name}.vkey", "--origin", origin)
    assert made.returncode == 0, made.stderr


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """Two hosts with their keys and logs, and the signed list of them."""
    for name in ("a", "b"):
        keygen(tmp_path, name, f"host-{name}/hangu")
        signer = Signer(f"host-{name}/hangu", load_private(tmp_path / f"{name}.pem"))
        journal = Journal(tmp_path / name, signer, Rotation(), START_NS)
        journal.append(['{"event":"a","text":"医保"}'.encode()], START_NS)
        journal.close(START_NS)
    keygen(tmp_path, "fleet", "example/fleet")
    signed = audit(
        "origins", "sign", tmp_path / "a.vkey", tmp_path / "b.vkey", "--key", tmp_path / "fleet.pem",
        "--name", "example/fleet", "--serial", "1", "--out", tmp_path / "list",
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    return tmp_path


def verify(hosts: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    """Verify against the list."""
    return audit("origins", "verify", hosts / "list", "--key", hosts / "fleet.vkey", *more)


def test_all_logs_are_there_and_clean(hosts: Path) -> None:
    """Both logs: exit 0, for people and as JSON."""
    shown = verify(hosts, hosts / "a", hosts / "b")
    assert (shown.returncode, shown.stdout.splitlines()[0][:14]) == (0, "clean: list 1 ")
    report = json.loads(verify(hosts, hosts / "a", hosts / "b", "--json").stdout)
    assert (report["state"], [log["origin"] for log in report["logs"]]) == ("clean", ["host-a/hangu", "host-b/hangu"])


def test_the_log_of_a_host_is_hidden(hosts: Path) -> None:
    """One log left out is tampering, named."""
    shown = verify(hosts, hosts / "a")
    assert shown.returncode == 10
    assert "the log of `host-b/hangu` is missing" in shown.stdout


def test_an_older_list_is_brought_back(hosts: Path) -> None:
    """Who has seen serial 2 does not take the list with serial 1 any more."""
    assert verify(hosts, hosts / "a", hosts / "b", "--serial", "2").returncode == 2


def test_anchors_find_their_log(hosts: Path) -> None:
    """Anchors of each log count for that log; anchors of an unlisted one are refused."""
    report = json.loads(audit("verify", hosts / "b", "--key", hosts / "b.vkey", "--json").stdout)
    (hosts / "anchor").write_text(report["checkpoint"])
    found = json.loads(verify(hosts, hosts / "a", hosts / "b", "--anchor", hosts / "anchor", "--json").stdout)
    assert [log["anchored"] for log in found["logs"]] == [0, 5]
    stranger = Signer("host-x/hangu", load_private(hosts / "a.pem"))
    (hosts / "foreign").write_text(stranger.sign(1, bytes(32)))
    shown = verify(hosts, hosts / "a", hosts / "b", "--anchor", hosts / "foreign")
    assert (shown.returncode, "an anchor is of `host-x/hangu`" in shown.stdout) == (10, True)


@pytest.mark.parametrize("broken", ["list", "fleet.vkey"])
def test_usage(hosts: Path, broken: str) -> None:
    """A list or key that is none is usage, in one line and without a stack trace."""
    (hosts / broken).write_text("nonsense")
    shown = verify(hosts, hosts / "a", hosts / "b")
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (2, "", 1)


def test_a_list_is_never_overwritten(hosts: Path) -> None:
    """Signing into a file that exists changes nothing."""
    before = (hosts / "list").read_text()
    again = audit(
        "origins", "sign", hosts / "a.vkey", "--key", hosts / "fleet.pem", "--name", "example/fleet",
        "--serial", "2", "--out", hosts / "list",
    )  # fmt: skip
    assert again.returncode == 2
    assert (hosts / "list").read_text() == before
