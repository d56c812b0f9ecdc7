"""`reveal`, `erase`, `rewrap` and `keygen --auditor` as real processes beside a real writer."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest

from audit.client import AuditClient
from audit.contents import auditor
from audit.contents.sealer import Sealer
from audit.contents.store import create_store, maintenance, open_store
from audit.digests import Digests, prompt_bytes
from audit.reader import entries

ORIGIN = "host-a/hangu"
KEY = b"k" * 32


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str) -> subprocess.Popen[bytes]: ...


@dataclass(frozen=True)
class Bureau:
    """An auditor at a host with a running writer, and one worker that seals there."""

    host: Host
    client: AuditClient
    sealer: Sealer

    @property
    def contents(self) -> Path:
        return self.host.root / "contents"

    def ask(self, subject: str, text: str, request: str = "req_1") -> int:
        """Seal a prompt and record it, as the gateway does. The index of the record."""
        messages = [("user", text)]
        sealed = self.sealer.seal(subject, request, "prompt", prompt_bytes(messages)).fields()
        prompt = {"hmac": Digests(KEY).prompt(messages), "key": Digests(KEY).id, "sealed": sealed}
        record = {"event": "request.admitted", "request_id": request, "subject": subject, "prompt": prompt}
        return self.client.append(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).index

    def run(self, command: str, *more: object) -> subprocess.CompletedProcess[str]:
        """A command over this store, by itself on the command line."""
        line = [sys.executable, "-m", "audit", command, *map(str, more), "--contents", str(self.contents)]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)

    def reveal(self, wanted: object, *more: object, key: str = "auditor.pem") -> subprocess.CompletedProcess[str]:
        return self.run("reveal", self.host.log, wanted, "--auditor-key", self.host.root / key, *more)

    def events(self, prefix: str) -> list[dict[str, Any]]:
        """The records whose event starts so."""
        bodies = (orjson.loads(entry.body) for entry in entries(self.host.log) if entry.kind == b"rec")
        return [body for body in bodies if body["event"].startswith(prefix)]


@pytest.fixture
def bureau(host: Host, client: AuditClient) -> Iterator[Bureau]:
    """With a fresh pair, an empty store and an empty log."""
    auditor.generate(host.root / "auditor.pem", host.root / "auditor.pub.pem")
    (host.root / "hmac.key").touch(0o600)
    (host.root / "hmac.key").write_bytes(KEY)
    host.start()
    public = auditor.load_public(host.root / "auditor.pub.pem")
    sealer = Sealer(create_store(host.root / "contents"), public, ORIGIN)
    yield Bureau(host, client, sealer)
    sealer.close()


def test_keygen_makes_an_auditors_pair(tmp_path: Path) -> None:
    """One that texts can be sealed to, told apart from a signing key, and never written over."""
    line = [
        sys.executable,
        "-m",
        "audit",
        "keygen",
        "--key",
        str(tmp_path / "a.pem"),
        "--public",
        str(tmp_path / "a.pub"),
    ]
    assert subprocess.run([*line, "--auditor"], check=False, timeout=60).returncode == 0
    private, public = auditor.load_private(tmp_path / "a.pem"), auditor.load_public(tmp_path / "a.pub")
    assert private.public_key() == public
    again = subprocess.run([*line, "--auditor"], capture_output=True, text=True, check=False, timeout=60)
    assert again.returncode == 2
    assert str(tmp_path / "a.pem") in again.stderr


def test_a_text_is_shown_to_the_auditor_and_the_read_is_on_record(bureau: Bureau) -> None:
    """By index and by request; what a caller typed cannot drive the auditor's terminal."""
    index = bureau.ask("张三\x1b[2J", "医保?\n\x1b]0;owned\x07")
    shown = bureau.reveal(index, "--socket", bureau.host.socket, "--hmac-key", bureau.host.root / "hmac.key")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"record {index}, prompt of req_1 by 张三\ufffd[2J (digest: matches)" in shown.stdout
    assert "user: 医保?\n\ufffd]0;owned\ufffd" in shown.stdout
    assert "\x1b" not in shown.stdout
    again = bureau.reveal("req_1", "--socket", bureau.host.socket, "--json")
    assert json.loads(again.stdout)["messages"] == [["user", "医保?\n\x1b]0;owned\x07"]]
    assert [(e["command"], e["filters"]) for e in bureau.events("audit.read")] == [
        ("reveal", {"wanted": str(index)}),
        ("reveal", {"wanted": "req_1"}),
    ]


