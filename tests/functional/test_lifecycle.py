"""Starting, stopping, starting again, and what happens to answers on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from harness.server import HANGU, Server, await_line, prepare, read_records, serving, started, verify
from harness.upstream import ScriptedUpstream
from harness.wait import until

from gateway.settings import load_settings

PLAIN = [sys.executable, "-m", "gunicorn"]


def open_chat(server: Server, key: str, *, stream: bool = True) -> socket.socket:
    """A chat whose answer is still under way."""
    host, port = server.base_url.removeprefix("http://").split(":")
    message = {"role": "user", "content": key}
    body = json.dumps({"model": "chatglm3-demo", "messages": [message], "stream": stream, "temperature": 0}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {server.token('user')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(head.encode() + body)
    return connection


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        piece = connection.recv(65_536)
        if not piece:
            break
        data += piece
    return data


def test_sigterm_finishes_a_running_stream_and_seals_the_log(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """The stream ends with `[DONE]`, the process with 0, the log verifies clean, and a second start continues it."""
    made = prepare(tmp_path / "state", upstream.base_url)
    upstream.answers["slow"] = ["first, ", "last"]
    upstream.gates["slow"] = threading.Event()
    upstream.started.clear()
    with serving(made) as server:
        connection = open_chat(server, "slow")
        assert b"first" in read_until(connection, b"first")
        server.process.terminate()
        upstream.gates["slow"].set()
        assert b"[DONE]" in read_until(connection, b"[DONE]")
        connection.close()
        assert server.stop() == 0
    assert verify(made).returncode == 0
    before = len(read_records(made.audit_dir))
    assert read_records(made.audit_dir)[-1]["event"] == "gateway.stopped"
    with serving(made) as again:
        assert again.chat("hello again").status == 200
        assert again.stop() == 0
    result = verify(made)
    assert result.returncode == 0, result.stdout
    assert len(read_records(made.audit_dir)) > before


def test_a_client_that_goes_away_stops_the_generation(gateway: Server, upstream: ScriptedUpstream) -> None:
    """The upstream sees the connection close, and the record says `aborted`."""
    upstream.answers["gone"] = ["first, "] + ["more, "] * 2000
    upstream.gates["gone"] = threading.Event()
    upstream.left.clear()
    connection = open_chat(gateway, "gone")
    head = read_until(connection, b"first")
    connection.close()
    upstream.gates["gone"].set()
    assert upstream.left.wait(20)
    request_id = next(line for line in head.decode().splitlines() if line.lower().startswith("x-request-id"))[14:]
    outcomes = until(
        "the outcome record",
        lambda: [r for r in gateway.records() if r.get("request_id") == request_id and "outcome" in r],
    )
    assert outcomes[0]["outcome"] == "aborted"


def outcomes(server: Server, text: str) -> list[str]:
    """How the latest admitted chats ended, by the length of their prompt."""
    records = server.records()
    mine = {r["request_id"] for r in records if r.get("prompt", {}).get("chars") == len(text)}
    return [r["outcome"] for r in records if r["event"] == "request.finished" and r["request_id"] in mine]


def test_a_client_that_gives_up_waiting_for_a_whole_answer(gateway: Server, upstream: ScriptedUpstream) -> None:
    """Not streamed, not begun: the upstream's connection is closed all the same, and the record says `aborted`."""
    key = "gives up " + "while it waits " * 5
    upstream.gates[key] = threading.Event()
    upstream.started.clear()
    connection = open_chat(gateway, key, stream=False)
    assert upstream.started.wait(10)
    connection.close()
    assert until("the outcome", lambda: outcomes(gateway, key)) == ["aborted"]
    upstream.gates[key].set()


@pytest.mark.model
@pytest.mark.parametrize(("question", "stream"), [("Tell me a long story.", False), ("Count to 100.", True)])
def test_the_model_stops_when_its_client_goes_away(demo_gateway: Server, question: str, *, stream: bool) -> None:
    """An answer of some 300 tokens is under way and its client leaves: the record says `aborted`, not `completed`."""
    admitted = sum(r["event"] == "request.admitted" for r in demo_gateway.records())
    connection = open_chat(demo_gateway, question, stream=stream)
    until("admission", lambda: sum(r["event"] == "request.admitted" for r in demo_gateway.records()) > admitted)
    connection.close()
    assert until("the outcome", lambda: outcomes(demo_gateway, question)) == ["aborted"]


