"""Compresses old segments in place, beside a writer and readers at work.

No moment shows anything but whole files: the archive is written to a file without a name, synced, and only then linked
into the directory; the `.log` goes when that name is durable and what it holds was read back and compared. A crash
leaves the segment, or both forms of it, and the next run goes on from there.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from audit.directory import ARCHIVED, content, open_segment, segment_files
from audit.errors import ArchiveFailed, Tampered
from audit.exclusive import tidying
from audit.gzip_stream import deflated
from audit.storage import sync_directory

_KEPT = 2  # the newest is being written; the one before it is where a recovery may have to go on


def archivable(directory: Path, before_ns: int) -> list[str]:
    """The `.log` files that may be compressed: all but the newest, last written to before that time. Oldest first."""
    names = [name for name in segment_files(directory) if not name.endswith(ARCHIVED)]
    return [name for name in names[:-_KEPT] if (directory / name).lstat().st_mtime_ns < before_ns]


def archive(directory: Path, name: str) -> None:
    """Put `name`.gz in the place of the segment `name`.

    Raises `ArchiveFailed` where the file system cannot do it, `LogBusy` while a purge is at work, `Tampered` where an
    archive with other content is there, and `OSError` where the disk fails; the segment then stays as it is.
    """
    with tidying(directory):
        if not (directory / (name + ARCHIVED)).exists():
            _write_archive(directory, name)
            sync_directory(directory)
        if content(directory, name + ARCHIVED) != content(directory, name):
            raise Tampered(name + ARCHIVED, 0, f"not the bytes of {name}")
        (directory / name).unlink()
        sync_directory(directory)


def _write_archive(directory: Path, name: str) -> None:
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _nameless(directory) as target, open_segment(directory, name) as source:
            _write_synced(target, deflated(source))
            status = (directory / name).lstat()
            os.fchmod(target.fileno(), status.st_mode & 0o777)
            if os.geteuid() == 0:
                os.fchown(target.fileno(), status.st_uid, status.st_gid)
            # The name appears with all its bytes. `dst_dir_fd` makes this linkat(2), which follows the link in /proc.
            os.link(f"/proc/self/fd/{target.fileno()}", name + ARCHIVED, dst_dir_fd=place)
    finally:
        os.close(place)


def _nameless(directory: Path) -> BinaryIO:
    try:
        return os.fdopen(os.open(directory, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        raise ArchiveFailed(f"{directory}: the file system has no files without a name (O_TMPFILE): {error}") from error


def _write_synced(target: BinaryIO, pieces: Iterable[bytes]) -> None:
    target.writelines(pieces)
    target.flush()
    os.fsync(target.fileno())
