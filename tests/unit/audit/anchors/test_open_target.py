"""Words on the command line that name stores."""

from pathlib import Path

import pytest

from audit.anchors.file_store import NotesFile, NotesFolder
from audit.anchors.object_store import ObjectStore
from audit.anchors.open_target import open_store
from audit.anchors.s3_store import Retention, S3Store
from audit.errors import AnchorFailed


def test_kinds_of_targets(tmp_path: Path) -> None:
    """A path is a file, or a folder where it ends in a slash or is one; a URL goes to its file system."""
    (tmp_path / "folder").mkdir()
    kinds = {
        f"{tmp_path}/file": NotesFile,
        f"file://{tmp_path}/file": NotesFile,
        f"{tmp_path}/folder": NotesFolder,
        f"{tmp_path}/other/": NotesFolder,
        f"file://{tmp_path}/other/": NotesFolder,
        f"local://{tmp_path}/file": NotesFile,
        "memory://anchors": ObjectStore,
        "s3://bucket/prefix": S3Store,
    }
    for word, kind in kinds.items():
        assert type(open_store(word, 1.0, None)) is kind


@pytest.mark.parametrize("word", ["s3://key:hunter2@bucket/prefix", "sftp://me:hunter2@host/x", "s3://a:hunter2@[x"])
def test_password_on_the_command_line(word: str) -> None:
    """Credentials in a URL are refused, and not repeated."""
    with pytest.raises(AnchorFailed, match="credentials belong in the environment") as caught:
        open_store(word, 1.0, None)
    assert "hunter2" not in str(caught.value)


def test_url_that_is_none() -> None:
    """Nonsense is refused by whichever file system it names, in one kind of failure."""
    for word in ("://x", "[://x", "no such scheme://[", "simplecache::s3://bucket", "S3://bucket"):
        with pytest.raises(AnchorFailed):
            open_store(word, 1.0, None)


def test_retention_beside_other_targets(tmp_path: Path) -> None:
    """Retention is asked of the S3 targets; others beside them are opened as always."""
    assert isinstance(open_store("s3://bucket", 1.0, Retention(1)), S3Store)
    assert isinstance(open_store(f"{tmp_path}/file", 1.0, Retention(1)), NotesFile)
