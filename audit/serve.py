"""Runs a writer as a process: lock, socket, signals, and a line that says when it is ready."""

import os
import resource
import signal
import socket
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from audit import wire
from audit.checkpoint import Signer
from audit.errors import AuditError, AuditUnavailable, LogBusy
from audit.journal import Journal, Rotation
from audit.keys import load_private
from audit.peers import Peers
from audit.writer import Timers, Writer

_BACKLOG = 1024
_MAX_PEERS = 1024
_SPARE_DESCRIPTORS = 32


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where the log, the key and the socket are, and who may write."""

    directory: Path
    key: Path
    socket: Path
    origin: str
    timers: Timers = field(default_factory=Timers)
    rotation: Rotation = field(default_factory=Rotation)
    allow_uids: tuple[int, ...] = ()  # besides the writer's own user; the socket is then open to its group
    ready_fd: int | None = None


def serve(options: ServeOptions) -> int:
    """Hold the log until SIGTERM, SIGINT or idleness.

    0: the log was sealed; 1: it was given up before, or nobody could be told that the writer is ready. Raises
    `LogBusy`, `Tampered`, `KeyUnusable`, `NotCanonical` (origin) or `OSError` where it cannot start.
    """
    signer = Signer(options.origin, load_private(options.key))
    stop, wake = socket.socketpair()
    with stop, wake:
        _wake_on_signals(wake)
        journal = Journal(options.directory, signer, options.rotation, time.time_ns())
        try:
            listener = listen(options.socket, 0o660 if options.allow_uids else 0o600)
        except (OSError, AuditError):
            journal.close(time.time_ns())
            raise
        with listener:
            own = os.geteuid()
            peers = Peers(listener, stop, users={own, *options.allow_uids}, limit=_max_peers())
            writer = Writer(
                journal,
                peers,
                operators={own, 0},
                now_ns=time.time_ns,
                monotonic=time.monotonic,
                timers=options.timers,
            )
            identity = options.socket.stat().st_ino
            heard = _say_ready(options.socket, options.ready_fd)
            if not heard:  # who started this writer is gone: seal the log, and go
                wake.send(b"x")
            code = _run(writer, options.socket, identity)
            return code if heard else 1


def _run(writer: Writer, path: Path, identity: int) -> int:
    try:
        writer.run()
    except AuditUnavailable as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    finally:
        if path.exists() and path.stat().st_ino == identity:
            path.unlink(missing_ok=True)
    return 0


def listen(path: Path, mode: int) -> socket.socket:
    """A listening Unix socket at `path`. Call it with the log's lock held.

    A socket file that no process listens on is replaced. Raises `LogBusy` where one does, `OSError` for anything else.
    """
    if len(os.fsencode(path)) > wire.MAX_PATH:
        raise OSError(f"{path}: a socket path has at most {wire.MAX_PATH} bytes")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o777 & ~mode)  # the file must never be open to more, not even between bind and chmod
    try:
        listener.bind(os.fspath(path))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _remove_stale(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise FileExistsError(f"{path}: exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:  # alive, and its queue is full
            pass
    raise LogBusy(f"{path}: another process listens on this socket")


def _wake_on_signals(wake: socket.socket) -> None:
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def _max_peers() -> int:
    """As many clients as descriptors allow: an `accept` that fails for want of one would spin."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_PEERS + _SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(_MAX_PEERS, soft - _SPARE_DESCRIPTORS) if soft != resource.RLIM_INFINITY else _MAX_PEERS


def _say_ready(path: Path, descriptor: int | None) -> bool:
    """Whether someone could be told."""
    line = f"ready {path}\n".encode(errors="surrogateescape")
    try:
        if descriptor is None:
            os.write(sys.stdout.fileno(), line)
        else:
            os.write(descriptor, line)
            os.close(descriptor)
    except (OSError, AttributeError) as error:  # AttributeError: stdout is closed, so there is none
        print(f"audit: cannot say that the writer is ready: {error}", file=sys.stderr)
        return False
    return True
