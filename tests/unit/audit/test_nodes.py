"""Nodes of a log's tree as its segments give them, and how little is read for them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from audit import nodes
from audit.directory import open_segment, segments
from audit.errors import NotProvable, Tampered
from audit.journal import Journal, Rotation
from audit.merkle import Tree, leaf_hash
from audit.nodes import begun, read_header, read_nodes
from audit.proof import Leaves, inclusion_spans

NOW = 1_795_420_800_000_000_000


@pytest.fixture
def log(tmp_path: Path, open_journal: Callable[..., Journal]) -> Path:
    """Some 200 lines in segments of different lengths."""
    journal = open_journal(rotation=Rotation(max_bytes=900))
    for commit in range(60):
        journal.append([b'{"n":%d}' % n for n in range(commit % 5 + 1)], NOW + commit * 1000)
    journal.close(NOW + 100_000)
    return tmp_path / "log"


def all_leaves(log: Path) -> Leaves:
    """The leaf hashes of the whole log, read in the simplest way."""
    lines = b"".join(file.read_bytes() for file in sorted(log.glob("*.log"))).splitlines()
    return Leaves(Tree(), [leaf_hash(line) for line in lines])


def test_every_node_of_every_path(log: Path) -> None:
    """Each node that any proof can need has the hash that all leaves give."""
    leaves = all_leaves(log)
    names = segments(log)
    assert len(names) > 10
    for size in (leaves.size, leaves.size - 1, 128, 65, 2):
        spans = {span for index in range(size) for span in inclusion_spans(index, size)} | {(0, size)}
        found = read_nodes(log, names, spans)
        assert found == {span: leaves.root(*span) for span in spans}


def test_few_segments_are_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof in a log of s segments reads about log2(s) of them, at most one for each node of the proof."""
    opened: list[str] = []

    @contextmanager
    def counted(directory: Path, name: str) -> Iterator[BinaryIO]:
        opened.append(name)
        with open_segment(directory, name) as stream:
            yield stream

    monkeypatch.setattr(nodes, "open_segment", counted)
    names = segments(log)
    size = all_leaves(log).size
    for index in range(0, size, 7):
        opened.clear()
        read_nodes(log, names, inclusion_spans(index, size))
        assert len(opened) <= len(names).bit_length() + 2
        assert len(opened) == len(set(opened))


def test_purged_lines(log: Path) -> None:
    """A node over lines that are gone is refused by name; one that a later `hdr` holds is not missed."""
    leaves, names = all_leaves(log), segments(log)
    kept = int(names[8][:12])
    index = kept + 3
    spans = inclusion_spans(index, leaves.size)
    assert read_nodes(log, names[8:], spans) == {span: leaves.root(*span) for span in spans}
    with pytest.raises(NotProvable, match="were purged"):
        read_nodes(log, names[8:], [(2, 3)])


def test_lines_missing_at_the_end(log: Path) -> None:
    """A segment that ends before the node does gives an error and no hash."""
    names, size = segments(log), all_leaves(log).size
    with pytest.raises(Tampered, match=f"line {size} of the log is missing"):
        read_nodes(log, names, [(size - 1, size + 1)])


@pytest.mark.parametrize("first", [b"", b"garbage\n", b'{"i":0,"k":"rec","r":{},"t":"2026-11-23T08:00:00.000000Z"}\n'])
def test_segment_without_a_header(log: Path, first: bytes) -> None:
    """A segment whose first line is no `hdr` is named as the bad one."""
    name = segments(log)[0]
    (log / name).write_bytes(first)
    with pytest.raises(Tampered, match=f"{name}:1"):
        read_header(log, name)


def test_header_of_another_place(log: Path) -> None:
    """The `hdr` of another segment under this segment's name is refused: its index is another."""
    first, second, *_ = segments(log)
    (log / first).write_bytes((log / second).read_bytes())
    with pytest.raises(Tampered, match=f"{first}:1"):
        read_header(log, first)


def test_segment_that_has_not_begun(log: Path) -> None:
    """The newest segment counts once its first line is whole, and not before."""
    names = segments(log)
    assert list(begun(log, names)) == names
    (log / "000000009999.log").write_bytes(b'{"i":9999,"k":"hd')
    assert list(begun(log, segments(log))) == names
    assert list(begun(log, [])) == []
