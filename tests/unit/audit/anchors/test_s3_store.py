"""Notes under Object Lock, against a real S3 server: held, found behind what was put in front, and clear failures."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from harness.notes import notes_of

from audit.anchors.s3_store import GOVERNANCE, Retention, S3Store
from audit.anchors.target import Kept
from audit.errors import AnchorFailed, Tampered

Log = Any  # the class in this folder's conftest
NewLog = Callable[..., Any]
ORIGIN = "host-a/hangu"
ONE_DAY = Retention(1)


def anchored(bucket: str, log: Log, retention: Retention | None = ONE_DAY, timeout: float = 20.0) -> S3Store:
    """A store with the log's newest checkpoint in it."""
    store = S3Store(f"s3://{bucket}/anchors", timeout, retention)
    view = log.view()
    Kept(store).anchor(view, view.seen.note, 0)
    return store


def test_notes_are_kept(s3: Any, worm: str, log: Log) -> None:
    """Each checkpoint is one object under the origin, and comes back by its size and in order."""
    notes = []
    for _ in range(3):
        log.grow()
        notes.append(log.view().seen.note)
        store = anchored(worm, log)
    size = log.view().seen.size
    assert s3.head_object(Bucket=worm, Key=f"anchors/{ORIGIN}/{size:012d}.note")["ObjectLockMode"] == "COMPLIANCE"
    assert store.newest(ORIGIN, 0) == notes[-1]
    assert store.newest(ORIGIN, size) is None
    assert notes_of(store, ORIGIN) == notes


def test_bucket_without_prefix(worm: str, log: Log) -> None:
    """The whole bucket can be the target."""
    store = S3Store(f"s3://{worm}", 20.0, None)
    Kept(store).anchor(log.view(), log.view().seen.note, 0)
    assert notes_of(store, ORIGIN) == [log.view().seen.note]


def test_deletion_under_retention(s3: Any, worm: str, log: Log) -> None:
    """Nobody deletes a held version; a delete marker hides it from readers, not from who fetches anchors."""
    store = anchored(worm, log)
    (version,) = s3.list_object_versions(Bucket=worm)["Versions"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=worm, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_object(Bucket=worm, Key=version["Key"])
    assert store.read(ORIGIN, log.view().seen.size) is None
    assert notes_of(store, ORIGIN) == [log.view().seen.note]


def test_overwriting_is_refused(worm: str, log: Log) -> None:
    """A second note for a size is refused by the store itself, not only because it was looked for before."""
    store = anchored(worm, log)
    with pytest.raises(FileExistsError):
        store.create(ORIGIN, log.view().seen.size, "another")


def test_version_put_in_front(s3: Any, worm: str, log: Log, new_log: NewLog, tmp_path: Path) -> None:
    """A version that somebody puts in front of a note is noticed, and the note behind it is fetched still."""
    store = anchored(worm, log)
    view = log.view()
    key = f"anchors/{ORIGIN}/{view.seen.size:012d}.note"
    s3.put_object(Bucket=worm, Key=key, Body=b"nothing to see")
    with pytest.raises(AnchorFailed, match="something else than a checkpoint note"):
        Kept(store).anchor(view, view.seen.note, view.seen.size)
    forged = new_log(tmp_path / "forged")
    forged.grow(2, text="another story")
    s3.put_object(Bucket=worm, Key=key, Body=forged.view().seen.note.encode())
    with pytest.raises(Tampered, match="kept elsewhere"):
        Kept(store).anchor(view, view.seen.note, view.seen.size)
    assert view.seen.note in notes_of(store, ORIGIN)
    assert len(notes_of(store, ORIGIN)) == 3


def test_rolled_back_log_and_lost_state(worm: str, log: Log, tmp_path: Path) -> None:
    """A process that lost its memory learns from the bucket that the log was longer once."""
    short = log.copy(tmp_path / "short").view()
    log.open()
    log.grow(3)
    anchored(worm, log)
    with pytest.raises(Tampered, match="ends with"):
        Kept(S3Store(f"s3://{worm}/anchors", 20.0, None)).anchor(short, short.seen.note, 0)


def test_retention_is_checked(s3: Any, worm: str, log: Log) -> None:
    """A note that is there, but not held for as long as was asked for or not as strictly, is not enough."""
    store = anchored(worm, log, Retention(1, GOVERNANCE))
    size = log.view().seen.size
    with pytest.raises(AnchorFailed, match=r"until .*, not for 9 days"):
        S3Store(store.name, 20.0, Retention(9, GOVERNANCE)).confirm(ORIGIN, size)
    with pytest.raises(AnchorFailed, match="GOVERNANCE, not in mode COMPLIANCE"):
        S3Store(store.name, 20.0, Retention(1)).confirm(ORIGIN, size)
    log.grow()
    anchored(worm, log, None)
    with pytest.raises(AnchorFailed, match="not at all, not in mode COMPLIANCE"):
        S3Store(store.name, 20.0, Retention(1)).confirm(ORIGIN, log.view().seen.size)


def test_bucket_without_object_lock(s3: Any, log: Log) -> None:
    """Retention that the bucket cannot give is refused by the server, and that is said."""
    s3.create_bucket(Bucket="plain")
    try:
        with pytest.raises(AnchorFailed, match="ObjectLockConfiguration"):
            anchored("plain", log)
        anchored("plain", log, None)
    finally:
        s3.close()


def test_bucket_that_is_not_there(s3: Any, log: Log) -> None:
    """A missing bucket is a failure, and is not made."""
    with pytest.raises(AnchorFailed, match="bucket does not exist"):
        anchored("no-such-bucket", log)
    assert "no-such-bucket" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.close()


def test_unreachable_endpoint(worm: str, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody listens on is a failure at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(AnchorFailed, match="EndpointConnectionError"):
        anchored(worm, log)


def test_hanging_endpoint(worm: str, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing is a failure after the time-out, and after one attempt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(AnchorFailed, match="ReadTimeoutError"):
            anchored(worm, log, timeout=0.3)


def test_no_credentials(worm: str, log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without credentials the message says so."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AnchorFailed, match="Unable to locate credentials"):
        anchored(worm, log)


def test_wrong_credentials(worm: str, log: Log, s3_endpoint: str) -> None:
    """Credentials that the server refuses are a failure, and no secret stands in the message."""
    urllib3.request("POST", f"{s3_endpoint}/moto-api/reset-auth", body=b"0")
    try:
        with pytest.raises(AnchorFailed, match="PermissionError") as caught:
            anchored(worm, log)
    finally:
        urllib3.request("POST", f"{s3_endpoint}/moto-api/reset-auth", body=b"inf")
    assert "test-secret" not in str(caught.value)
