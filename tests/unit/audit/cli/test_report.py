"""The command that writes reports: what it makes, and what it refuses."""

import io
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pypdf import PdfReader

from audit.checkpoint import LogKey
from audit.cli import main


@pytest.fixture
def key(tmp_path: Path, private: Ed25519PrivateKey) -> Path:
    """The log's public key as a file."""
    file = tmp_path / "key"
    file.write_text(LogKey("host-a/hangu", private.public_key()).vkey)
    return file


def report(log: Path, out: Path, *options: str) -> int:
    """Run the command without recording the read."""
    return main(["report", str(log), "--out", str(out), "--unrecorded", *options])


def test_a_page_and_a_pdf(small_log: Path, tmp_path: Path, key: Path) -> None:
    """Both forms are written, private, with the verifier's word in them."""
    for suffix in ("html", "pdf"):
        out = tmp_path / f"report.{suffix}"
        assert report(small_log, out, "--key", str(key)) == 0
        assert out.stat().st_mode & 0o777 == 0o600
    assert "clean; 13 lines" in (tmp_path / "report.html").read_text()
    pages = PdfReader(io.BytesIO((tmp_path / "report.pdf").read_bytes())).pages
    assert "clean; 13 lines" in " ".join(pages[0].extract_text().split())


def test_without_a_key_it_says_so(small_log: Path, tmp_path: Path) -> None:
    """A report on a log that was not verified does not look like one on a log that was."""
    assert report(small_log, tmp_path / "r.html") == 0
    assert "not verified: no --key was given" in (tmp_path / "r.html").read_text()


def test_a_tampered_log(small_log: Path, tmp_path: Path, key: Path) -> None:
    """The report of a log that was tampered with says so first, and the exit code does too."""
    assert report(small_log, tmp_path / "index.html") == 0  # so that an index is there from better days
    file = small_log / "000000000000.log"
    file.write_bytes(file.read_bytes().replace(b'"n":1', b'"n":7'))
    assert report(small_log, tmp_path / "r.html", "--key", str(key)) == 1
    assert "TAMPERED: 000000000000.log:3" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "2030-01-01"], "ends before it begins"),
        (["--since", "yesterday"], "yesterday"),
        (["--key", "missing"], "missing"),
        (["--index", "/nonexistent/folder/i.sqlite"], "nonexistent"),
    ],
)
def test_usage(
    options: list[str], said: str, small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What makes no sense is refused by name, and nothing is written."""
    assert report(small_log, tmp_path / "r.html", *options) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_places(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another suffix, a file that exists, and a place inside the log are refused."""
    (tmp_path / "there.html").write_text("x")
    for out in ("r.docx", "there.html", str(small_log / "r.html")):
        assert report(small_log, tmp_path / out) == 2
    assert report(small_log, tmp_path / "there.html", "--force") == 0
    assert not list(small_log.glob("*.html"))
    assert "a report is .html or .pdf" in capsys.readouterr().err


def test_a_read_that_nobody_records(small_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a writer to record the read there is no report."""
    assert main(["report", str(small_log), "--out", str(tmp_path / "r.html")]) == 2
    assert "cannot be recorded" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_several_logs(small_log: Path, tmp_path: Path, key: Path) -> None:
    """Two hosts are one report; keys are one for all or one for each."""
    copy = shutil.copytree(small_log, tmp_path / "copy")
    command = ["report", str(small_log), str(copy), "--out", str(tmp_path / "r.html"), "--unrecorded"]
    assert main([*command, *(["--key", str(key)] * 3)]) == 2
    assert main([*command, "--key", str(key)]) == 0
