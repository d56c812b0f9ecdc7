"""`audit show`: whatever names a record leads to it, its proof decides the exit code, and the read is on record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness.records import ADMITTED, FINISHED

from audit import canonical
from audit.cli import main
from audit.client import AuditClient, Receipt
from audit.contents.auditor import load_public
from audit.contents.sealer import Sealer
from audit.contents.store import create_store
from audit.errors import AuditUnavailable
from audit.journal import Journal

START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
PEM = serialization.Encoding.PEM


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The reads that the writer was told of. One that is told `refuse` is not there."""
    found: list[dict[str, Any]] = []

    def append(client: AuditClient, body: bytes) -> Receipt:
        if "refuse" in str(client._path):
            raise AuditUnavailable("no answer in time")
        found.append(json.loads(body))
        return Receipt("host-a/hangu", 1)

    monkeypatch.setattr(AuditClient, "append", append)
    monkeypatch.delenv("HANGU_AUDIT_SOCKET", raising=False)
    return found


@pytest.fixture
def auditor(tmp_path: Path) -> Path:
    """The auditor's private key; its public half lies beside it."""
    private = X25519PrivateKey.generate()
    file, public = tmp_path / "auditor.pem", tmp_path / "auditor.pub"
    file.touch(mode=0o600)
    file.write_bytes(private.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return file


@pytest.fixture
def log(open_journal: Callable[..., Journal], tmp_path: Path, private: Ed25519PrivateKey, auditor: Path) -> Path:
    """A request whose prompt is sealed, at line 2, and its end at line 4; the public key lies beside the log."""
    public = private.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    sealer = Sealer(create_store(tmp_path / "contents"), load_public(tmp_path / "auditor.pub"), "host-a/hangu")
    sealed = sealer.seal("李雷", "req-1", "prompt", '[["user","医保卡丢了"]]'.encode()).fields()
    sealer.close()
    journal = open_journal()
    for record in ({**ADMITTED, "prompt": {"chars": 5, "sealed": dict(sealed)}}, {**FINISHED, "admitted": 2}):
        journal.append([canonical.encode(record)], START_NS)
    journal.close(START_NS)
    return tmp_path / "log"


def show(capsys: pytest.CaptureFixture[str], log: Path, *arguments: object) -> tuple[int, str, str]:
    code = main(["show", str(log), *map(str, arguments), "--key", str(log.parent / "public.pem")])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("wanted", ["2", "4", "req-1", "host-a/hangu/2", "host-a/hangu/4"])
def test_every_name_of_a_record(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    """Index, request id and receipt lead to both records of the request, proved."""
    code, out, _ = show(capsys, log, wanted)
    assert code == 0
    assert "host-a/hangu/2  request.admitted" in out
    assert "host-a/hangu/4  request.finished" in out
    assert "PROVED under the checkpoint" in out
    (read,) = reads
    assert (read["command"], read["filters"], read["results"]) == ("show", {"wanted": wanted}, 2)


def test_for_a_program(log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object."""
    code, out, _ = show(capsys, log, "req-1", "--json")
    found = json.loads(out)
    assert (code, found["proved"], found["problem"]) == (0, True, None)
    assert [each["index"] for each in found["records"]] == [2, 4]
    assert found["records"][0]["record"]["subject"] == "李雷"


def test_sealed_texts_for_the_auditor(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], auditor: Path
) -> None:
    """With the auditor's key the prompt is there, and the record of the read says that it was opened."""
    options = ("--auditor-key", auditor, "--contents", log.parent / "contents")
    code, out, _ = show(capsys, log, "req-1", *options)
    assert code == 0
    assert "user: 医保卡丢了" in out
    assert reads[0]["filters"] == {"wanted": "req-1", "opened": 1}
    assert "医保卡" not in show(capsys, log, "req-1")[1]
    assert json.loads(show(capsys, log, "req-1", "--json", *options)[1])["opened"][0]["messages"] == [
        ["user", "医保卡丢了"]
    ]


def test_an_erased_text(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], auditor: Path
) -> None:
    """Its records are still shown and proved; that the text cannot be opened is said, and not fine."""
    for key in (log.parent / "contents").rglob("*.key"):
        key.unlink()
    code, out, _ = show(capsys, log, "req-1", "--auditor-key", auditor, "--contents", log.parent / "contents")
    assert code == 1
    assert "cannot be opened" in out
    assert "PROVED under" in out


def test_an_altered_record(log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown as it stands, and not as proved."""
    segment = log / "000000000000.log"
    segment.write_bytes(segment.read_bytes().replace("李雷".encode(), "韩梅".encode()))
    code, out, _ = show(capsys, log, "req-1")
    assert code == 1
    assert "韩梅" in out
    assert "NOT PROVED" in out


def test_nothing_is_shown_that_cannot_be_recorded(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a writer there is no answer, unless one says aloud that the read is not recorded."""
    code, out, err = show(capsys, log, "req-1", "--socket", "/refuse")
    assert (code, out) == (2, "")
    assert "nothing is shown" in err
    code, out, err = show(capsys, log, "req-1", "--socket", "/refuse", "--unrecorded")
    assert (code, err) == (0, "audit show: this read is NOT recorded\n")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("99", "line 99 is not under"),
        ("req-9", "no record of a request `req-9`"),
        ("host-b/hangu/2", "of the log `host-b/hangu`, this one is `host-a/hangu`"),
    ],
)
def test_no_such_record(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], wanted: str, said: str
) -> None:
    """It is named, and a receipt of another log is not taken for one of this."""
    code, out, err = show(capsys, log, wanted)
    assert (code, out, reads) == (2, "", [])
    assert said in err


def test_an_auditor_key_without_contents(
    log: Path, reads: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], auditor: Path
) -> None:
    """Wrong usage, and nothing is read."""
    assert show(capsys, log, "req-1", "--auditor-key", auditor)[0] == 2
    assert reads == []
