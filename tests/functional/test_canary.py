"""Nothing of a prompt, an answer, a token, a secret or a withheld value stands anywhere above its level.

One gateway serves the same model at four levels. Every text that goes through it, on every way out, carries a mark of
its own; then everything that its processes wrote is searched for each mark, in every spelling that software gives to
text. The twins show that what a level does keep is there.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from harness.server import Answer, Server, prepare, read_records, serving, verify
from harness.sse import events, text_of
from harness.upstream import ScriptedUpstream
from harness.wait import until

from audit.cli.indexed import indexed
from audit.digests import Digests
from gateway.demo import Demo

LEVELS = ("none", "hash", "redacted", "encrypted")
CHAT = "/v1/chat/completions"
SETTINGS = """\
  anchors: {{targets: [notes/], every_seconds: 1}}
  contents: {{directory: contents, auditor_key: keys/auditor.pub.pem}}
  shipping: [{{to: "syslog+tcp://127.0.0.1:{port}"}}]
"""


def mark(kind: str) -> str:
    """A text that stands nowhere else, in two scripts; its head and its tail are each enough to know it by."""
    return f"canary-{secrets.token_hex(8)} {kind} 医保{secrets.token_hex(8)}"


def card() -> str:
    """A card number that nobody has, with its check digit (ISO/IEC 7812-1)."""
    digits = "4929" + "".join(secrets.choice("0123456789") for _ in range(11))
    doubled = [int(d) * 2 for d in digits[::2]]
    total = sum(d - 9 if d > 9 else d for d in doubled) + sum(map(int, digits[1::2]))
    return digits + str(-total % 10)


def spellings(text: str) -> set[bytes]:
    """The ways in which software writes a text, cut at either end, and at any offset within Base64."""
    forms: set[bytes] = set()
    for part in {text, text[:23], text[-16:]}:
        data = part.encode()
        forms |= {data, json.dumps(part)[1:-1].encode(), quote(part).encode(), data.hex().encode()}
        forms |= {part.encode("utf-16-le"), part.encode("utf-16-be"), repr(data)[2:-1].encode()}
        for offset in range(3):
            encoded = base64.b64encode(bytes(offset) + data)[offset and offset + 1 : -4]
            forms |= {encoded, encoded.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


@dataclass
class Marks:
    """The marks of one level. `open` ones are texts that the level may keep; all others never stand anywhere."""

    level: str
    open: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def text(self, kind: str, *, kept: bool = False) -> str:
        """A new mark; `kept` where level `redacted` writes it into the record."""
        return (self.open if kept else self.closed).setdefault(kind, mark(f"{self.level} {kind}"))


@dataclass
class Written:
    """Everything that was written while the gateway ran, by where; and what a record or a test can say of it."""

    made: Demo
    marks: dict[str, Marks]
    strangers: dict[str, str] = field(repr=False)
    output: bytes = field(default=b"", repr=False)
    commands: bytes = field(default=b"", repr=False)
    shipped: bytearray = field(default_factory=bytearray, repr=False)

    def files(self) -> dict[str, bytes]:
        """All files of the deployment but those that are there to hold secrets."""
        state = self.made.config.parent
        kept = [p for p in state.rglob("*") if p.is_file() and p.name != "demo.json" and p.parent.name != "keys"]
        return {str(path.relative_to(state)): path.read_bytes() for path in kept}

    def everything(self) -> dict[str, bytes]:
        return {"(output)": self.output, "(commands)": self.commands, "(shipped)": bytes(self.shipped), **self.files()}

    def records_of(self, answer: Answer) -> list[dict[str, Any]]:
        wanted = answer.headers["x-request-id"]
        return [r for r in read_records(self.made.audit_dir) if r.get("request_id") == wanted]


@contextmanager
def syslog(into: bytearray) -> Iterator[int]:
    """A receiver that keeps every byte; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def receive() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=read, args=(connection,), daemon=True).start()

        def read(connection: socket.socket) -> None:
            with connection:
                while piece := connection.recv(65_536):
                    into.extend(piece)

        threading.Thread(target=receive, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """Everything that a gateway wrote while every text went every way out."""
    state = tmp_path_factory.mktemp("canary")
    with ScriptedUpstream().running() as upstream:
        made = prepare(state, upstream.base_url)
        found = Written(made, {level: Marks(level) for level in LEVELS}, {})
        with syslog(found.shipped) as port:
            configure(made, upstream.base_url, port)
            secret = found.strangers["upstream key"] = "sk-" + secrets.token_hex(16)
            for folder in ("tmp", "notes"):
                (state / folder).mkdir()
            environment = {
                "UPSTREAM_KEY": secret,
                "TMPDIR": str(state / "tmp"),
                "FLASK_DEBUG": "1",
                "GUNICORN_CMD_ARGS": "--log-level debug",
            }
            with serving(made, environment=environment) as server:
                for marks in found.marks.values():
                    exercise(server, upstream, marks)
                pester(server, found.strangers)
                found.commands = command_lines()
                found.strangers |= {f"token of {role}": token for role, token in server.tokens.items()}
                found.strangers |= {f"secret of {role}": made.clients[role][1] for role in made.clients}
                assert server.stop() == 0
                found.output = "".join(server.output).encode()
        review(made)
        yield found


def review(made: Demo) -> None:
    """What a reviewer's tools write from the log: an index, and exports."""
    with indexed("canary", made.audit_dir, None):
        pass
    for form in ("csv", "otel", "cef"):
        out = made.config.parent / "exports" / form
        out.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "audit", "export", str(made.audit_dir), "--format", form, "--out", str(out)]
        subprocess.run([*command, "--unrecorded"], check=True, capture_output=True, timeout=60)


