"""What `hangu serve --demo` prints once it serves: a token that works now and commands to paste."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

import urllib3
from rich.console import Console

from gateway.demo import Demo
from gateway.supervise import StartError

_PROMPT = "What is Hangu?"


def greet(console: Console, demo: Demo) -> None:
    """Print the token and the commands. Raises StartError when the gateway does not issue a token."""
    token = fetch_token(demo, "user")
    lines = [
        "",
        f"Hangu serves on {demo.base_url} (Ctrl-C stops it and seals the log).",
        f"Clients and secrets: {demo.config.parent / 'demo.json'}",
        "",
        "A token for the role `user`, good for 30 minutes:",
        token,
        "",
        "Chat with curl:",
        curl_command(demo, token),
        "",
        "Chat with the OpenAI SDK:",
        sdk_command(demo, token),
        "",
        "Ask the audit log who signed in and who asked what:",
        query_command(demo),
        "",
        "Verify the audit log:",
        verify_command(demo),
        "",
    ]
    if importlib.util.find_spec("openai") is None:
        lines.append("(The OpenAI SDK is not installed here: `pip install openai` brings it.)")
    console.print("\n".join(lines), markup=False)


def fetch_token(demo: Demo, role: str) -> str:
    """A fresh access token of one of the demo's clients, over HTTP like any client's."""
    client_id, secret = demo.clients[role]
    with urllib3.PoolManager(timeout=30.0, retries=False) as pool:
        try:
            answer = pool.request(
                "POST",
                f"{demo.base_url}/oauth/token",
                fields={"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret},
                encode_multipart=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise StartError(f"the gateway did not answer its own demo client: {error}") from error
    if answer.status != 200:
        raise StartError(f"the gateway refused its own demo client: HTTP {answer.status}")
    return str(answer.json()["access_token"])


def curl_command(demo: Demo, token: str) -> str:
    """One line for any shell."""
    body = f'{{"model": "chatglm3-demo", "messages": [{{"role": "user", "content": "{_PROMPT}"}}]}}'
    return (
        f'curl -sS {demo.base_url}/v1/chat/completions -H "Authorization: Bearer {token}" '
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def sdk_command(demo: Demo, token: str) -> str:
    """One line for any shell."""
    code = (
        "from openai import OpenAI; "
        f'client = OpenAI(base_url="{demo.base_url}/v1", api_key="{token}"); '
        'answer = client.chat.completions.create(model="chatglm3-demo", '
        f'messages=[{{"role": "user", "content": "{_PROMPT}"}}]); '
        "print(answer.choices[0].message.content)"
    )
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def query_command(demo: Demo) -> str:
    """One line for any shell. The question is recorded itself."""
    words = [str(Path(sys.argv[0]).absolute()), "audit", "query", "--config", str(demo.config)]
    return shlex.join([*words, "--event", "token.issued", "--event", "request.admitted"])


def verify_command(demo: Demo) -> str:
    """One line for any shell."""
    words = [sys.executable, "-m", "audit", "verify", str(demo.audit_dir), "--key", str(demo.audit_key)]
    return shlex.join(words)
