"""The verifier in JavaScript, run by Node as a user would."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "audit" / "js" / "verify.mjs"
SECOND_VERIFIER = shutil.which("node")

Verdict = dict[str, Any]  # exit, file, line, what


def second_verdicts(arguments: Sequence[Sequence[str]]) -> list[Verdict]:
    """What it says for each of these command lines, all judged in one process."""
    script = f"""
        import {{ judge }} from {json.dumps(SCRIPT.as_uri())};
        const lines = JSON.parse(await new Response(process.stdin).text());
        console.log(JSON.stringify(lines.map((args) => judge(args))));
    """
    verdicts: list[Verdict] = run_module(script, [list(each) for each in arguments])
    return verdicts


def run_module(script: str, given: object) -> Any:
    """The JSON that a JavaScript module prints, given this as JSON on standard input."""
    assert SECOND_VERIFIER is not None
    command = [SECOND_VERIFIER, "--input-type=module", "--eval", script]
    ran = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