def configure(made: Demo, url: str, port: int) -> None:
    """One model for each level, a contents store, a receiver."""
    folder = made.config.parent
    text = made.config.read_text()
    start, end = text.index("models:"), text.index("audit:")
    model = "  - {{id: {0}, engine: openai, base_url: {1}, upstream_model: fixed, api_key: env:UPSTREAM_KEY}}\n"
    models = "".join(model.format(level, url) for level in LEVELS)
    text = text[:start] + "models:\n" + models + text[end:]
    made.config.write_text(text.replace("oauth:\n", SETTINGS.format(port=port) + "oauth:\n"))
    rules = "".join(f"  - {{model: {level}, prompt: {level}, completion: {level}}}\n" for level in LEVELS)
    (folder / "bundle" / "audit.yaml").write_text(f"rules:\n{rules}  - {{prompt: none, completion: none}}\n")


def exercise(server: Server, upstream: ScriptedUpstream, marks: Marks) -> None:
    """Success, stream, redaction, block, failures that echo, and a client that goes away, at one level."""
    model = marks.level
    for kind, stream in (("whole", False), ("streamed", True)):
        prompt = marks.text(f"{kind} prompt", kept=True)
        pieces = list(marks.text(f"{kind} answer", kept=True))
        upstream.answers[prompt] = pieces
        answer = marks.answers[kind] = server.chat(prompt, model=model, stream=stream)
        told = text_of(events(answer)) if stream else answer.json()["choices"][0]["message"]["content"]
        assert told == "".join(pieces)
    number, other = marks.closed["card in a prompt"], marks.closed["card in an answer"] = card(), card()
    upstream.answers["my card is [CREDIT_CARD]"] = ["and ", "mine is ", other[:7], other[7:]]
    marks.answers["withheld"] = server.chat(f"my card is {number}", model=model)
    assert "[CREDIT_CARD]" in marks.answers["withheld"].body.decode()
    blocked = {"message": f"绝密★ {marks.text('blocked prompt')}", "model": model}
    marks.answers["blocked"] = server.post("/api/secure-chat", blocked)
    assert marks.answers["blocked"].code == "prompt_blocked"
    fail(server, upstream, marks)
    leave(server, upstream, marks)


def fail(server: Server, upstream: ScriptedUpstream, marks: Marks) -> None:
    """An upstream that sends the prompt back in everything that is not an answer."""
    echo = marks.text("echoed by a failure")
    quoted = json.dumps(echo).encode()
    choice = b'{"object": "chat.completion", "choices": [{"index": 0, "message": %s}]}'
    bodies = [
        (500, "application/json", b'{"error": {"message": %s}}' % quoted),
        (400, "application/json", b'{"error": {"message": %s, "code": %s}}' % (quoted, quoted)),
        (429, "text/html", echo.encode()),
        (200, "text/plain", echo.encode()),
        (200, "application/json", echo.encode()),
        (200, "application/json", choice % quoted),
        (200, "application/json", choice % (b'{"role": "assistant", %s: %s}' % (quoted, quoted))),
        (200, "application/json", choice % (b'{"role": %s, "content": "x"}' % quoted)),
        (200, "application/json", choice % (b'{"role": "assistant", "content": "\\ud800%s"}' % quoted[1:-1])),
        (200, "text/event-stream", b"data: {broken " + echo.encode() + b"\n\n"),
        (200, "text/event-stream", echo.encode() + b"\n\n"),
    ]
    for number, body in enumerate(bodies):
        prompt = marks.text(f"failed prompt {number}", kept=True)
        upstream.broken[prompt] = body
        answer = server.chat(prompt, model=marks.level, stream=body[1] == "text/event-stream")
        assert not any(form in answer.body for form in spellings(echo)), body
        assert answer.status >= 400, body


