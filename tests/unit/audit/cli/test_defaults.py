"""Offered values stand in for what is left out, and for nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from audit.cli.defaults import parse

OFFERED = {
    "directory": Path("/log"),
    "directories": [Path("/log")],
    "key": Path("/key"),
    "to": ["/worm"],
    "witness": [["https://w", "vkey"]],
    "unheard_of": 1,
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    made.add_argument("directory", type=Path)
    made.add_argument("item")
    made.add_argument("--key", type=Path, required=True)
    made.add_argument("--to", action="append", default=[])
    made.add_argument("--witness", action="append", nargs=2, default=[])
    made.add_argument("--json", action="store_true")
    return made


def several() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    made.add_argument("directories", type=Path, nargs="+")
    made.add_argument("--json", action="store_true")
    return made


@pytest.mark.parametrize(
    ("argv", "directory"),
    [
        (["17"], "/log"),
        (["--json", "17"], "/log"),
        (["17", "--json"], "/log"),
        (["/other", "17"], "/other"),
        (["--json", "/other", "17"], "/other"),
        (["/other", "--json", "17"], "/other"),
        (["/other", "17", "--json"], "/other"),
    ],
)
def test_the_folder_may_be_left_out_wherever_the_options_stand(argv: Sequence[str], directory: str) -> None:
    """One positional argument is the item, two are the folder and the item."""
    options = parse(parser(), argv, OFFERED)
    assert (options.directory, options.item) == (Path(directory), "17")


def test_what_is_given_counts() -> None:
    """Options on the command line replace what is offered, and are not added to it."""
    given = parse(parser(), ["17", "--key", "k", "--to", "a", "--to", "b"], OFFERED)
    assert (given.key, given.to, given.witness) == (Path("k"), ["a", "b"], [["https://w", "vkey"]])
    offered = parse(parser(), ["17"], OFFERED)
    assert (offered.key, offered.to) == (Path("/key"), ["/worm"])


def test_several_folders(tmp_path: Path) -> None:
    """None given is the offered one, two given are two."""
    assert parse(several(), ["--json"], OFFERED).directories == [Path("/log")]
    assert parse(several(), ["a", "--json", "b"], OFFERED).directories == [Path("a"), Path("b")]


@pytest.mark.parametrize("argv", [["17"], ["/log", "17"], ["/log", "--key", "k"]])
def test_without_offers_everything_must_be_given(argv: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m audit` alone guesses nothing."""
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parse(parser(), argv, {})
    assert parse(parser(), ["/log", "17", "--key", "k"], {}).key == Path("k")


def test_what_is_not_offered_must_still_be_given() -> None:
    """The item is nobody's default."""
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parse(parser(), [], OFFERED)
