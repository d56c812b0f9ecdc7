"""audit/contents/textfiles.py: a text has a place only once it is durable."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.wait import until

from audit.contents import textfiles
from audit.contents.textfiles import Place, TextFiles
from audit.errors import ContentsUnavailable

DAY = 86_400.0


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., TextFiles]]:
    """Opens writers into one folder; each stands for a worker."""
    made: list[TextFiles] = []

    def opener(now: Callable[[], float] = lambda: 0.0) -> TextFiles:
        made.append(TextFiles(tmp_path, now))
        return made[-1]

    yield opener
    for files in made:
        files.close()


def _at(folder: Path, place: Place, length: int) -> bytes:
    return (folder / place.file).read_bytes()[place.offset : place.offset + length]


def test_texts_lie_one_behind_the_other(tmp_path: Path, opened: Callable[..., TextFiles]) -> None:
    """Each place is where its text lies; the file is private."""
    files = opened()
    places = [files.append(text) for text in (b"one", b"", b"three")]
    assert [_at(tmp_path, place, 5) for place in places] == [b"onethree"[:5], b"three", b"three"]
    assert (tmp_path / places[0].file).stat().st_mode & 0o777 == 0o600


def test_two_workers_have_a_file_each(opened: Callable[..., TextFiles]) -> None:
    """They need no lock between them."""
    assert opened().append(b"x").file != opened().append(b"x").file


def test_threads_do_not_write_into_each_others_texts(tmp_path: Path, opened: Callable[..., TextFiles]) -> None:
    """32 threads at once: every text is whole at its place."""
    files = opened()
    texts = [bytes([number]) * (number * 37 + 1) for number in range(200)]
    with ThreadPoolExecutor(32) as pool:
        places = list(pool.map(files.append, texts))
    assert [_at(tmp_path, place, len(text)) for place, text in zip(places, texts, strict=True)] == texts


def test_a_new_day_and_a_full_file_begin_a_new_one(
    opened: Callable[..., TextFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole files can so be removed when all in them is old."""
    now = [0.0]
    files = opened(lambda: now[0])
    first = files.append(b"x" * 10)
    now[0] = DAY
    second = files.append(b"x" * 10)
    assert (first.file[:8], second.file[:8]) == ("19700101", "19700102")
    monkeypatch.setattr(textfiles, "MAX_FILE", 15)
    assert files.append(b"x" * 10).file == second.file
    assert files.append(b"x").file not in (first.file, second.file)


def test_removed_file_is_not_written_on(tmp_path: Path, opened: Callable[..., TextFiles]) -> None:
    """A text in a file that nobody can find any more would be lost: a new file is begun (compare Vault #31718)."""
    files = opened()
    first = files.append(b"x")
    (tmp_path / first.file).unlink()
    second = files.append(b"y")
    assert second.file != first.file
    assert _at(tmp_path, second, 1) == b"y"


def test_file_that_another_wrote_to_is_left_alone(tmp_path: Path, opened: Callable[..., TextFiles]) -> None:
    """Its length is not what this process left: nothing of it is overwritten."""
    files = opened()
    first = files.append(b"x")
    with (tmp_path / first.file).open("ab") as stream:
        stream.write(b"foreign")
    assert files.append(b"y").file != first.file
    assert (tmp_path / first.file).read_bytes() == b"xforeign"


def test_full_disk(opened: Callable[..., TextFiles], monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that fits in part has no place; once there is room again, a new file takes texts."""
    files = opened()
    first = files.append(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda _descriptor, data, _offset: len(data) // 2)
        with pytest.raises(ContentsUnavailable, match="a part of a text only"):
            files.append(b"yyyy")
    assert files.append(b"z").file != first.file


def test_full_disk_is_not_littered(
    tmp_path: Path, opened: Callable[..., TextFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that are refused leave no files behind, or an outage would eat the disk's last inodes."""
    files = opened()

    def full(_descriptor: int, _data: bytes, _offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    for _ in range(3):
        with pytest.raises(ContentsUnavailable, match="No space left"):
            files.append(b"x")
    files.prepare()
    files.close()
    assert list(tmp_path.iterdir()) == []


def test_failed_sync_is_never_tried_again(
    tmp_path: Path, opened: Callable[..., TextFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every text that waited for it fails, and the file is given up: a second `fsync` would lie."""
    files = opened()
    first = files.append(b"x")
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(ContentsUnavailable, match="Input/output error"):
            files.append(b"y")
    assert len(calls) == 1
    assert files.append(b"z").file != first.file


def test_one_failed_sync_fails_all_that_wait_for_it(
    opened: Callable[..., TextFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel reports a lost page to one caller only; the others must not be told that they are safe."""
    files = opened()
    files.append(b"x")
    inside, go = threading.Event(), threading.Event()
    outcomes = iter([OSError(errno.EIO, "lost")])

    def once(descriptor: int) -> None:
        inside.set()
        assert go.wait(30)
        error = next(outcomes, None)
        if error is not None:
            raise error

    monkeypatch.setattr(os, "fdatasync", once)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(files.append, b"a")
        assert inside.wait(30)
        file = files._open
        assert file is not None
        two = pool.submit(files.append, b"b")
        until("the second text is written and waits for the sync", lambda: file._end == 3)
        go.set()
        for waiting in (one, two):
            assert isinstance(waiting.exception(30), ContentsUnavailable)


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Refused with the path."""
    files = TextFiles(tmp_path / "absent")
    with pytest.raises(ContentsUnavailable, match="absent"):
        files.prepare()
    with pytest.raises(ContentsUnavailable, match="absent"):
        files.append(b"x")