def leave(server: Server, upstream: ScriptedUpstream, marks: Marks) -> None:
    """A client that closes its connection in the middle of a stream."""
    prompt = marks.text("abandoned prompt", kept=True)
    upstream.answers[prompt] = [marks.text("abandoned answer", kept=True)] + ["more, "] * 2000
    upstream.gates[prompt] = threading.Event()
    message = {"role": "user", "content": prompt}
    body = json.dumps({"model": marks.level, "messages": [message], "stream": True}).encode()
    connection = connect(server)
    token = server.token("user")
    head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
    connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    while b"delta" not in connection.recv(65_536):
        pass
    connection.close()
    upstream.gates[prompt].set()
    until(
        "the end", lambda: [r for r in server.records() if r.get("outcome") == "aborted" and r["model"] == marks.level]
    )


def pester(server: Server, strangers: dict[str, str]) -> None:
    """Secrets where they do not belong: whoever sends them is refused, and they are not kept."""

    def text(kind: str) -> str:
        return strangers.setdefault(kind, mark(kind))

    def token(kind: str) -> str:
        return strangers.setdefault(kind, secrets.token_urlsafe(24))

    json_type = {"Content-Type": "application/json"}
    form_type = {"Content-Type": "application/x-www-form-urlencoded"}
    valid: dict[str, Any] = {"model": "none", "messages": [{"role": "user", "content": "hi"}]}
    bodies = [
        {**valid, text("field name"): 1},
        {**valid, "temperature": text("wrong type")},
        {**valid, "messages": text("wrong messages")},
        {**valid, "messages": [{"role": text("role"), "content": "x"}]},
        {**valid, "user": text("label"), "stop": [text("stop word")]},
    ]
    raw = [json.dumps(body).encode() for body in bodies]
    raw += [b'{"model": "' + text("broken JSON").encode(), b"\xff" + text("bad UTF-8").encode()]
    raw += [
        json.dumps(valid)[:-1].encode() + b', "model": "none", "stop": ' + json.dumps(text("twice")).encode() + b"}"
    ]
    for body in raw:
        server.request("POST", CHAT, role="user", body=body, headers=json_type)
    headers = ("User-Agent", "Cookie", "Referer", "X-Request-ID", "X-Forwarded-For", "X-Api-Key", "Traceparent")
    server.request("GET", "/v1/models", role="user", headers={name: token(name) for name in headers})
    for scheme in ("Bearer", "Basic", "Digest"):
        server.request("GET", "/v1/models", headers={"Authorization": f"{scheme} {token(scheme)}"})
    forged = ".".join(base64.urlsafe_b64encode(token(part).encode()).decode() for part in ("header", "claims", "mac"))
    server.request("GET", "/v1/models", headers={"Authorization": f"Bearer {forged}"})
    for path in ("/v1/models", "/nothing", "/oauth/token"):
        server.request("GET", f"{path}?access_token={token('query ' + path)}", role="user")
    forms = [
        f"grant_type=client_credentials&client_id=demo-user&client_secret={token('wrong secret')}",
        f"grant_type=client_credentials&client_id=demo-user&client_secret=x&{token('parameter')}=1",
        f"grant_type=password&username=me&password={token('password')}",
        f"grant_type={token('grant')}&client_id=demo-user&client_secret={token('another secret')}",
    ]
    for form in forms:
        server.request("POST", "/oauth/token", body=form.encode(), headers=form_type)
    basic = base64.b64encode(f"demo-user:{token('basic secret')}".encode()).decode()
    for header in (f"Basic {basic}", f"Basic {token('broken basic')}!"):
        body = b"grant_type=client_credentials"
        server.request("POST", "/oauth/token", body=body, headers={**form_type, "Authorization": header})
    for line in (
        "GET /x HTTP/9.9",
        "GET /x HTTP/1.1\r\nBad Header {}: x",
        "GET /x HTTP/1.1\r\nX: a\r\n {}",
        "{}",
        "{} / HTTP/1.1",
    ):
        with connect(server) as connection:
            connection.sendall(line.format(token(f"raw {line}")).encode() + b"\r\nConnection: close\r\n\r\n")
            while connection.recv(65_536):
                pass


def connect(server: Server) -> socket.socket:
    host, port = server.base_url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def command_lines() -> bytes:
    """What anyone on this machine reads of the processes' arguments."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes())
        except OSError:  # it has ended
            continue
    return b"\n".join(lines)


def places(written: Written, text: str) -> set[str]:
    forms = spellings(text)
    return {name for name, data in written.everything().items() if any(form in data for form in forms)}


def leaks(written: Written, texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Where each of these texts stands, without those that stand nowhere."""
    return {kind: found for kind, text in texts.items() if (found := places(written, text))}


def is_of_the_log(name: str) -> bool:
    return name.startswith(("audit/", "audit.index.", "exports/", "(shipped)"))


