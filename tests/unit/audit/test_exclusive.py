"""The two holds on a log directory: one for its writer, one for who tidies up, and neither in the other's way."""

import os
from pathlib import Path

import pytest

from audit.errors import LogBusy
from audit.exclusive import lock_for_writing, tidying


def test_one_writer(tmp_path: Path) -> None:
    """A second writer is refused until the first lets go."""
    first = lock_for_writing(tmp_path)
    with pytest.raises(LogBusy, match="another writer"):
        lock_for_writing(tmp_path)
    os.close(first)
    os.close(lock_for_writing(tmp_path))


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second one that tidies up is refused until the first is through, also where that failed."""
    with tidying(tmp_path), pytest.raises(LogBusy, match="just now"), tidying(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), tidying(tmp_path):
        raise ZeroDivisionError
    with tidying(tmp_path):
        pass


def test_beside_each_other(tmp_path: Path) -> None:
    """The writer's hold does not keep an archiver out, nor the other way round."""
    with tidying(tmp_path):
        writer = lock_for_writing(tmp_path)
    with tidying(tmp_path):
        os.close(writer)
    assert [path.name for path in tmp_path.iterdir()] == ["writer.lock"]
