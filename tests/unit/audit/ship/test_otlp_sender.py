"""The OTLP sender against a receiver that parses with the protocol's own definitions."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from harness.certificates import issue
from harness.receivers import Otlp, otlp_receiver
from harness.records import SAMPLES, record
from urllib3 import Timeout

from audit.errors import ShippingFailed
from audit.export.record import Record
from audit.ship import otlp_sender
from audit.ship.otlp_sender import OtlpHttp, environment_headers
from audit.ship.sender import NotTaken, Refused, Trust

RECORDS = [record(fields, index) for index, fields in enumerate(SAMPLES)]
INDEXES = list(range(len(SAMPLES)))
REJECTED = b'{"partialSuccess":{"rejectedLogRecords":"%b"}}'


def sent(got: Otlp, records: list[Record] = RECORDS, **headers: str) -> str:
    """Send to the receiver and let go of the connection."""
    sender = OtlpHttp(f"http://localhost:{got.port}/v1/logs", Trust(), headers)
    try:
        return sender.send(records)
    finally:
        sender.close()


def test_taken() -> None:
    """All records arrive in order, as gzip, with the headers that were asked for, marked as not verified."""
    with otlp_receiver() as got:
        assert sent(got, authorization="Bearer x") == ""
    assert got.indexes == INDEXES
    assert not got.problems
    assert (got.seen[0]["authorization"], got.seen[0]["content-encoding"]) == ("Bearer x", "gzip")
    resource = got.requests[0].resource_logs[0].resource
    assert {a.key: a.value.bool_value for a in resource.attributes}["hangu.verified"] is False


def test_large_batches_are_several_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request grows beyond what receivers take; together they hold every record once."""
    monkeypatch.setattr(otlp_sender, "_REQUEST_BYTES", 900)
    with otlp_receiver() as got:
        sent(got)
    assert len(got.requests) > 2
    assert got.indexes == INDEXES


def test_partial_success() -> None:
    """What the receiver rejected is said, and not sent again: the protocol forbids it."""
    body = b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}'
    with otlp_receiver() as got:
        got.answers = [(200, {}, body)]
        assert sent(got) == "the receiver rejected 2 records: too old"
        got.answers = [(200, {}, b'{"partialSuccess":{}}')]
        assert sent(got) == ""
        for odd in (
            b"",
            b"[]",
            b"not json",
            b'{"partialSuccess":7}',
            *(REJECTED % n for n in (b"[]", b"1e400", b"9" * 5000)),
        ):
            got.answers = [(200, {}, odd)]
            assert sent(got) == ""


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504, 302, 204])
def test_not_now(status: int) -> None:
    """Every answer that is not about the records leaves them with us."""
    with otlp_receiver() as got:
        got.answers = [(status, {"Location": "http://localhost/elsewhere"}, b"")]
        with pytest.raises(NotTaken, match=f"HTTP {status}") as raised:
            sent(got)
        assert not isinstance(raised.value, Refused)
        assert raised.value.retry_after is None
        assert len(got.seen) == 1  # no redirect is followed


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_for_good(status: int) -> None:
    """An answer about the records themselves is told apart."""
    with otlp_receiver() as got:
        got.answers = [(status, {}, b"")]
        with pytest.raises(Refused):
            sent(got)


def test_retry_after() -> None:
    """Both forms of the header are heeded; another text is none."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for value, low, high in (("7", 7, 7), (later, 60, 90), ("0", 0, 0), ("Mon, 23 Nov 2020 08:00:00 GMT", 0, 0)):
        with otlp_receiver() as got:
            got.answers = [(503, {"Retry-After": value}, b"")]
            with pytest.raises(NotTaken) as raised:
                sent(got)
            assert raised.value.retry_after is not None
            assert low <= raised.value.retry_after <= high
    for odd in ("soon", "-1", "1.5", "²", "Mon, 01 Jan 99999999999 00:00:00 GMT", f"{later[:-3]}+99999999999999"):
        assert otlp_sender._retry_after(odd) is None


def test_endless_answer() -> None:
    """A receiver that answers without end is read so far and no further."""
    with otlp_receiver() as got:
        got.answers = [(200, {}, b" " * 5_000_000)]
        assert sent(got) == ""


def test_packed_answer() -> None:
    """An answer is never unpacked: none was asked for, and it could be a bomb."""
    with otlp_receiver() as got:
        got.answers = [(200, {"Content-Encoding": "gzip"}, b"not gzip")]
        assert sent(got) == ""
    assert got.indexes == INDEXES


def test_tls(tmp_path: Path) -> None:
    """Over https the receiver's certificate is checked: the right CA is believed, another is not."""
    good, other = issue(tmp_path / "good"), issue(tmp_path / "other")
    with otlp_receiver(good.server_context()) as got:
        sender = OtlpHttp(f"https://localhost:{got.port}/v1/logs", Trust(good.ca_file), {})
        sender.send(RECORDS)
        sender.close()
        assert got.indexes == INDEXES
        distrusting = OtlpHttp(f"https://localhost:{got.port}/v1/logs", Trust(other.ca_file), {})
        with pytest.raises(NotTaken, match=r"(?i)certificate"):
            distrusting.send(RECORDS)
        distrusting.close()
        assert got.indexes == INDEXES


def test_nobody_there() -> None:
    """A refused connection, an unknown host and a receiver that hangs up are reasons, not stack traces."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for host in (f"127.0.0.1:{port}", "no.such.host.invalid:4318"):
        sender = OtlpHttp(f"http://{host}/v1/logs", Trust(), {})
        with pytest.raises(NotTaken, match=r"^[^<>]*$"):
            sender.send(RECORDS)
        sender.close()


def test_receiver_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that takes the request and never answers costs a bounded time."""
    monkeypatch.setattr(otlp_sender, "_TIMEOUT", Timeout(connect=5.0, read=0.3))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = OtlpHttp(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/logs", Trust(), {})
        with pytest.raises(NotTaken, match="no answer in time"):
            sender.send(RECORDS)
        sender.close()


def test_headers_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials come from the variable that OpenTelemetry defines, never from a command line."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a%3Db, x-tenant=7,")
    assert environment_headers() == {"authorization": "Bearer a=b", "x-tenant": "7"}
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_HEADERS")
    assert environment_headers() == {}


@pytest.mark.parametrize("text", ["=x", "a=b%0D%0Ac: d", "é=1", "a=%E5%8C%BB"])
def test_header_injection(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value cannot add a header line."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", text)
    with pytest.raises(ShippingFailed, match="OTEL_EXPORTER_OTLP_HEADERS"):
        environment_headers()
