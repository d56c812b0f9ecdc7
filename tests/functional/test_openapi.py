"""Requests generated from `/openapi.json` find no 5xx, and answers fit their description."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.server import Server

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"


def test_the_description_is_served_to_anyone(gateway: Server) -> None:
    """It names every route of the application that speaks JSON."""
    document = gateway.request("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {"/v1/chat/completions", "/v1/models", "/api/chat", "/oauth/token"}
    assert document["components"]["schemas"]["ChatCompletionRequest"]["additionalProperties"] is False


def test_schemathesis_finds_no_5xx(gateway: Server, tmp_path: Path) -> None:
    """Valid and invalid requests of every operation, as admin: no server error, no answer outside the description."""
    (tmp_path / "schemathesis.toml").write_text("")
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{gateway.base_url}/openapi.json",
        "--header",
        f"Authorization: Bearer {gateway.token('admin')}",
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "40",
        "--seed",
        "1",
        "--request-timeout",
        "30",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    refused = [r for r in gateway.records() if r["event"] == "request.refused"]
    assert refused
    assert not [r for r in refused if r["status"] >= 500], json.dumps(refused[-1])
