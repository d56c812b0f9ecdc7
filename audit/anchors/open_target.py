"""From a word on the command line to a store of notes."""

import re
from pathlib import Path

from audit.anchors.file_store import NotesFile, NotesFolder
from audit.anchors.object_store import ObjectStore
from audit.anchors.s3_store import Retention, S3Store
from audit.anchors.target import Store, one_line
from audit.errors import AnchorFailed

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


def open_store(word: str, timeout: float, retention: Retention | None) -> Store:
    """The store that `word` names: a file, a folder (`…/`, or one that exists), or any URL of fsspec.

    `retention` is for S3 alone. Raises `AnchorFailed`, also for a URL with a password in it.
    """
    path = local_path(word)
    if path is not None:
        return NotesFolder(path) if word.endswith("/") or path.is_dir() else NotesFile(path)
    scheme, _, rest = word.partition("://")
    if not _SCHEME.fullmatch(scheme):  # nor a chain of file systems, such as a cache in front of one
        raise AnchorFailed(f"`{one_line(scheme)}://` is no scheme of a file system")
    if ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise AnchorFailed(f"{one_line(scheme)}://…: credentials belong in the environment, not on a command line")
    if scheme in ("s3", "s3a"):
        return S3Store(word, timeout, retention)
    return ObjectStore(one_line(word))


def local_path(word: str) -> Path | None:
    """The file or folder of this machine that `word` names; None for a URL of anything else."""
    scheme, colon, rest = word.partition("://")
    if not colon:
        return Path(word)
    return Path(rest) if scheme in ("file", "local") else None
