"""`hangu filter`: run a filter chain of a bundle over texts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import click
import orjson

from policies.filters.config import load_filters
from policies.problem import Problems, did_you_mean, quoted
from policies.source import MAX_BYTES, parse_yaml

if TYPE_CHECKING:
    from policies.filters.chain import Chain

_MAX_LINE = 16 << 20  # bytes


@click.group("filter")
def filter_() -> None:
    """Try filter chains. Exit code 0: fine; 1: the bundle or a line of input is bad; 2: wrong usage."""


@filter_.command()
@click.option("--bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--chain", "name", required=True, help="A chain of the bundle's filters.yaml.")
@click.option("--json", "as_json", is_flag=True, help="Accepted for symmetry: the output is always JSON lines.")
@click.argument("source", type=click.File("rb"), default="-", metavar="[FILE]")
def scan(bundle: Path, name: str, as_json: bool, source: BinaryIO) -> None:  # noqa: ARG001  # one format only
    """Screen JSON lines from FILE or standard input, with only the bundle's filters.yaml needed.

    Each line {"id", "text"} becomes {"id", "text", "spans": [{"start", "end", "type"}], "blocked"}: the text that may
    pass, and what was found, as code points of the input.
    """
    chain = _chain(bundle / "filters.yaml", name)
    number = 0
    while line := source.readline(_MAX_LINE + 1):
        number += 1
        if line.strip():
            sys.stdout.buffer.write(_scanned(chain, line, number))
    sys.stdout.buffer.flush()


def _chain(path: Path, name: str) -> Chain:
    problems = Problems()
    try:
        with path.open("rb") as file:
            root = parse_yaml(file.read(MAX_BYTES + 1), str(path), problems)
    except OSError as error:
        _fail(f"{path}: {error.strerror}")
    policy = load_filters(root, problems) if root is not None else None
    if problems.count or policy is None:
        _fail("\n".join(map(str, problems)))
    if name not in policy.chains:
        known = ", ".join(f"`{chain}`" for chain in sorted(policy.chains))
        hint = did_you_mean(name, policy.chains) or f" (there are {known})"
        raise click.BadParameter(f"no chain {quoted(name)} in {path}{hint}", param_hint="--chain")
    return policy.chains[name]


def _scanned(chain: Chain, line: bytes, number: int) -> bytes:
    if len(line) > _MAX_LINE:
        _fail(f"line {number}: longer than {_MAX_LINE} bytes")
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        _fail(f"line {number}: not valid JSON: {error.msg} at character {error.pos + 1}")
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("id"), str | int):
        _fail(f'line {number}: must be an object with "id" (a string or a number) and "text" (a string)')
    screened = chain.screen(row["text"])
    spans = [{"start": hit.start, "end": hit.end, "type": hit.type} for hit in screened.hits]
    found = {"id": row["id"], "text": screened.text, "spans": spans, "blocked": screened.blocked is not None}
    return orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE)


def _fail(message: str) -> NoReturn:
    sys.stdout.buffer.flush()
    click.echo(message, err=True)
    sys.exit(1)
