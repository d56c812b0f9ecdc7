"""The verifier stands alone: standard library and `cryptography`, and a quick start."""

import subprocess
import sys
from pathlib import Path
from typing import Protocol

from audit.client import AuditClient

FORBIDDEN = ("structlog", "orjson", "msgspec", "flask", "werkzeug", "yaml", "torch", "click", "rich")
GUARD = f"""
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN!r}:
            raise ImportError("not for the verifier: " + name)
sys.meta_path.insert(0, Guard())
from audit.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...


def test_imports_of_the_verifier(host: Host, client: AuditClient) -> None:
    """`verify` runs where nothing but `cryptography` is installed."""
    writer = host.start()
    client.append(b'{"a":1}')
    writer.terminate()
    writer.communicate(timeout=30)
    argv = [sys.executable, "-c", GUARD, "verify", str(host.log), "--key", str(host.root / "public.pem")]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("clean\n")


def test_reader_hangs_up(host: Host) -> None:
    """The verdict stands in the exit code, whoever reads the text or not."""
    (host.log).mkdir()
    (host.log / "000000000000.log").write_bytes(b"")
    argv = [sys.executable, "-m", "audit", "verify", str(host.log), "--key", str(host.root / "public.pem")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 10


def test_exit_codes(host: Host, tmp_path: Path) -> None:
    """Wrong usage of any kind is 2."""
    key = str(host.root / "public.pem")
    (tmp_path / "empty").mkdir()
    anchor = tmp_path / "anchor"
    anchor.write_text("no note")
    for argv in (
        ["verify"],
        ["nonsense"],
        ["verify", str(tmp_path / "missing"), "--key", key],
        ["verify", str(tmp_path / "empty"), "--key", key],
        ["verify", str(tmp_path / "empty"), "--key", str(tmp_path / "missing")],
        ["verify", str(tmp_path / "empty"), "--key", str(host.root / "key.pem")],
        ["verify", str(tmp_path / "empty"), "--key", key, "--anchor", str(anchor)],
        ["serve", str(tmp_path / "x"), "--key", key, "--socket", "s", "--origin", "o"],
        ["keygen", "--key", key, "--public", key],
    ):
        result = subprocess.run([sys.executable, "-m", "audit", *argv], capture_output=True, timeout=30, check=False)
        assert result.returncode == 2, argv
        assert result.stderr
