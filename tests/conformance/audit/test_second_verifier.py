"""The verifier in JavaScript, written from docs/audit-format.md alone, agrees with ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random

import pytest
from harness.second_verifier import SCRIPT, SECOND_VERIFIER, run_module, second_verdicts

from audit import canonical
from audit.errors import NotCanonical

VECTORS = Path(__file__).parents[2] / "data" / "audit" / "vectors"
pytestmark = pytest.mark.skipif(SECOND_VERIFIER is None, reason="Node is not installed")

SPELLINGS = (Path(__file__).parent / "spellings.txt").read_text(encoding="utf-8").splitlines()
DEEP = ['{"a":' * n + "1" + "}" * n for n in (64, 65)] + ['{"a":' + "[" * n + "]" * n + "}" for n in (63, 64)]
CONTROLS = ['{"a":"\x00"}', '{"a":"\x1f"}', '{"a":"\x7f"}', '{"a":"\u2028"}', '{"a":"\ufeff"}', ""]


def is_canonical(text: str) -> bool:
    """Whether our own reader takes it."""
    try:
        canonical.parse(text.encode())
    except NotCanonical:
        return False
    return True


def test_both_take_the_same_spellings_as_canonical() -> None:
    """Extremes of canonical JSON, and a thousand damaged ones, are accepted by both or by neither."""
    random = Random(7)
    texts = [*SPELLINGS, *DEEP, *CONTROLS]
    for _ in range(1000):
        text = random.choice(SPELLINGS)
        place = random.randrange(len(text) + 1)
        texts.append(text[:place] + random.choice(['"', "\\", "{", "}", "1", ",", "u", " ", ""]) + text[place + 1 :])
    ours = [is_canonical(text) for text in texts]
    assert 0 < sum(ours) < len(ours)
    script = f"""
        import {{ parse }} from {json.dumps((SCRIPT.parent / "canonical.mjs").as_uri())};
        const texts = JSON.parse(await new Response(process.stdin).text());
        const taken = texts.map((text) => {{ try {{ parse(text); return true; }} catch {{ return false; }} }});
        console.log(JSON.stringify(taken));
    """
    theirs = run_module(script, texts)
    assert [text for text, one, other in zip(texts, ours, theirs, strict=True) if one != other] == []


def test_agrees_on_every_vector() -> None:
    """Verdict, file and line of every committed test vector."""
    folders = sorted(path.parent for path in VECTORS.glob("*/expected.json"))
    assert len(folders) >= 25
    verdicts = second_verdicts([_command(folder) for folder in folders])
    found = {f.name: (v["exit"], v["file"], v["line"]) for f, v in zip(folders, verdicts, strict=True)}
    expected = {}
    for folder in folders:
        said = json.loads((folder / "expected.json").read_text())
        expected[folder.name] = (said["exit"], said["file"], said["line"])
    assert found == expected


def _command(folder: Path) -> list[str]:
    anchors = [part for anchor in folder.glob("anchor") for part in ("--anchor", str(anchor))]
    return [str(folder / "log"), "--key", str(folder / "key.vkey"), *anchors]


def test_as_a_command() -> None:
    """Run as a program it prints its verdict as JSON and exits with the code that it names; nonsense is usage."""
    assert SECOND_VERIFIER is not None
    folder = VECTORS / "clean-one-segment"
    for arguments, code in ((_command(folder), 0), ([str(folder / "log")], 2), (["missing", "--key", "missing"], 2)):
        ran = subprocess.run(
            [SECOND_VERIFIER, str(SCRIPT), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert (ran.returncode, json.loads(ran.stdout)["exit"]) == (code, code)
