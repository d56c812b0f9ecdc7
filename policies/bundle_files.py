"""The files of a bundle: read once, without following links, and summed up in one digest."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from policies.problem import Location, Problems, did_you_mean, quoted
from policies.source import MAX_BYTES

NAMES: Final = (
    "bundle.yaml",
    "model.conf",
    "policy.csv",
    "identity.yaml",
    "filters.yaml",
    "limits.yaml",
    "network.yaml",
    "audit.yaml",
)
TESTS: Final = "tests"
_MAX_TEST_FILES: Final = 100
_TEST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.yaml")
_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO must not make the reader wait


def read_files(directory: Path, problems: Problems) -> dict[str, bytes]:
    """Contents by path relative to the bundle. Whatever is missing, unknown, linked or too large becomes a problem."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        problems.add(Location("", 1, 1), f"cannot open the bundle: {_reason(error)}")
        return {}
    try:
        found = _read_known(handle, problems)
        for name in NAMES:
            if name not in found:
                problems.add(Location(name, 1, 1), "file is missing")
        return found
    finally:
        os.close(handle)


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256, in hex, over one line `path TAB size TAB sha256 LF` per file, sorted by path as UTF-8 bytes.

    The first line is `hangu-bundle-v1`, so that the sum can never be taken for one of another format.
    """
    total = hashlib.sha256(b"hangu-bundle-v1\n")
    for path in sorted(files, key=str.encode):
        content = files[path]
        total.update(f"{path}\t{len(content)}\t{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def _read_known(handle: int, problems: Problems) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name in sorted(os.listdir(handle)):
        if name == TESTS:
            _read_tests(handle, found, problems)
        elif name in NAMES:
            _read_into(found, handle, name, name, problems)
        else:
            hint = did_you_mean(name, [*(known for known in NAMES if known not in found), TESTS])
            problems.add(Location("", 1, 1), f"unknown file {quoted(name)}{hint}")
    return found


def _read_tests(parent: int, found: dict[str, bytes], problems: Problems) -> None:
    try:
        handle = os.open(TESTS, os.O_DIRECTORY | _OPEN, dir_fd=parent)
    except OSError as error:
        problems.add(Location(TESTS, 1, 1), f"cannot read: {_reason(error)}")
        return
    try:
        names = sorted(os.listdir(handle))  # noqa: PTH208 - a Path cannot list an open directory
        if len(names) > _MAX_TEST_FILES:
            problems.add(Location(TESTS, 1, 1), f"more than {_MAX_TEST_FILES} files")
        for name in names[:_MAX_TEST_FILES]:
            if _TEST_NAME.fullmatch(name):
                _read_into(found, handle, name, f"{TESTS}/{name}", problems)
            else:
                problems.add(Location(TESTS, 1, 1), f"unknown file {quoted(name)}; tests are named `*.yaml`")
    finally:
        os.close(handle)


def _read_into(found: dict[str, bytes], parent: int, name: str, path: str, problems: Problems) -> None:
    found[path] = b""  # seen; an unreadable file is not also missing
    try:
        handle = os.open(name, _OPEN, dir_fd=parent)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                found[path] = _read(handle)
            else:
                problems.add(Location(path, 1, 1), "not a plain file")
        finally:
            os.close(handle)
    except OSError as error:
        problems.add(Location(path, 1, 1), f"cannot read: {_reason(error)}")


def _read(handle: int) -> bytes:
    """The file's content, or one byte more than any file may have; that is reported where the text is decoded."""
    pieces: list[bytes] = []
    left = MAX_BYTES + 1
    while left and (piece := os.read(handle, left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        links = "; symbolic links are not followed" if error.errno in (errno.ELOOP, errno.EMLINK) else ""
        return os.strerror(error.errno).lower() + links
    return "not a path"