def test_one_flipped_byte_is_found_and_named(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Verify exits with 10 and names the file and line of the change."""
    made = prepare(tmp_path / "state", upstream.base_url)
    with serving(made) as server:
        server.chat("to be altered")
        server.stop()
    assert verify(made).returncode == 0
    segment = min(made.audit_dir.glob("*.log"))
    data = bytearray(segment.read_bytes())
    position = data.index(b"demo-user")
    data[position] ^= 1
    segment.write_bytes(data)
    result = verify(made)
    assert result.returncode == 10
    line = data.count(b"\n", 0, position) + 1
    assert f"{segment.name}:{line}" in result.stdout + result.stderr


def test_a_dead_writer_means_503_until_it_is_back(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """What cannot be recorded is not served; the supervisor brings the writer back and says so; the log stays whole."""
    made = prepare(tmp_path / "state", upstream.base_url)
    with serving(made) as server:
        assert server.chat("before").status == 200
        writer = int(subprocess.check_output(["pgrep", "-f", f"audit serve {made.audit_dir}"], text=True).split()[0])
        os.kill(writer, signal.SIGSTOP)
        os.kill(writer, signal.SIGKILL)
        statuses = {server.chat("meanwhile").status for _ in range(3)}
        assert statuses <= {200, 503}
        until("a new writer", lambda: server.request("GET", "/healthz/ready").status == 200)
        assert server.chat("after").status == 200
        restarts = until("its record", lambda: of(server, "audit.writer_restarted"))
        assert [record["exit_code"] for record in restarts] == [-signal.SIGKILL]
        server.stop()
    assert verify(made).returncode == 0


def test_a_log_that_is_given_up_outlives_a_reload(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """A foreign file in the log's folder stops the writer: 503 for everybody, and a reload is refused, since workers
    that can record nothing would end the gateway. Once the file is gone it serves again by itself.
    """
    made = prepare(tmp_path / "state", upstream.base_url)
    foreign = made.audit_dir / "notes.txt"
    with serving(made) as server:
        assert server.chat("before").status == 200
        foreign.touch()
        assert server.chat("not recorded").status == 503
        server.process.send_signal(signal.SIGHUP)
        until("the refusal", lambda: any("no audit writer answers" in line for line in server.output))
        assert server.chat("still not recorded").status == 503
        foreign.unlink()
        until("a new writer", lambda: server.chat("after").status == 200, within=60)
        assert server.stop() == 0
    assert verify(made).returncode == 0


def of(server: Server, event: str) -> list[dict[str, Any]]:
    return [record for record in server.records() if record["event"] == event]


def test_reload_takes_a_good_bundle_and_refuses_a_bad_one(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """SIGHUP puts an edited bundle into force without a gap; one with a mistake changes nothing and says where.

    The log holds the text of both that were in force, and what was wrong with the third.
    """
    made = prepare(tmp_path / "state", upstream.base_url)
    policy = made.config.parent / "bundle" / "policy.csv"
    with serving(made) as server:
        assert server.request("GET", "/v1/models", role="guest").status == 403
        policy.write_text(policy.read_text() + "p, role:guest, models, read, allow\n")
        server.process.send_signal(signal.SIGHUP)
        until("the new policy", lambda: server.request("GET", "/v1/models", role="guest").status == 200)
        digest = server.chat("now").headers["hangu-policy"]
        policy.write_text(policy.read_text() + "p, role:guest, models, raed, allow\n")
        server.process.send_signal(signal.SIGHUP)
        until("the refusal", lambda: any("did you mean `read`?" in line for line in server.output))
        assert any("policy.csv:" in line for line in server.output)
        assert server.chat("still").headers["hangu-policy"] == digest
        (refused,) = until("its record", lambda: of(server, "policy.refused"))
        assert any("did you mean `read`?" in problem for problem in refused["problems"])
        activated = [record["bundle"] for record in of(server, "policy.activated")]
        assert len(activated) == 2
        assert activated[1] == digest
        texts = [r["text"] for r in of(server, "policy.file") if (r["bundle"], r["path"]) == (digest, "policy.csv")]
        assert "".join(texts).endswith("p, role:guest, models, read, allow\n")
        assert server.stop() == 0
    assert verify(made).returncode == 0


def test_a_reload_that_is_asked_for_during_the_start(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """It is not lost: a rule that was edited while a worker was reading the old one comes into force."""
    made = prepare(tmp_path / "state", upstream.base_url)
    policy, edited = made.config.parent / "bundle" / "policy.csv", tmp_path / "policy.csv"
    edited.write_text(policy.read_text() + "p, role:guest, models, read, allow\n")
    with started([HANGU, "serve", "--config", str(made.config), "--bind", "127.0.0.1:0"]) as (process, output):
        until("the writer", lambda: list(made.audit_dir.glob("*.log")))
        edited.replace(policy)
        process.send_signal(signal.SIGHUP)
        server = Server(made, await_line(process, output, "Serving on").split()[-1], process, output)
        until("the new policy", lambda: server.request("GET", "/v1/models", role="guest").status == 200)
        assert server.stop() == 0


def test_a_killed_supervisor_leaves_no_orphans_and_a_sealed_log(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """SIGKILL to `hangu serve`: gunicorn follows, and the writer seals the log once nobody writes any more.

    A start right after it waits for that writer, and supervises one of its own.
    """
    made = prepare(tmp_path / "state", upstream.base_url)
    with serving(made) as server:
        assert server.chat("before the end").status == 200
        server.process.kill()
        server.pool.clear()
        newest = max(made.audit_dir.glob("*.log"))
        with serving(made) as again:
            assert b'"k":"end"' in newest.read_bytes()
            assert again.chat("after it").status == 200
            parents = subprocess.check_output(["pgrep", "-P", str(again.process.pid), "-f", "audit serve"], text=True)
            assert len(parents.split()) == 1
            assert again.stop() == 0
    assert b'"k":"end"' in max(made.audit_dir.glob("*.log")).read_bytes()
    assert verify(made).returncode == 0


def test_a_writer_that_runs_by_itself_outlives_the_gateway(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """`hangu audit serve` on its own: the gateway needs no signing key, and its stop does not seal the log."""
    made = prepare(tmp_path / "state", upstream.base_url)
    settings = load_settings(made.config).audit
    text = made.config.read_text().replace("  key: keys/audit.pem\n", "  writer: external\n")
    made.config.write_text(text)
    command = [HANGU, "audit", "serve", str(settings.directory), "--key", str(settings.key)]
    command += ["--socket", str(settings.socket), "--origin", settings.origin]
    with started(command) as (writer, output):
        await_line(writer, output, "ready")
        for _ in range(2):
            with serving(made) as server:
                assert server.chat("recorded elsewhere").status == 200
                assert server.stop() == 0
        assert writer.poll() is None
        assert len(list(made.audit_dir.glob("*.log"))) == 1
    assert writer.returncode == 0
    assert verify(made).returncode == 0


def test_plain_gunicorn_serves_the_same_application(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Without `hangu serve` the worker starts the writer itself, and the log is sealed after the last worker."""
    made = prepare(tmp_path / "state", upstream.base_url)
    command = [*PLAIN, "--bind", "127.0.0.1:0", "--log-level", "info", "--no-control-socket", "wsgi:application"]
    with started(command, {"HANGU_CONFIG": str(made.config)}, cwd=tmp_path) as (process, output):
        line = await_line(process, output, "Listening at")
        server = Server(made, line.split("Listening at: ")[1].split()[0], process)
        answer = server.chat("plain")
        assert answer.status == 200
        assert answer.headers["hangu-record"]
        server.stop()
    newest = max(made.audit_dir.glob("*.log"))
    until("the sealed log", lambda: b'"k":"end"' in newest.read_bytes())
    assert verify(made).returncode == 0


def test_a_worker_that_cannot_start_leaves_the_reason(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """A plain gunicorn meets a bad bundle: it stops, and the log says why."""
    made = prepare(tmp_path / "state", upstream.base_url)
    policy = made.config.parent / "bundle" / "policy.csv"
    policy.write_text(policy.read_text() + "p, role:guest, models, raed, allow\n")
    command = [*PLAIN, "--bind", "127.0.0.1:0", "--no-control-socket", "wsgi:application"]
    with started(command, {"HANGU_CONFIG": str(made.config)}, cwd=tmp_path) as (process, _):
        assert process.wait(60) == 3
    (refused,) = read_records(made.audit_dir)
    assert refused["event"] == "policy.refused"
    assert "did you mean `read`?" in refused["problems"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "2 workers cannot share limits kept in memory"),
        (["--preload"], "hangu cannot run with --preload"),
    ],
)
def test_plain_gunicorn_is_refused_what_would_break_silently(
    tmp_path: Path, upstream: ScriptedUpstream, options: list[str], message: str
) -> None:
    """Two workers would admit twice the limit, a preloaded model is dead in the workers: gunicorn stops and says so."""
    made = prepare(tmp_path / "state", upstream.base_url)
    command = [*PLAIN, "--bind", "127.0.0.1:0", "--no-control-socket", *options, "wsgi:application"]
    environment = {**os.environ, "HANGU_CONFIG": str(made.config)}
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=tmp_path
    )
    # 3 is gunicorn's code for workers that do not boot; its master trips over two that fail at once and ends with 1.
    assert result.returncode in {1, 3}
    assert message in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bundle: bundle", "bundle: nowhere"), "nowhere"),
        (("workers: 1", "workers: 2"), "2 workers cannot share limits kept in memory"),
        (("keys/oauth.pem", "keys/none.pem"), "keys/none.pem"),
    ],
)
def test_a_deployment_that_cannot_serve_says_why(
    tmp_path: Path, upstream: ScriptedUpstream, change: tuple[str, str], message: str
) -> None:
    """Exit code 1 and a message with the place, not a stack trace."""
    made = prepare(tmp_path / "state", upstream.base_url)
    made.config.write_text(made.config.read_text().replace(*change))
    result = subprocess.run(
        [HANGU, "serve", "--config", str(made.config), "--bind", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_a_terminal_that_lacks_a_character(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Chinese paths and the tick of the progress are escaped there; they ended the start in a stack trace."""
    made = prepare(tmp_path / "状态", upstream.base_url)
    (made.config.parent / "bundle" / "limits.yaml").unlink()
    result = subprocess.run(
        [HANGU, "serve", "--config", str(made.config), "--bind", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 1
    assert "\\u72b6\\u6001/bundle" in result.stdout
    assert "Traceback" not in result.stderr


def test_a_taken_port_is_named(gateway: Server, tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """Two gateways on one port: the second says so and leaves."""
    made = prepare(tmp_path / "state", upstream.base_url)
    bind = gateway.base_url.removeprefix("http://")
    command = [HANGU, "serve", "--config", str(made.config), "--bind", bind]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    assert f"cannot listen on {bind}" in result.stdout
