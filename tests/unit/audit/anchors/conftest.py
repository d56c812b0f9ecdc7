"""Logs that grow, copies that part ways, and a witness over real HTTP."""

import logging
import shutil
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.anchors.history import Seen, View, first_look, read_on
from audit.anchors.witness import Witness
from audit.anchors.witness_http import WitnessServer, listen
from audit.anchors.witness_state import WitnessState, create_state
from audit.checkpoint import LogKey, Signer
from audit.cosignature import Cosigner, WitnessKey
from audit.journal import Journal, Rotation

ORIGIN = "host-a/hangu"
START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))


@dataclass
class Log:
    """A log with its writer in this process."""

    directory: Path
    rotation: Rotation = field(default_factory=Rotation)
    seed: bytes = bytes(range(32))
    now_ns: int = START_NS

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start the writer (again)."""
        self.signer = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(self.seed))
        self.journal = Journal(self.directory, self.signer, self.rotation, self.now_ns)

    @property
    def key(self) -> LogKey:
        return self.signer.key

    def grow(self, commits: int = 1, text: str = "医保报销") -> None:
        """Some commits of one record each."""
        for _ in range(commits):
            self.now_ns += 1_000_000
            self.journal.append([f'{{"event":"a","text":"{text}"}}'.encode()], self.now_ns)

    def stop(self) -> None:
        self.journal.close(self.now_ns)

    def view(self, seen: Seen | None = None) -> View:
        """What a reader finds who saw `seen` the last time."""
        return read_on(self.directory, seen) if seen else first_look(self.directory, self.key.public, ORIGIN)

    def copy(self, directory: Path) -> "Log":
        """The same log in another place, from where on it may take another way. Stops this one."""
        self.stop()
        shutil.copytree(self.directory, directory)
        return Log(directory, self.rotation, self.seed, self.now_ns)


@pytest.fixture
def new_log() -> type[Log]:
    """Makes further logs."""
    return Log


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """A log with two commits."""
    log = Log(tmp_path / "log")
    log.grow(2)
    return log


@pytest.fixture
def memory(tmp_path: Path) -> WitnessState:
    """The empty memory of a witness."""
    create_state(tmp_path / "memory", COSIGNER.key)
    return WitnessState(tmp_path / "memory")


@dataclass(frozen=True, slots=True)
class Served:
    """A witness that can be reached over HTTP."""

    url: str
    key: WitnessKey
    witness: Witness


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serves witnesses on ports of their own until the end of the test; returns each one's URL."""
    running: list[tuple[WitnessServer, threading.Thread]] = []

    def start(witness: Witness, **options: float) -> str:
        server = WitnessServer(listen("127.0.0.1:0"), witness, **options)  # type: ignore[arg-type]  # limits by name
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        host, port = server.socket.getsockname()
        return f"http://{host}:{port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def served(log: Log, memory: WitnessState, serve: Callable[..., str]) -> Served:
    """A witness for the key of the log."""
    witness = Witness(COSIGNER, memory, [log.key], lambda: START_NS / 1e9)
    return Served(serve(witness), COSIGNER.key, witness)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of a real S3 server with Object Lock, in memory (moto)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the test server does at import is not ours
        from moto.server import ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of that server as an administrator has it; the environment leads Hangu there, too."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    import boto3  # type: ignore[import-untyped]  # it has no types and no stubs here

    return boto3.client("s3")


@pytest.fixture
def worm(s3: Any) -> Iterator[str]:
    """The name of a new bucket with Object Lock."""
    name = f"worm-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    yield name
    s3.close()
