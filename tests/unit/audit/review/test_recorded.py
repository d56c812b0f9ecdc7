"""A read is on record before anything is shown, or nothing is shown."""

import argparse
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from audit.client import AuditClient, Receipt
from audit.digests import Digests
from audit.errors import AuditUnavailable, RecordRefused
from audit.review.recorded import VARIABLE, concealed, configure, record_read


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What writers were given: the socket and the record. A socket that is called `dead` has no writer."""
    found: list[tuple[str, bytes]] = []

    def append(client: AuditClient, body: bytes) -> Receipt:
        if "dead" in str(client._path):
            raise AuditUnavailable("no answer in time")
        found.append((str(client._path), body))
        return Receipt("host-a/hangu", len(found))

    monkeypatch.setattr(AuditClient, "append", append)
    monkeypatch.delenv(VARIABLE, raising=False)
    return found


def options(*arguments: str, **more: Any) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(arguments, argparse.Namespace(**{"directory": Path("/logs/a"), **more}))


def test_the_record_says_who_read_what(taken: list[tuple[str, bytes]]) -> None:
    """User, command, filters, log and how much was found, canonical, to the writer of that log."""
    record_read(options(), "query", {"subject": ["李雷"]}, results=3)
    user = pwd.getpwuid(os.getuid()).pw_name
    body = (
        '{"command":"query","event":"audit.read","filters":{"subject":["李雷"]},"logs":["/logs/a"],"results":3,'
        f'"uid":{os.getuid()},"user":"{user}"}}'
    )
    assert taken == [("/logs/a/writer.sock", body.encode())]


def test_the_socket_that_is_named(taken: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """The option comes before the environment, and that before the log's directory."""
    monkeypatch.setenv(VARIABLE, "/run/env.sock")
    record_read(options("--socket", "/run/option.sock"), "show", {})
    record_read(options(), "show", {})
    assert [socket for socket, _ in taken] == ["/run/option.sock", "/run/env.sock"]


def test_every_log_that_is_read_has_the_record(taken: list[tuple[str, bytes]]) -> None:
    """Of several logs each writer is told, once; a socket that is named gets one record for all."""
    several = {"directories": [Path("/logs/a"), Path("/logs/b"), Path("/logs/a")]}
    record_read(options(**several), "query", {})
    assert [socket for socket, _ in taken] == ["/logs/a/writer.sock", "/logs/b/writer.sock"]
    assert b'"logs":["/logs/a","/logs/b"]' in taken[1][1]
    record_read(options("--socket", "/run/s", **several), "query", {})
    assert len(taken) == 3


def test_one_writer_of_several_is_down(taken: list[tuple[str, bytes]]) -> None:
    """A read that one log would not know of is refused."""
    with pytest.raises(AuditUnavailable, match=r"/logs/dead/writer\.sock.*nothing is shown"):
        record_read(options(directories=[Path("/logs/a"), Path("/logs/dead")]), "query", {})


def test_no_writer(taken: list[tuple[str, bytes]]) -> None:
    """Without a writer the read is refused, and the message says what to do."""
    with pytest.raises(AuditUnavailable, match=r"nothing is shown: no answer in time.*--unrecorded"):
        record_read(options("--socket", "/run/dead"), "query", {})
    assert taken == []


def test_unrecorded_is_said_aloud(taken: list[tuple[str, bytes]], capsys: pytest.CaptureFixture[str]) -> None:
    """A copy of a log can be read, and whoever sees the output knows that it was not recorded."""
    record_read(options("--unrecorded", "--socket", "/run/dead"), "query", {})
    assert taken == []
    assert capsys.readouterr().err == "audit query: this read is NOT recorded\n"


def test_filters_without_a_place_in_a_record(taken: list[tuple[str, bytes]]) -> None:
    """What cannot be recorded is not read."""
    with pytest.raises(RecordRefused, match="cannot be recorded"):
        record_read(options(), "query", {"subject": ["\ud800"]})
    assert taken == []


def test_what_was_searched_for_is_not_recorded_in_clear() -> None:
    """Of a text or value the record has the length, and digests under the keys at hand that confirm a guess."""
    digests = Digests(b"k" * 32)
    assert concealed("4111 1111") == {"chars": 9}
    found = concealed("4111 1111", [digests])
    assert found == {"chars": 9, "hmacs": [{"hmac": digests.withheld("41111111"), "key": digests.id}]}
    assert "4111" not in str(found["chars"])