def test_nothing_is_shown_without_a_record(bureau: Bureau) -> None:
    """Where no writer answers the text stays sealed; a copy can be read by saying so."""
    bureau.ask("alice", "canary-4711")
    refused = bureau.reveal("req_1", "--socket", bureau.host.root / "nobody")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "canary" not in refused.stderr
    copy = bureau.reveal("req_1", "--unrecorded")
    assert copy.returncode == 0
    assert "canary-4711" in copy.stdout
    assert "NOT recorded" in copy.stderr
    assert bureau.events("audit.read") == []


def test_what_cannot_be_revealed_is_said(bureau: Bureau) -> None:
    """A record without a sealed text, no such record, an altered text, another's key, no key: each in one line."""
    bureau.client.append(b'{"event":"gateway.stopped","request_id":"req_0"}')
    bureau.ask("alice", "text")
    for wanted in ("req_0", "req_9", 0, 999):
        found = bureau.reveal(wanted, "--unrecorded")
        assert (found.returncode, found.stdout) == (1, "")
        assert f"`{wanted}` has no sealed text" in found.stderr
    (file,) = (bureau.contents / "texts").iterdir()
    file.write_bytes(b"x" * file.stat().st_size)
    found = bureau.reveal("req_1", "--unrecorded")
    assert found.returncode == 1
    assert "cannot be opened" in found.stdout
    assert "not the bytes that the record names" in found.stdout
    for key in ("key.pem", "absent", "auditor.pub.pem"):
        found = bureau.reveal("req_1", "--unrecorded", key=key)
        assert found.returncode == 2
        assert "Traceback" not in found.stderr


def test_another_auditor_takes_over(bureau: Bureau) -> None:
    """After `rewrap` the new key opens everything and the old one nothing; both steps are on record."""
    bureau.ask("alice", "one")
    bureau.ask("李四", "two", "req_2")
    auditor.generate(bureau.host.root / "new.pem", bureau.host.root / "new.pub.pem")
    line = ["--auditor-key", bureau.host.root / "auditor.pem", "--to", bureau.host.root / "new.pub.pem"]
    assert bureau.run("rewrap", *line).returncode == 2  # neither a socket nor --unrecorded
    done = bureau.run("rewrap", *line, "--socket", bureau.host.socket)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 keys moved, 0 were with this auditor already, 0 cannot be moved\n"
    assert "2 were with this auditor already" in bureau.run("rewrap", *line, "--unrecorded").stdout
    assert [bureau.reveal(r, "--unrecorded", key="new.pem").returncode for r in ("req_1", "req_2")] == [0, 0]
    assert bureau.reveal("req_1", "--unrecorded").returncode == 1
    records = bureau.events("content.")
    assert [record["event"] for record in records] == ["content.rewrapping", "content.rewrapped"]
    assert (records[1]["keys"], records[1]["problems"], records[1]["uid"]) == (2, 0, os.getuid())


def test_a_key_that_cannot_be_moved_fails_the_command(bureau: Bureau) -> None:
    """The others move, the exit code is 1, and stderr names it."""
    bureau.ask("alice", "one")
    bureau.ask("bob", "two")
    broken = next((bureau.contents / "keys").glob("*/*.key"))
    broken.write_bytes(b"{}")
    auditor.generate(bureau.host.root / "new.pem", bureau.host.root / "new.pub.pem")
    line = ["--auditor-key", bureau.host.root / "auditor.pem", "--to", bureau.host.root / "new.pub.pem"]
    done = bureau.run("rewrap", *line, "--unrecorded")
    assert done.returncode == 1
    assert broken.name in done.stderr


def test_old_texts_are_erased(bureau: Bureau) -> None:
    """By age: what is young stays, and both are on record."""
    bureau.ask("alice", "young")
    done = bureau.run("erase", "--older-than-days", 1, "--socket", bureau.host.socket, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"done": True, "keys": 0, "files": 0})
    (file,) = (bureau.contents / "texts").iterdir()
    os.utime(file, (0, 0))
    done = bureau.run("erase", "--older-than-days", 1, "--socket", bureau.host.socket)
    assert "0 keys and 1 files of texts destroyed" in done.stdout
    assert [(e["event"], e["older_than_days"]) for e in bureau.events("content.")] == [
        ("content.erased", 1),
        ("content.erasing", 1),
        ("content.erased", 1),
    ]


