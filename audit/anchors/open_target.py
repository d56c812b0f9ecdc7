"""From a word on the command line to a store of notes."""

from pathlib import Path
from urllib.parse import urlsplit

from audit.anchors.file_store import NotesFile, NotesFolder
from audit.anchors.object_store import ObjectStore
from audit.anchors.s3_store import Retention, S3Store
from audit.anchors.target import Store, one_line
from audit.errors import AnchorFailed


def open_store(word: str, timeout: float, retention: Retention | None) -> Store:
    """The store that `word` names: a file, a folder (`…/`, or one that exists), or any URL of fsspec.

    Raises `AnchorFailed`, also for a URL with a password in it, and for retention where it cannot be had.
    """
    scheme, colon, rest = word.partition("://")
    if not colon or scheme == "file":
        path = Path(rest if colon else word)
        folder = word.endswith("/") or path.is_dir()
        return NotesFolder(path) if folder else NotesFile(path)
    if "@" in urlsplit(word).netloc and urlsplit(word).password:
        raise AnchorFailed(f"{scheme}://…: credentials belong in the environment, not on a command line")
    if scheme in ("s3", "s3a"):
        return S3Store(word, timeout, retention)
    return ObjectStore(one_line(word))
