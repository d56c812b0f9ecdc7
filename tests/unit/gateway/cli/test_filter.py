"""gateway/cli/filter.py: `hangu filter scan`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import policies
from gateway.cli.filter import filter_

_BUNDLE = Path(policies.__file__).parent / "bundles" / "default"


def _scan(text: str | bytes, *arguments: str, bundle: Path = _BUNDLE) -> Result:
    return CliRunner().invoke(filter_, ["scan", "--bundle", str(bundle), *arguments], input=text)


def test_lines_in_lines_out() -> None:
    """Each line gives the text that may pass, and the spans in code points of the input."""
    result = _scan(
        '{"id": "甲", "text": "邮箱a@example.com，<|user|>"}\n\n{"id": 2, "text": "好"}', "--chain", "standard"
    )
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {
            "id": "甲",
            "text": "邮箱[EMAIL]，",
            "spans": [{"start": 2, "end": 15, "type": "EMAIL"}, {"start": 16, "end": 24, "type": "CONTROL_TOKEN"}],
            "blocked": True,
        },
        {"id": 2, "text": "好", "spans": [], "blocked": False},
    ]


@pytest.mark.parametrize(
    "line",
    ["[]", "{", '{"id": 1}', '{"id": null, "text": ""}', '{"id": 1, "text": 2}', '{"id": 1, "text": "\\ud800"}',
     "[" * 100_000, b'{"id": 1, "text": "\xff"}', "NaN"],
)  # fmt: skip
def test_bad_line_is_named(line: str | bytes) -> None:
    """A line that is no such object ends the run with its number; earlier lines are answered."""
    bad = line if isinstance(line, bytes) else line.encode()
    result = _scan(b'{"id": 1, "text": "ok"}\n' + bad, "--chain", "strict")
    assert result.exit_code == 1
    assert result.stderr.startswith("line 2: ")
    assert json.loads(result.stdout)["id"] == 1


def test_unknown_chain_is_wrong_usage() -> None:
    """A misspelt chain ends with code 2 and a near name."""
    result = _scan("", "--chain", "strikt")
    assert (result.exit_code, "did you mean `strict`" in result.stderr) == (2, True)


def test_bad_bundle_is_reported_with_its_place(tmp_path: Path) -> None:
    """Only filters.yaml is read, and its mistakes end the run."""
    assert _scan("", "--chain", "c", bundle=tmp_path).exit_code == 1
    (tmp_path / "filters.yaml").write_text("filters: {}\nchains: {}\napply: []\n", encoding="utf-8")
    result = _scan("", "--chain", "c", bundle=tmp_path)
    assert (result.exit_code, "filters.yaml:1:10: `filters` must not be empty" in result.stderr) == (1, True)
