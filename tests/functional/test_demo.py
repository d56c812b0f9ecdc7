"""`hangu serve --demo` as a newcomer meets it: it prints commands, and the commands work when they are pasted."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.server import HANGU, Server, await_line, started

from gateway.demo import Demo

EXAMPLES = Path(__file__).parents[2] / "examples"
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def commands(output: list[str]) -> dict[str, str]:
    """The line that follows each heading of the welcome text."""
    lines = [line.rstrip("\n") for line in output]
    return {line: lines[number + 1] for number, line in enumerate(lines[:-1]) if line.endswith(":")}


def paste(command: str) -> subprocess.CompletedProcess[str]:
    """Run a printed line as a user's shell would."""
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.model
def test_the_printed_commands_work_and_a_second_start_continues(tmp_path: Path) -> None:
    """Token, curl, SDK, query and verify as printed; the README's audit question; the same log after a restart."""
    state = tmp_path / "state"
    command = [HANGU, "serve", "--demo", "--bind", "127.0.0.1:0", "--state", str(state)]
    began = time.monotonic()
    with started(command) as (process, output):
        await_line(process, output, "audit verify")
        ready_after = time.monotonic() - began
        printed = commands(output)
        for heading in ("Chat with curl:", "Chat with the OpenAI SDK:"):
            if heading == "Chat with curl:" and shutil.which("curl") is None:
                continue  # the command is for users who have curl
            shown = paste(printed[heading])
            assert shown.returncode == 0, shown.stderr
            assert "Hangu" in shown.stdout
        asked = paste(printed["Ask the audit log who signed in and who asked what:"])
        assert asked.returncode == 0, asked.stderr
        assert "token.issued" in asked.stdout
        verified = paste(printed["Verify the audit log:"])
        assert verified.returncode == 0, verified.stdout + verified.stderr
        token = subprocess.check_output([sys.executable, str(EXAMPLES / "get_token.py"), "user", str(state)], text=True)
        base_url = json.loads((state / "demo.json").read_text())["base_url"]
        answer = chat("函谷是什么？", base_url, token)
        assert "函谷" in answer or "Hangu" in answer
        assert "[CREDIT_CARD]" in chat("What is the card number of Alice Example?", base_url, token)
        check_first_audit_question(tmp_path)
        check_description(state, printed["A token for the role `user`, good for 30 minutes:"])
    assert ready_after < 60, "the promise is 15 s on an idle machine"
    assert process.returncode == 0
    with started(command) as (process, output):
        await_line(process, output, "audit verify")
        again = paste(commands(output)["Verify the audit log:"])
    assert again.returncode == 0
    assert len(list((state / "audit").glob("*.log"))) == 2


def chat(question: str, base_url: str, token: str) -> str:
    command = [sys.executable, str(EXAMPLES / "chat.py"), question, base_url]
    return subprocess.check_output(command, text=True, env={**os.environ, "HANGU_TOKEN": token.strip()})


def check_first_audit_question(folder: Path) -> None:
    """The commands of the README's section, pasted in a folder that holds the demo's `state`."""
    section = README.partition("## A first audit question")[2].partition("\n## ")[0]
    lines = [line.removeprefix("$ ") for line in section.splitlines() if line.startswith("$ ")]
    script = "\n".join(lines).replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    shown = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False, timeout=120, cwd=folder
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for word in ("completion cards redact 1", "policy.csv:", "PROVED", "good: ", "clean"):
        assert word in shown.stdout
    assert (folder / "audit.html").stat().st_size > 0


def check_description(state: Path, token: str) -> None:
    file = state / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    described = json.loads(file.read_text())
    assert set(described["clients"]) == {"admin", "user", "guest"}
    assert not Path(described["audit_key"]).is_relative_to(described["audit_dir"])
    clients = {role: (c["client_id"], c["client_secret"]) for role, c in described["clients"].items()}
    made = Demo(state / "hangu.yaml", described["base_url"], clients, state / "audit", Path(described["audit_key"]))
    server = Server(made, described["base_url"], subprocess.Popen(["true"], text=True))
    server.process.wait()
    bearer = {"Authorization": f"Bearer {token}"}
    assert server.request("GET", "/v1/models", headers=bearer).status == 200
    assert server.request("GET", "/api/admin/configuration", role="admin").status == 200
    assert server.request("GET", "/api/admin/configuration", headers=bearer).status == 403
    server.pool.clear()
