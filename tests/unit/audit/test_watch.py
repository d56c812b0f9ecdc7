"""The watch over sealed segments: what others do to the directory, and what the writer and its tools do to it."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.wait import until

from audit.storage import Segment
from audit.watch import Watch

FIRST, SECOND, OPEN = "000000000000.log", "000000000009.log", "000000000020.log"
LATER_NS = 1 << 62  # the file system's clock has moved on: what was seen is all there was


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """A watch over two sealed segments and an open one, as a writer makes them."""
    watch = Watch(tmp_path)
    for name in (FIRST, SECOND, OPEN):
        watch.opened(name)
        segment = Segment(tmp_path / name)
        segment.append(b"line\n")
        segment.close()
        if name != OPEN:
            watch.sealed(name, segment.stamp)
    watch.check(LATER_NS)
    probe, changed = tmp_path.parent / "probe", tmp_path.stat().st_mtime_ns
    until("a change now has another time", lambda: probe.write_bytes(b"x") and probe.stat().st_mtime_ns > changed)
    return watch


def archive(path: Path) -> None:
    """What `audit archive` does: the archive appears whole, then the segment goes."""
    with gzip.open(path.parent / (path.name + ".gz"), "wb") as stream:
        stream.write(path.read_bytes())
    path.unlink()


def replace(path: Path) -> None:
    """The same bytes in another file."""
    data = path.read_bytes()
    spare = path.parent.parent / "spare"
    spare.write_bytes(data)
    spare.replace(path)


ATTACKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (Path.unlink, "the sealed segment 000000000000.log was removed"),
    "renamed": (lambda path: path.rename(path.with_name("000000000005.log")), "000000000000.log was removed"),
    "replaced": (replace, "the sealed segment 000000000000.log was replaced"),
    "foreign file": (lambda path: path.with_name("notes.txt").write_text("x"), "notes.txt: does not belong"),
    "planted segment": (lambda path: path.with_name("000000000005.log").write_text("x"), "000000000005.log is not"),
    "planted archive": (lambda path: path.with_name("000000000005.log.gz").write_text("x"), "000000000005.log.gz is"),
    "link": (lambda path: path.with_name("000000000005.log").symlink_to(path), "000000000005.log: does not belong"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_directory_changed(name: str, watch: Watch, tmp_path: Path) -> None:
    """A sealed segment that goes, moves or turns into another, and a file that comes, are noticed at the next look."""
    attack, message = ATTACKS[name]
    inside = tmp_path / FIRST
    attack(inside)
    with pytest.raises(OSError, match=message):
        watch.check(0)


def test_content_changed(watch: Watch, tmp_path: Path) -> None:
    """A sealed segment that is cut or written to changes no directory; the full look finds it."""
    os.truncate(tmp_path / SECOND, 3)
    watch.check(LATER_NS)
    with pytest.raises(OSError, match=r"000000000009\.log was replaced or written to"):
        watch.check_segments()


def test_archived(watch: Watch, tmp_path: Path) -> None:
    """A segment may become its archive while the writer runs; the archive is then watched like the segment."""
    archive(tmp_path / FIRST)
    watch.check(0)
    watch.check_segments()
    (tmp_path / (FIRST + ".gz")).unlink()
    with pytest.raises(OSError, match=r"000000000000\.log\.gz was removed"):
        watch.check(0)


def test_archive_beside_its_segment(watch: Watch, tmp_path: Path) -> None:
    """Both may be there while the archiver works, or after it was cut short and begins again."""
    for attempt in (b"first", b"second"):
        (tmp_path / (FIRST + ".gz")).write_bytes(attempt)
        watch.check(0)


@pytest.mark.parametrize("form", [FIRST, FIRST + ".gz"])
def test_purged(form: str, watch: Watch, tmp_path: Path) -> None:
    """What the writer itself removes is not missed, archived or not."""
    if form.endswith(".gz"):
        archive(tmp_path / FIRST)
        watch.check(0)
    (tmp_path / form).unlink()
    watch.removed(form)
    watch.check(0)


def test_archived_and_purged_at_once(watch: Watch, tmp_path: Path) -> None:
    """A segment that was archived since the last look goes by another name than the watch knew."""
    archive(tmp_path / FIRST)
    (tmp_path / (FIRST + ".gz")).unlink()
    watch.removed(FIRST + ".gz")
    watch.check(0)


def test_unchanged_directory_is_not_listed(watch: Watch, tmp_path: Path) -> None:
    """As long as the directory stands still nothing is listed, so a commit costs one system call here."""
    before = tmp_path.stat()
    (tmp_path / "foreign").write_bytes(b"")
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))  # which an attacker can do, and the docs say so
    watch.check(LATER_NS)
    with pytest.raises(OSError, match="foreign"):
        watch.check_segments()


def test_change_within_one_tick(watch: Watch, tmp_path: Path) -> None:
    """A directory that has changed just now is looked at again: its clock may hide a second change."""
    (tmp_path / (FIRST + ".gz")).write_bytes(b"")
    watch.check(tmp_path.stat().st_mtime_ns)
    seen = tmp_path.stat()
    (tmp_path / "foreign").write_bytes(b"")
    os.utime(tmp_path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    with pytest.raises(OSError, match="foreign"):
        watch.check(seen.st_mtime_ns)
