"""A demo deployment in one folder: fresh keys, three clients, a copy of the default bundle, a `hangu.yaml`.

A folder that already holds one is used as it is, so that a second start continues the same log with the same keys.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import policies
from audit import keys as audit_keys
from audit.contents import auditor
from gateway.identity.clients import generate_secret, hash_secret
from gateway.identity.token_issuer import SigningKey

ROLES = ("admin", "user", "guest")
_SOCKET_PATH_LIMIT = 100  # bytes; the kernel's limit for a Unix socket is 107

_CONFIG = """\
# One deployment of Hangu. Paths are relative to this file; secrets are `env:NAME` or `file:PATH`, never text.
bind: {bind}
workers: 1
threads: 32
bundle: bundle
models:
  - id: chatglm3-demo
    aliases: [chatglm3-6b]   # clients written for the 6B reach the demo model; answers name the demo
    engine: transformers
    path: demo               # the model that ships; put the folder of a ChatGLM3 checkpoint here
    dtype: float32
    device: cpu
audit:
  directory: audit
  key: keys/audit.pem
  public_key: keys/audit.pub.pem
  hmac_key: file:keys/hmac.key
  socket: {socket}
  origin: {origin}
  # Texts are sealed where audit.yaml says `encrypted`. The private key, keys/auditor.pem, belongs to the auditor alone.
  contents: {{directory: contents, auditor_key: keys/auditor.pub.pem}}
  # Checkpoints that make a cut-off log visible. They belong on another machine; this folder shows what they are.
  anchors: {{targets: [anchors/]}}
oauth:
  issuer: http://127.0.0.1:{port}
  signing_key: keys/oauth.pem
  clients: clients.yaml
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a demo deployment answers and what its callers need."""

    config: Path
    base_url: str
    clients: Mapping[str, tuple[str, str]]
    audit_dir: Path
    audit_key: Path


def prepare(state: Path, bind: str) -> Demo:
    """Create the deployment under `state`, or reuse the one that is there.

    Raises OSError, also for one that is not whole.
    """
    state = Path(os.path.realpath(state))
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = state / "hangu.yaml"
    base_url = _base_url(bind)
    socket = _socket_path(state)
    clients = _known_clients(state) or _create(state, bind, socket)
    demo = Demo(config, base_url, clients, state / "audit", state / "keys" / "audit.pub.pem")
    _write_description(state, demo)
    return demo


def _base_url(bind: str) -> str:
    """Where clients on this machine find a gateway that listens on `bind`, which may mean every address."""
    host, _, port = bind.rpartition(":")
    return f"http://{'127.0.0.1' if host in {'0.0.0.0', '[::]'} else host}:{port}"  # noqa: S104 - compared, not bound


def _create(state: Path, bind: str, socket: str) -> dict[str, tuple[str, str]]:
    keys = state / "keys"
    for folder in (keys, state / "audit", state / "anchors", state / "run"):
        folder.mkdir(mode=0o700, exist_ok=True)
    for name, generate in (("audit", audit_keys.generate), ("auditor", auditor.generate)):
        private, public = keys / f"{name}.pem", keys / f"{name}.pub.pem"
        for half in (private, public):  # left by a start that was killed half-way
            half.unlink(missing_ok=True)
        generate(private, public)
    _write_private(keys / "hmac.key", secrets.token_hex(32).encode())
    _write_private(keys / "oauth.pem", SigningKey.generate().pem())
    shutil.copytree(Path(policies.__file__).parent / "bundles" / "default", state / "bundle", dirs_exist_ok=True)
    clients = {role: (f"demo-{role}", generate_secret()) for role in ROLES}
    _write_private(state / "clients.yaml", _clients_file(clients).encode())
    origin = f"hangu.demo/{secrets.token_hex(4)}"
    text = _CONFIG.format(bind=bind, port=bind.rpartition(":")[2], socket=socket, origin=origin)
    (state / "hangu.yaml").write_text(text, encoding="utf-8")
    return clients


def _known_clients(state: Path) -> dict[str, tuple[str, str]] | None:
    """The clients of an earlier start; None when this folder has none. `demo.json` is written last, so it is whole."""
    file = state / "demo.json"
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return {role: (known["clients"][role]["client_id"], known["clients"][role]["client_secret"]) for role in ROLES}
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise OSError(f"{file}: not what the demo wrote there; move {state} aside, or choose another folder") from error


def _write_description(state: Path, demo: Demo) -> None:
    description = {
        "base_url": demo.base_url,
        "clients": {
            role: {"client_id": client_id, "client_secret": secret}
            for role, (client_id, secret) in demo.clients.items()
        },
        "audit_dir": str(demo.audit_dir),
        "audit_key": str(demo.audit_key),
        "config": str(demo.config),
    }
    _write_private(state / "demo.json", json.dumps(description, indent=2).encode() + b"\n")


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:  # mkstemp creates with mode 0600
        file.write(data)
    Path(name).replace(path)


def _clients_file(clients: Mapping[str, tuple[str, str]]) -> str:
    lines = ["# Clients of the embedded authorization server. Secrets are generated; only their hashes are kept."]
    lines.append("clients:")
    for role, (client_id, secret) in clients.items():
        lines += [f"  - client_id: {client_id}", f"    secret_hash: {hash_secret(secret)}", f"    roles: [{role}]"]
    return "\n".join(lines) + "\n"


def _socket_path(state: Path) -> str:
    """`run/audit.sock` below the state folder; in a folder elsewhere when that path is too long for a socket.

    That one may have to be made anew at each start, and must be ours: who owns it could stand in for the writer.
    """
    inside = state / "run" / "audit.sock"
    if len(os.fsencode(inside)) <= _SOCKET_PATH_LIMIT:
        return "run/audit.sock"
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"hangu-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700 or not stat.S_ISDIR(status.st_mode):
        raise OSError(f"{folder}: must be a folder of this user alone, mode 0700")
    return str(folder / "audit.sock")
