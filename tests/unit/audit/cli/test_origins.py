"""`audit origins verify`: which log an anchor is for."""

import json
from pathlib import Path

import pytest

from audit.checkpoint import Signer
from audit.cli import main
from audit.journal import Journal, Rotation
from audit.keys import generate, load_private

LONG = "host-a/" + "x" * 121  # as long as an origin may be
START_NS = 1_795_420_800_000_000_000


@pytest.fixture
def verify(tmp_path: Path) -> list[str]:
    """The command that verifies one log under its list; key of the log in `a.pem`."""
    for name, origin in (("a", LONG), ("fleet", "example/fleet")):
        generate(tmp_path / f"{name}.pem", tmp_path / f"{name}.vkey", origin)
    Journal(tmp_path / "a", Signer(LONG, load_private(tmp_path / "a.pem")), Rotation(), START_NS).close(START_NS)
    signed = ["origins", "sign", str(tmp_path / "a.vkey"), "--key", str(tmp_path / "fleet.pem")]
    assert main([*signed, "--name", "example/fleet", "--serial", "1", "--out", str(tmp_path / "list")]) == 0
    return ["origins", "verify", str(tmp_path / "list"), str(tmp_path / "a"), "--key", str(tmp_path / "fleet.vkey")]


def test_anchor_of_a_long_origin(verify: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An anchor counts for its log however long the origin is, with blank lines in front of it too."""
    main(["verify", str(tmp_path / "a"), "--key", str(tmp_path / "a.vkey"), "--json"])
    checkpoint = json.loads(capsys.readouterr().out.splitlines()[-1])["checkpoint"]
    (tmp_path / "anchor").write_text("\n\n" + checkpoint)
    assert main([*verify, "--anchor", str(tmp_path / "anchor"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["logs"][0]["anchored"] == 3


def test_anchor_that_clears_the_screen(verify: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a file of anchors starts with is shown without what moves the cursor."""
    (tmp_path / "anchor").write_text("\x1b[2Jclean\n")
    assert main([*verify, "--anchor", str(tmp_path / "anchor")]) == 10
    shown = capsys.readouterr().out
    assert "an anchor is of `\N{REPLACEMENT CHARACTER}[2Jclean`" in shown
    assert "\x1b" not in shown


def test_key_without_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several key files the one that names no log, or is no key, is named."""
    generate(tmp_path / "a.pem", tmp_path / "a.vkey", LONG)
    generate(tmp_path / "b.pem", tmp_path / "b.pub")
    (tmp_path / "c").write_text("nonsense")
    for bad in ("b.pub", "c"):
        logs = [str(tmp_path / "a.vkey"), str(tmp_path / bad)]
        signed = ["origins", "sign", *logs, "--key", str(tmp_path / "a.pem"), "--name", "x", "--serial", "1"]
        assert main([*signed, "--out", str(tmp_path / "list")]) == 2
        assert str(tmp_path / bad) in capsys.readouterr().err
    assert not (tmp_path / "list").exists()
