"""The report as a person and as a program reads it, and the progress bar."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import parse_note
from audit.journal import Journal
from audit.purge import DAY_NS
from audit.verdict import Bar, describe, progress_bar, show
from audit.verify import verify

START_NS = 1_795_420_800_000_000_000


def test_clean(small_log: Path, private: Ed25519PrivateKey) -> None:
    """The verdict comes first, then what it stands on."""
    text = describe(verify(small_log, private.public_key()))
    assert text.startswith("clean\n")
    assert "13 in 2 segments: 3 records" in text
    assert "anchored     nothing" in text
    assert "purged" not in text


def test_anchored(small_log: Path, private: Ed25519PrivateKey) -> None:
    """It says how much is anchored and up to when."""
    report = verify(small_log, private.public_key())
    anchor = parse_note(report.checkpoint)[0]
    text = describe(verify(small_log, private.public_key(), None, [anchor]))
    assert "anchored     12 lines, up to 2026-11-23T08:00:00.000003Z" in text


def test_tampered(small_log: Path, private: Ed25519PrivateKey) -> None:
    """A bad place is in the first line."""
    file = small_log / "000000000000.log"
    file.write_bytes(file.read_bytes().replace(b'"n":1', b'"n":2'))
    assert describe(verify(small_log, private.public_key())).startswith("TAMPERED: 000000000000.log:3: ")


def test_purged(small_log: Path, private: Ed25519PrivateKey, open_journal: Callable[..., Journal]) -> None:
    """A log that does not begin with its first line says so."""
    now = START_NS + 400 * DAY_NS
    journal = open_journal(now_ns=now)
    journal.purge(365, now)
    journal.close(now)
    assert "purged       the lines before 13" in describe(verify(small_log, private.public_key()))


def test_json(small_log: Path, private: Ed25519PrivateKey, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is one object with every member."""
    report = verify(small_log, private.public_key())
    show(report, as_json=True)
    value = json.loads(capsys.readouterr().out)
    assert (value["state"], value["lines"], value["keys"]) == ("clean", 13, list(report.keys))


def test_bar() -> None:
    """The bar is drawn when it has something new to say, ends once, and never runs over."""
    stream = io.StringIO()
    bar = Bar(10 << 20, stream)
    for _ in range(20_000):
        bar.advance(1 << 10)
    text = stream.getvalue()
    assert text.count("\r") <= 1002
    assert text.endswith(f"[{'#' * 40}] 100.0 % of 10 MiB\n")
    assert text.count("\n") == 1


def test_no_bar_without_a_terminal(small_log: Path) -> None:
    """Where no one is looking nothing is drawn."""
    assert progress_bar(small_log) is None