def test_an_erasure_that_does_not_come_to_its_end(bureau: Bureau) -> None:
    """A key that cannot be removed: the log says what was begun and not that it was done; a second run finishes it."""
    bureau.ask("张三", "text")
    (key,) = (bureau.contents / "keys").glob("*/*.key")
    key.rename(bureau.host.root / "away")
    key.mkdir()
    done = bureau.run("erase", "张三", "--socket", bureau.host.socket)
    assert done.returncode == 1
    assert "not everything could be destroyed" in done.stderr
    assert [(e["event"], e["subject"]) for e in bureau.events("content.")] == [("content.erasing", "张三")]
    key.rmdir()
    (bureau.host.root / "away").rename(key)
    assert bureau.run("erase", "张三", "--socket", bureau.host.socket).returncode == 0
    assert [e["event"] for e in bureau.events("content.")][-1] == "content.erased"
    assert bureau.reveal("req_1", "--unrecorded").returncode == 1


@pytest.mark.parametrize("arguments", [(), ("alice", "--older-than-days", "1"), ("--older-than-days", "0")])
def test_erase_wants_one_thing(bureau: Bureau, arguments: tuple[str, ...]) -> None:
    """Neither a subject nor an age, both, or no whole day: wrong usage, and nothing happens."""
    bureau.ask("alice", "text")
    assert bureau.run("erase", *arguments, "--socket", bureau.host.socket).returncode == 2
    assert bureau.events("content.") == []


def test_two_maintenance_commands(bureau: Bureau) -> None:
    """The second is refused while the first is at work, before it records or destroys anything."""
    bureau.ask("alice", "text")
    with maintenance(open_store(bureau.contents)):
        done = bureau.run("erase", "alice", "--socket", bureau.host.socket)
    assert done.returncode == 2
    assert "another `erase` or `rewrap` is at work" in done.stderr
    assert bureau.reveal("req_1", "--unrecorded").returncode == 0
    assert bureau.events("content.") == []


def test_a_folder_that_is_no_store(bureau: Bureau) -> None:
    """Said with its path by every command."""
    bureau.contents.rename(bureau.host.root / "away")
    for done in (
        bureau.run("erase", "alice", "--socket", bureau.host.socket),
        bureau.reveal("req_1", "--unrecorded"),
    ):
        assert done.returncode in (1, 2)
        assert str(bureau.contents) in done.stderr
        assert "Traceback" not in done.stderr


WORKER = """
import sys
from pathlib import Path
from audit.contents.auditor import load_public
from audit.contents.sealer import Sealer
from audit.contents.store import create_store
from audit.errors import ContentsUnavailable

root, name = Path(sys.argv[1]), sys.argv[2]
sealer = Sealer(create_store(root / "contents"), load_public(root / "auditor.pub.pem"), "host-a/hangu")
for number in range(50):
    try:
        sealed = sealer.seal("alice", f"{name}-{number}", "prompt", (b"x" * 1000) + f"{name}-{number}".encode())
    except ContentsUnavailable as error:
        print("refused", error)
        continue
    print(sealed.key, sealed.file, sealed.offset, sealed.bytes, sealed.sha256, flush=True)
"""


def _worker(bureau: Bureau, name: str, limit: int | None = None) -> list[list[str]]:
    """What one worker process said of 50 texts, in an address space whose files may grow to `limit` bytes."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    line = [sys.executable, "-c", WORKER, str(bureau.host.root), name]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True, preexec_fn=limited)
    return [row.split(maxsplit=4) for row in done.stdout.splitlines()]


def _opens(bureau: Bureau, name: str, number: int, row: list[str]) -> bool:
    from audit.contents.opener import Opener
    from audit.contents.sealer import Sealed

    sealed = Sealed(row[0], row[1], int(row[2]), int(row[3]), row[4])
    opener = Opener(open_store(bureau.contents), auditor.load_private(bureau.host.root / "auditor.pem"), ORIGIN)
    text = opener.open("alice", f"{name}-{number}", "prompt", sealed)
    return text == b"x" * 1000 + f"{name}-{number}".encode()


def test_two_workers_seal_for_one_subject(bureau: Bureau) -> None:
    """Two processes at once, each with a key and a file of its own: every text opens."""
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip("ab", pool.map(lambda name: _worker(bureau, name), "ab"), strict=True))
    assert all(_opens(bureau, name, number, row) for name in made for number, row in enumerate(made[name]))
    assert len({(row[0], row[1]) for rows in made.values() for row in rows}) == 2


def test_full_disk(bureau: Bureau) -> None:
    """A text that does not fit is refused; those before it are whole, and a new file takes the next."""
    rows = _worker(bureau, "full", limit=10_000)  # the kernel's own refusal at 9 texts of a file
    refused = [number for number, row in enumerate(rows) if row[0] == "refused"]
    assert refused
    assert refused[0] > 0
    kept = [number for number in range(50) if number not in refused]
    assert all(_opens(bureau, "full", number, rows[number]) for number in kept)
    assert max(kept) > refused[0]
