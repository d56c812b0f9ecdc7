"""Notes in an S3 bucket, held by Object Lock: until a date nobody can delete or change them, with no key whatever.

Object Lock holds versions. Whoever may write to the bucket can still put another version, or a delete marker, in front
of a note that is held; the note stays behind it, so what is fetched is every version that there is.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from audit.anchors.object_store import ObjectStore
from audit.anchors.target import note_name, note_size
from audit.cosignature import MAX_NOTE
from audit.errors import AnchorFailed

COMPLIANCE, GOVERNANCE = "COMPLIANCE", "GOVERNANCE"
_SLACK = timedelta(hours=1)  # between the clocks of this host, which asks for a date, and of the store, which has it

_OBJECTS = MappingProxyType({"ContinuationToken": "NextContinuationToken"})
_VERSIONS = MappingProxyType({"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"})


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long a note is held, and whether a privileged user may end that (GOVERNANCE) or nobody (COMPLIANCE)."""

    days: int
    mode: str = COMPLIANCE


class S3Store(ObjectStore):
    """One prefix of a bucket."""

    def __init__(self, url: str, timeout: float, retention: Retention | None) -> None:
        """Each request has `timeout` seconds to connect and to answer, and is tried once: the caller tries again."""
        config = {"connect_timeout": timeout, "read_timeout": timeout, "retries": {"max_attempts": 0}}
        # A checksum is sent where S3 asks for one (Content-MD5, below); many other stores refuse the newer trailers.
        config |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
        # One request at a time: with more, a read asks for the size of the newest version first, whatever is wanted.
        super().__init__(url, config_kwargs=config, use_listings_cache=False, max_concurrency=1)
        self.files.retries = 1
        self._retention = retention
        self._bucket, _, self._below = self._prefix.partition("/")

    def create(self, origin: str, size: int, note: str) -> None:
        """As `Store.create`, with the retention that was asked for in the same request."""
        data = note.encode()
        checksum = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        asked: dict[str, object] = {"ContentMD5": checksum}
        if self._retention is not None:
            asked["ObjectLockMode"] = self._retention.mode
            asked["ObjectLockRetainUntilDate"] = datetime.now(UTC) + timedelta(days=self._retention.days)
        try:
            self.files.pipe_file(self.path(origin, size), data, mode="create", **asked)
        except OSError as error:
            if not isinstance(error, FileNotFoundError | PermissionError) and self.read(origin, size) is not None:
                raise FileExistsError(self.path(origin, size)) from error
            raise

    def confirm(self, origin: str, size: int) -> None:
        """Raise `AnchorFailed` unless Object Lock holds the note for about as long as was asked for, or longer."""
        if self._retention is None:
            return
        found = self._call("head_object", Key=self._key(origin, size))
        mode, until = found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")
        written = found["LastModified"]
        if mode not in (self._retention.mode, COMPLIANCE):
            raise AnchorFailed(f"Object Lock holds the note {mode or 'not at all'}, not in mode {self._retention.mode}")
        if until is None or until < written + timedelta(days=self._retention.days) - _SLACK:
            raise AnchorFailed(f"Object Lock holds the note until {until}, not for {self._retention.days} days")

    def newest(self, origin: str, after: int) -> str | None:
        """As `Store.newest`; only what is listed behind `after` is read, as there may be a note for each minute."""
        size, start = 0, self._key(origin, after)
        for page in self._pages("list_objects_v2", _OBJECTS, origin, StartAfter=start):
            size = max([size, *(found for row in page.get("Contents", ()) if (found := _size(row)) is not None)])
        return self.read(origin, size) if size > after else None

    def notes(self, origin: str) -> Iterator[tuple[int, str]]:
        """As `Store.notes`, with versions that others were put in front of."""
        versions: dict[int, list[tuple[str, str]]] = {}
        for page in self._pages("list_object_versions", _VERSIONS, origin):
            for row in page.get("Versions", ()):
                size = _size(row)
                if size is not None:
                    versions.setdefault(size, []).append((row["Key"], row["VersionId"]))
        for size in sorted(versions, reverse=True):
            for key, version in versions[size]:
                path = f"{self._bucket}/{key}"
                data = self.files.cat_file(path, version_id=None if version == "null" else version)
                yield size, data[:MAX_NOTE].decode("utf-8", "replace")

    def _pages(self, method: str, marks: Mapping[str, str], origin: str, **asked: object) -> Iterator[dict[str, Any]]:
        """Every page of a listing; `marks` are the arguments that ask for the next, and where the answer has them."""
        while True:
            page = self._call(method, Prefix=self._folder(origin), **asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked = {mark: page[source] for mark, source in marks.items() if source in page}

    def _call(self, method: str, **asked: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.files.call_s3(method, Bucket=self._bucket, **asked)
        return answer

    def _folder(self, origin: str) -> str:
        return f"{self._below}/{origin}/".lstrip("/")

    def _key(self, origin: str, size: int) -> str:
        return self._folder(origin) + note_name(size)


def _size(row: dict[str, Any]) -> int | None:
    return note_size(str(row["Key"]).rpartition("/")[2])
