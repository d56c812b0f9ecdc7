"""Shipping as a process: beside a real writer, to real receivers that come, go, hang and refuse."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from harness.certificates import issue
from harness.receivers import Otlp, Syslog, otlp_receiver, stream_syslog, udp_syslog
from harness.wait import until

from audit.client import AuditClient


class Host(Protocol):
    """What the `host` fixture offers."""

    root: Path
    log: Path
    socket: Path

    def start(self, *more: str, before: object = None) -> subprocess.Popen[bytes]: ...
    def verify(self, *more: str) -> subprocess.CompletedProcess[str]: ...


def command(host: Host, *targets: str, more: tuple[str, ...] = ()) -> list[str]:
    """The command line of a shipping process."""
    to = [word for target in targets for word in ("--to", target)]
    base = [sys.executable, "-m", "audit", "ship", str(host.log), "--cursor", str(host.root / "cursor")]
    return [*base, "--every", "0.05", *to, *more]


def once(host: Host, *targets: str, more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """One round, as cron runs it."""
    return subprocess.run(
        [*command(host, *targets, more=more), "--once"], capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def following(host: Host, *targets: str, more: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A shipping process that follows the log; killed at the end where it still runs."""
    process = subprocess.Popen(command(host, *targets, more=more), stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Tell it to stop, and return its exit code and what it said."""
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def start(host: Host, *more: str) -> subprocess.Popen[bytes]:
    """A writer without heartbeats, which on a slow machine would come between the records that a test counts."""
    return host.start("--heartbeat-seconds", "0", *more)


def append(client: AuditClient, numbers: range) -> list[int]:
    """Records of these numbers; their indexes."""
    return [client.append(b'{"event":"request.served","n":%d}' % number).index for number in numbers]


def until_seen(got: Syslog, index: int) -> None:
    """Wait until the receiver has this record."""
    until(f"record {index}", lambda: index in got.indexes)


def stop(writer: subprocess.Popen[bytes]) -> None:
    """Seal the log."""
    writer.terminate()
    writer.communicate(timeout=30)
    assert writer.returncode == 0


def test_every_target_once(host: Host, client: AuditClient) -> None:
    """One round ships all there is to every kind of target, the next only what came since; the log stays clean."""
    certificates = issue(host.root / "ca")
    writer = start(host, "--max-segment-bytes", "3000")
    first = append(client, range(20))
    with (
        udp_syslog() as udp,
        stream_syslog() as tcp,
        stream_syslog(context=certificates.server_context()) as tls,
        otlp_receiver() as http,
        otlp_receiver(certificates.server_context()) as https,
    ):
        receivers: list[Syslog | Otlp] = [udp, tcp, tls, http, https]
        urls = [receiver.url for receiver in receivers]
        more = ("--ca-file", str(certificates.ca_file), "--max-buffer", "7")
        done = once(host, *urls, more=more)
        assert (done.returncode, done.stderr) == (0, "")
        second = append(client, range(20, 25))
        assert once(host, *urls, more=more).returncode == 0
        until("the last datagram", lambda: len(udp.messages) == 25)
        for receiver in receivers:
            assert receiver.indexes == first + second
            assert not receiver.problems
    stop(writer)
    assert host.verify().returncode == 0


def test_follows_a_rotating_writer(host: Host, client: AuditClient) -> None:
    """A following process ships over rotations and a restart of the writer, and after SIGTERM what was sealed last."""
    writer = start(host, "--max-segment-bytes", "2000")
    with stream_syslog() as tcp, otlp_receiver() as http, following(host, tcp.url, http.url) as process:
        sent = append(client, range(30))
        until("both receivers", lambda: tcp.indexes == sent and http.indexes == sent)
        stop(writer)
        writer = start(host)
        sent += append(client, range(30, 35))
        stop(writer)
        assert end(process)[0] == 0
        assert tcp.indexes == http.indexes == sent
        assert len(list(host.log.glob("*.log"))) > 3
        again = once(host, tcp.url, http.url)
        assert again.returncode == 0
        assert tcp.indexes == http.indexes == sent


def test_receiver_restarts_in_mid_stream(host: Host, client: AuditClient) -> None:
    """A receiver that dies again and again within a batch loses nothing of the log: duplicates, but no gap."""
    start(host)
    sent = append(client, range(60))
    with stream_syslog(drop_after=lambda got: len(got.messages) == 7) as got:
        port = got.port
        assert once(host, got.url, more=("--max-buffer", "20")).returncode == 1
        early = got.indexes
    assert early == sent[:7]
    with stream_syslog(port) as back:
        with following(host, back.url, more=("--max-buffer", "20")) as process:
            sent += append(client, range(60, 80))
            until("everything", lambda: set(sent) <= set(early + back.indexes))
            assert end(process)[0] == 0
        assert back.indexes == sent


def test_receiver_comes_late(host: Host, client: AuditClient) -> None:
    """While nobody listens nothing is lost; the process says so and goes on as soon as someone does."""
    start(host)
    sent = append(client, range(5))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"syslog+tcp://localhost:{port}"
    refused = once(host, url)
    assert refused.returncode == 1
    assert f"audit ship: {url}: not delivered: Connection refused" in refused.stderr
    with following(host, url) as process:
        with stream_syslog(port) as got:
            until("everything", lambda: got.indexes == sent)
        assert end(process)[0] == 0


def test_one_hangs_and_the_other_does_not_wait(host: Host, client: AuditClient) -> None:
    """A receiver that accepts and then hangs delays no other, nor the writer; SIGTERM ends it all in bounded time."""
    start(host)
    with socket.create_server(("127.0.0.1", 0)) as hanging, stream_syslog() as tcp, otlp_receiver() as http:
        stuck = f"syslog+tcp://127.0.0.1:{hanging.getsockname()[1]}"
        with following(host, stuck, tcp.url, http.url) as process:
            sent = append(client, range(10))
            until("the others", lambda: tcp.indexes == sent and http.indexes == sent)
            code, _ = end(process)
            assert code == 1
    cursor = json.loads((host.root / "cursor").read_text())["targets"]
    assert stuck not in cursor
    assert cursor[tcp.url] == cursor[http.url]


def test_collector_is_busy(host: Host, client: AuditClient) -> None:
    """A collector that answers 503 and 429 gets everything later; one that refuses a record gets all others."""
    start(host)
    sent = append(client, range(6))
    with otlp_receiver() as http:
        http.answers = [(503, {"Retry-After": "0"}, b""), (429, {}, b"")]
        poison = b'"n":3}'
        http.judge = lambda request: (400, {}, b"") if poison in request.SerializeToString() else None
        with following(host, http.url) as process:
            until("the others", lambda: len(http.indexes) == 5)
            code, said = end(process)
        assert code == 1
        assert http.indexes == sent[:3] + sent[4:]
        assert "HTTP 503" in said
        assert f"record host-a/hangu/{sent[3]} is refused for good" in said


def test_killed_and_started_again(host: Host, client: AuditClient) -> None:
    """kill -9 of the shipping process at any moment costs duplicates at most."""
    start(host)
    with stream_syslog() as got:
        sent: list[int] = []
        for life in range(4):
            with following(host, got.url, more=("--max-buffer", "3")) as process:
                sent += append(client, range(life * 10, life * 10 + 10))
                until_seen(got, sent[life * 10 + 1])
                process.kill()
        assert once(host, got.url).returncode == 0
    assert sorted(set(got.indexes)) == sent


def test_purged_too_early(host: Host, client: AuditClient) -> None:
    """A target that was away while lines were purged is told how many it missed, and so is the operator."""
    writer = start(host, "--max-segment-bytes", "2000")
    with stream_syslog() as got:
        sent = append(client, range(5))
        assert once(host, got.url).returncode == 0
        sent += append(client, range(5, 40))
        stop(writer)
        segments = sorted(host.log.glob("*.log"))
        for segment in segments[:3]:
            segment.unlink()
        first = int(segments[3].name[:12])
        done = once(host, got.url)
        assert done.returncode == 1
        assert f"GAP: {first - sent[4] - 2} lines, {sent[4] + 2} to {first - 1}, were purged" in done.stderr
        notice = got.messages[5]
        assert (notice.event, json.loads(notice.text)["record"]["next"]) == ("ship.gap", first)
        assert got.indexes == [*sent[:5], first, *(index for index in sent if index > first)]


def test_log_rolled_back_after_shipping(host: Host, client: AuditClient) -> None:
    """A log cut exactly behind a checkpoint, which verifies without an anchor, is found by who shipped more of it."""
    writer = start(host)
    with stream_syslog() as got:
        append(client, range(5))
        stop(writer)
        assert once(host, got.url).returncode == 0
        segment = max(host.log.glob("*.log"))
        segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-4]))
        assert host.verify().returncode == 0
        done = once(host, got.url)
        assert done.returncode == 1
        assert "GIVEN UP" in done.stderr
        assert "was cut or replaced" in done.stderr
        assert len(got.messages) == 5


def test_second_process(host: Host, client: AuditClient) -> None:
    """Two processes never share a cursor."""
    start(host)
    append(client, range(1))
    with stream_syslog() as got, following(host, got.url) as process:
        until("the first", lambda: got.indexes)
        other = once(host, got.url)
        assert other.returncode == 2
        assert "another process ships with this cursor" in other.stderr
        assert end(process)[0] == 0