def test_the_search_finds_what_is_there(written: Written) -> None:
    """The search itself: a text in each spelling is found, and every kind of place was written to."""
    text = mark("itself")
    for form in spellings(text):
        assert any(each in b"x" + form + b"y" for each in spellings(text))
    padded = base64.b64encode(b"ab" + text.encode() + b"cd")
    assert any(form in padded for form in spellings(text))
    names = written.everything()
    folders = {"audit", "contents", "notes", "exports", "audit.index.sqlite"}
    assert {name.split("/")[0] for name in names} >= {"(output)", "(commands)", "(shipped)"} | folders
    assert all(names[each] for each in ("(output)", "(commands)", "(shipped)"))


@pytest.mark.parametrize("level", LEVELS)
def test_what_no_level_keeps_is_nowhere(written: Written, level: str) -> None:
    """Withheld values, blocked prompts and what a failing upstream sends back stand nowhere in clear."""
    marks = written.marks[level]
    assert not leaks(written, marks.closed)


@pytest.mark.parametrize("level", ["none", "hash", "encrypted"])
def test_texts_are_nowhere_in_clear_at_this_level(written: Written, level: str) -> None:
    """Neither prompt nor answer, whole, streamed, failed or abandoned."""
    marks = written.marks[level]
    assert not leaks(written, marks.open)


def test_redacted_texts_are_in_the_log_and_nowhere_else(written: Written) -> None:
    """Records hold them, and so does what is made from records; no output, temporary file or contents store does."""
    marks = written.marks["redacted"]
    for kind, text in marks.open.items():
        found = places(written, text)
        assert all(is_of_the_log(name) for name in found), (kind, found)
        assert found, kind


def test_tokens_and_secrets_are_nowhere(written: Written) -> None:
    """Neither those that are right nor those that are wrong, nor what strangers send along."""
    assert not leaks(written, written.strangers)


def test_level_none_keeps_sizes(written: Written) -> None:
    """The twin: how long, and nothing else."""
    marks = written.marks["none"]
    admitted, finished = written.records_of(marks.answers["whole"])
    assert admitted["prompt"] == {"messages": 1, "chars": len(marks.open["whole prompt"])}
    assert finished["completion"] == {"chars": len(marks.open["whole answer"])}
    assert all("withheld" not in record for record in written.records_of(marks.answers["withheld"]))


def test_level_hash_keeps_digests(written: Written) -> None:
    """The twin: with the key, the prompt and each withheld value can be looked for."""
    marks = written.marks["hash"]
    digests = Digests((written.made.config.parent / "keys" / "hmac.key").read_bytes().strip())
    admitted, finished = written.records_of(marks.answers["streamed"])
    assert admitted["prompt"]["hmac"] == digests.prompt([("user", marks.open["streamed prompt"])])
    answer = digests.completion()
    answer.add(marks.open["streamed answer"])
    assert finished["completion"]["hmac"] == answer.hexdigest()
    admitted, finished = written.records_of(marks.answers["withheld"])
    asked, answered = (digests.withheld(marks.closed[f"card in {where}"]) for where in ("a prompt", "an answer"))
    assert [each["hmac"] for each in admitted["withheld"]] == [asked]
    assert [each["hmac"] for each in finished["withheld"]] == [answered]


def test_level_redacted_keeps_texts_without_what_was_withheld(written: Written) -> None:
    """The twin: the texts as their filters let them pass."""
    marks = written.marks["redacted"]
    admitted, finished = written.records_of(marks.answers["withheld"])
    assert admitted["prompt"]["text"] == [["user", "my card is [CREDIT_CARD]"]]
    assert finished["completion"]["text"] == "and mine is [CREDIT_CARD]"


def test_level_encrypted_keeps_texts_for_the_auditor(written: Written) -> None:
    """The twin: the auditor's key opens the prompt as it came in, card and all, and the answer as it left."""
    marks = written.marks["encrypted"]
    folder = written.made.config.parent
    for kind, texts in (
        ("streamed", (marks.open["streamed prompt"], marks.open["streamed answer"])),
        ("withheld", (marks.closed["card in a prompt"], "[CREDIT_CARD]")),
    ):
        command = [sys.executable, "-m", "audit", "reveal", str(written.made.audit_dir)]
        command += [marks.answers[kind].headers["x-request-id"], "--contents", str(folder / "contents")]
        command += ["--auditor-key", str(folder / "keys" / "auditor.pem"), "--unrecorded", "--json"]
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert shown.returncode == 0, shown.stderr
        opened = [json.loads(line) for line in shown.stdout.splitlines()]
        assert len(opened) == 2
        assert all(text in json.dumps(one, ensure_ascii=False) for one, text in zip(opened, texts, strict=True))


def test_the_log_is_whole(written: Written) -> None:
    """After all that."""
    assert verify(written.made).returncode == 0
