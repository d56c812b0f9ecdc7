"""Notes as objects of any fsspec file system (`s3://bucket/prefix`, `sftp://host/folder`, …): one object a checkpoint.

fsspec and the file system behind it come with the extra `anchors`; credentials are theirs to find (environment,
instance role, `~/.config/fsspec`), so that none stands on a command line. Buckets with Object Lock have a class of
their own.
"""

from collections.abc import Iterator
from typing import Any

from audit.anchors.target import note_name, note_size
from audit.cosignature import MAX_NOTE
from audit.errors import AnchorFailed


class ObjectStore:
    """One prefix of a file system."""

    def __init__(self, url: str, **options: object) -> None:
        """`options` go to the file system. Raises `AnchorFailed` where its library is missing or refuses the URL."""
        self.name = url
        self.files, self._prefix = _open(url, options)

    def read(self, origin: str, size: int) -> str | None:
        """As `Store.read`."""
        try:
            return str(self.files.cat_file(self.path(origin, size))[:MAX_NOTE].decode("utf-8", "replace"))
        except FileNotFoundError:
            return None

    def create(self, origin: str, size: int, note: str) -> None:
        """As `Store.create`; between two processes only where the file system knows exclusive creation."""
        path = self.path(origin, size)
        self.files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.files.pipe_file(path, note.encode(), mode="create")

    def confirm(self, origin: str, size: int) -> None:
        """A file system without Object Lock promises nothing."""

    def newest(self, origin: str, after: int) -> str | None:
        """As `Store.newest`."""
        size = max(self.sizes(origin), default=0)
        return self.read(origin, size) if size > after else None

    def notes(self, origin: str) -> Iterator[tuple[int, str]]:
        """As `Store.notes`."""
        for size in sorted(self.sizes(origin), reverse=True):
            note = self.read(origin, size)
            if note is not None:
                yield size, note

    def sizes(self, origin: str) -> Iterator[int]:
        """The sizes of all notes of an origin."""
        try:
            names = self.files.ls(f"{self._prefix}/{origin}", detail=False)
        except FileNotFoundError:
            return
        for name in names:
            size = note_size(str(name).rpartition("/")[2])
            if size is not None:
                yield size

    def path(self, origin: str, size: int) -> str:
        """Where the note for this size is."""
        return f"{self._prefix}/{origin}/{note_name(size)}"


def _open(url: str, options: dict[str, object]) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise AnchorFailed(f"{url}: fsspec is not installed: pip install 'hangu[anchors]'") from error
    try:
        files, prefix = url_to_fs(url, skip_instance_cache=True, **options)
    except ImportError as error:
        raise AnchorFailed(f"{url}: {error}: pip install 'hangu[anchors]'") from error
    except Exception as error:
        raise AnchorFailed(f"{url}: {type(error).__name__}: {error}") from error
    return files, str(prefix).rstrip("/")
