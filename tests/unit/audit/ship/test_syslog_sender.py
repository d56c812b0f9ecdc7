"""Syslog senders against strict receivers on real sockets: UDP, TCP and TLS."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from harness.certificates import Certificates, issue
from harness.receivers import stream_syslog, udp_syslog
from harness.records import SAMPLES, record
from harness.wait import until

from audit.errors import ShippingFailed
from audit.ship.sender import NotTaken, Trust
from audit.ship.syslog_sender import StreamSyslog, UdpSyslog
from audit.ship.tls import tls_context

RECORDS = [record(fields, index) for index, fields in enumerate(SAMPLES)]
INDEXES = list(range(len(SAMPLES)))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A test CA and a certificate for localhost."""
    return issue(tmp_path_factory.mktemp("ca"))


def test_udp() -> None:
    """Each record is a datagram of its own."""
    with udp_syslog() as got:
        UdpSyslog("127.0.0.1", got.port, "jsonl").send(RECORDS)
        until("all datagrams", lambda: len(got.messages) == len(RECORDS))
    assert got.indexes == INDEXES
    assert not got.problems


def test_udp_message_of_any_size() -> None:
    """A datagram is never longer than the transport or the receiver can take."""
    long = record({"event": "x", "text": "医" * 100_000})
    with udp_syslog() as got:
        UdpSyslog("127.0.0.1", got.port, "jsonl").send([long])
        UdpSyslog("127.0.0.1", got.port, "jsonl", 1_000_000).send([long])
        until("both datagrams", lambda: len(got.messages) == 2)
    assert [message.size for message in got.messages] == pytest.approx([2048, 65_507], abs=2)


def test_tcp() -> None:
    """All records of a batch arrive in order, octet-counted, on one connection that ends in order."""
    with stream_syslog() as got:
        StreamSyslog("localhost", got.port, "jsonl").send(RECORDS)
        assert got.indexes == INDEXES  # `send` returns only when the receiver has read them all
    assert got.connections == 1
    assert not got.problems


def test_tls(certificates: Certificates) -> None:
    """The same over TLS, with the receiver's certificate checked."""
    with stream_syslog(context=certificates.server_context()) as got:
        sender = StreamSyslog("localhost", got.port, "cef", context=tls_context(Trust(certificates.ca_file)))
        sender.send(RECORDS)
        assert got.indexes == INDEXES
    assert not got.problems


def test_tls_client_certificate(certificates: Certificates) -> None:
    """A receiver that asks who we are is told."""
    context = certificates.server_context()
    context.load_verify_locations(certificates.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    with stream_syslog(context=context) as got:
        trusting = Trust(certificates.ca_file, certificates.server_file)
        StreamSyslog("localhost", got.port, "jsonl", context=tls_context(trusting)).send(RECORDS)
        assert got.indexes == INDEXES
        anonymous = tls_context(Trust(certificates.ca_file))
        with pytest.raises(NotTaken):
            StreamSyslog("localhost", got.port, "jsonl", context=anonymous).send(RECORDS)
        assert got.indexes == INDEXES


@pytest.mark.parametrize("name", ["another CA", "another host"])
def test_impostor(name: str, tmp_path: Path, certificates: Certificates) -> None:
    """A receiver that cannot show a certificate for its name, of a CA that we trust, gets nothing."""
    impostor = issue(tmp_path, "localhost" if name == "another CA" else "other.example")
    trusted = certificates.ca_file if name == "another CA" else impostor.ca_file
    with stream_syslog(context=impostor.server_context()) as got:
        with pytest.raises(NotTaken, match=r"(?i)certificate"):
            StreamSyslog("localhost", got.port, "jsonl", context=tls_context(Trust(trusted))).send(RECORDS)
        assert not got.messages


def test_plain_receiver_in_the_place_of_tls(certificates: Certificates) -> None:
    """A receiver without TLS is not spoken to in the clear."""
    with stream_syslog() as got:
        with pytest.raises(NotTaken):
            StreamSyslog("localhost", got.port, "jsonl", context=tls_context(Trust(certificates.ca_file))).send(RECORDS)
        assert not got.messages


@pytest.mark.parametrize("secure", [False, True])
def test_receiver_dies_in_mid_stream(secure: bool, certificates: Certificates) -> None:
    """A batch whose receiver went away before it had read everything was not taken."""
    context = certificates.server_context() if secure else None
    many = [record({"event": "x", "text": "x" * 7000}, index) for index in range(300)]
    with stream_syslog(context=context, drop_after=lambda got: len(got.messages) == 2) as got:
        trust = tls_context(Trust(certificates.ca_file)) if secure else None
        with pytest.raises(NotTaken):
            StreamSyslog("localhost", got.port, "jsonl", context=trust).send(many)
    assert got.indexes == [0, 1]


def test_receiver_closes_before_the_batch_came() -> None:
    """A receiver that goes away in order, but before it has read the batch, did not take it: every time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def turn_away() -> None:
            for _ in range(40):
                listener.accept()[0].close()

        thread = threading.Thread(target=turn_away, daemon=True)
        thread.start()
        for _ in range(40):
            with pytest.raises(NotTaken):
                StreamSyslog("127.0.0.1", port, "jsonl").send(RECORDS)
        thread.join(10)


@pytest.mark.parametrize("secure", [False, True])
def test_receiver_never_answers(secure: bool, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that takes the connection and then hangs costs a bounded time, and took nothing."""
    monkeypatch.setattr("audit.ship.syslog_sender._TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        trust = tls_context(Trust(certificates.ca_file)) if secure else None
        with pytest.raises(NotTaken, match="no answer"):
            StreamSyslog("localhost", listener.getsockname()[1], "jsonl", context=trust).send(RECORDS)


def test_nobody_listens() -> None:
    """A refused connection is a reason, not a stack trace."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotTaken, match="refused"):
        StreamSyslog("127.0.0.1", port, "jsonl").send(RECORDS)
    with pytest.raises(NotTaken):
        StreamSyslog("no.such.host.invalid", 514, "jsonl").send(RECORDS)
    with pytest.raises(NotTaken):
        UdpSyslog("no.such.host.invalid", 514, "jsonl").send(RECORDS)


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_bad_certificate_files(content: bytes | None, tmp_path: Path) -> None:
    """A CA or certificate file that is no good is named before anything is sent."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    for trust in (Trust(file), Trust(None, file)):
        with pytest.raises(ShippingFailed, match=r"ca\.pem"):
            tls_context(trust)
