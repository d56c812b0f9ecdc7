"""A pack convinces where there is nothing but Python, `cryptography`, the folder `audit` and the public key."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

import audit
from audit.client import AuditClient, Receipt

FORBIDDEN = ("structlog", "orjson", "msgspec", "flask", "werkzeug", "yaml", "torch", "click", "rich", "gateway")
ALONE = f"""
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            raise ImportError("not for the verifier: " + name)
sys.meta_path.insert(0, Guard())
sys.path.insert(0, sys.argv.pop(1))
import audit.cli
assert audit.cli.__file__.startswith(sys.path[0]), audit.cli.__file__
sys.exit(audit.cli.main(sys.argv[1:]))
"""


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...


def run(host: Host, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `audit prove` over the host's log."""
    argv = [sys.executable, "-m", "audit", "prove", str(host.log), "--key", str(host.root / "public.pem")]
    if "--socket" not in arguments:
        argv.append("--unrecorded")
    return subprocess.run([*argv, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def elsewhere(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `audit` on another machine: a folder with a copy of the package, nothing else on the path."""
    argv = [sys.executable, "-I", "-c", ALONE, str(folder), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=folder)


def append(client: AuditClient, **fields: object) -> Receipt:
    """Append one record through the writer."""
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return client.append(text.encode())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other machine."""
    folder = tmp_path_factory.mktemp("court")
    source = Path(next(iter(audit.__path__)))
    shutil.copytree(source, folder / "audit", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_receipt_to_court(host: Host, client: AuditClient, folder: Path) -> None:
    """From the receipt of a live writer to a verdict elsewhere; a changed pack and another key are refused there."""
    host.start("--max-segment-bytes", "3000", "--heartbeat-seconds", "0")
    receipts = [
        append(client, event="request.refused", request_id=f"r-{n}", subject="user:张伟", code="forbidden")
        for n in range(40)
    ]
    pack = folder / "r.evidence.json"
    made = run(host, "--receipt", receipts[7], "--out", pack)
    assert made.returncode == 0, made.stderr
    shutil.copy(host.root / "public.pem", folder / "key.pem")

    good = elsewhere(folder, "prove", "--check", "r.evidence.json", "--key", "key.pem", "--explain")
    assert good.returncode == 0, good.stderr
    assert "user:张伟" in good.stdout
    assert elsewhere(folder, "verify", "r.evidence.json", "--key", "key.pem").stdout.startswith("good: ")

    changed = folder / "changed"
    changed.write_bytes(pack.read_bytes().replace("张伟".encode(), "王芳".encode()))
    bad = elsewhere(folder, "verify", "changed", "--key", "key.pem", "--json")
    assert (bad.returncode, bad.stdout) == (10, "")
    assert "lines[0].proof" in bad.stderr
    subprocess.run(
        [sys.executable, "-m", "audit", "keygen", "--key", folder / "x", "--public", folder / "y"], check=True
    )
    assert elsewhere(folder, "prove", "--check", "r.evidence.json", "--key", "y").returncode == 10


def test_proofs_from_a_live_log(host: Host, client: AuditClient, tmp_path: Path) -> None:
    """While the writer goes on, an anchor kept earlier is continued; what cannot be proved is said by the exit code."""
    host.start("--max-segment-bytes", "3000", "--heartbeat-seconds", "0")
    first = append(client, event="a")
    anchor = tmp_path / "anchor"
    report = json.loads(run(host, "--index", first.index, "--json").stdout)
    note = run(host, "--index", first.index, "--commit", "--out", tmp_path / "own")
    assert note.returncode == 0, note.stderr
    anchor.write_text(json.loads((tmp_path / "own").read_text())["checkpoint"])
    for _ in range(50):
        append(client, event="b")
    later = run(host, "--consistency", anchor, "--json")
    assert later.returncode == 0, later.stderr
    assert json.loads(later.stdout)["anchors"][0]["size"] == report["size"]
    assert run(host, "--index", 2, "--at", report["size"], "--anchor", anchor).returncode == 0
    for wrong in (
        ["--index", 10_000],
        ["--request-id", "nobody"],
        ["--receipt", "host-b/hangu/2"],
        ["--receipt", "nonsense"],
        ["--index", 2, "--at", 2],
        ["--request-id", "x", "--commit"],
        ["--consistency", anchor, anchor, anchor],
        ["--index", 2, "--out", anchor],
        ["--index", 2, "--anchor", host.root / "public.pem"],
        [],
    ):
        result = run(host, *wrong)
        assert (result.returncode, result.stdout) == (2, ""), wrong
        assert result.stderr


def test_making_a_proof_is_a_read(host: Host, client: AuditClient) -> None:
    """Who proves a line reads it, and that stands in the log; where it cannot, nothing is shown."""
    host.start("--heartbeat-seconds", "0")
    receipt = append(client, event="a")
    made = run(host, "--index", receipt.index, "--socket", host.socket)
    assert (made.returncode, made.stdout[:5]) == (0, "good:")
    (segment,) = host.log.glob("*.log")
    reads = [
        row["r"] for row in map(json.loads, segment.read_text().splitlines()) if row["r"].get("event") == "audit.read"
    ]
    assert [(read["command"], read["filters"]) for read in reads] == [("prove", {"indices": [receipt.index]})]
    refused = run(host, "--index", receipt.index, "--socket", host.root / "nobody")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "cannot be recorded" in refused.stderr


def test_nothing_from_an_altered_log(host: Host, client: AuditClient, tmp_path: Path) -> None:
    """Of a log in which a line was altered, no proof of that line leaves the machine."""
    writer = host.start()
    receipt = append(client, event="a", text="医保")
    writer.terminate()
    writer.communicate(timeout=30)
    (segment,) = host.log.glob("*.log")
    segment.write_bytes(segment.read_bytes().replace("医保".encode(), "医疗".encode()))
    result = run(host, "--index", receipt.index, "--out", tmp_path / "out")
    assert result.returncode == 10
    assert "altered since it was signed" in result.stderr
    assert not (tmp_path / "out").exists()
