"""Nodes of a log's tree, computed from the few segments that are needed for them.

A `hdr` names the frontier of the tree before its segment. So a node is either in the frontier of the first segment
that starts behind it, or it is completed within the segment that holds its last line: each node costs the first line of
one segment or, at most, one pass over one segment. The proof of one line in a log of s segments reads about log2(s) of
them, and a pass keeps a frontier of the tree, never its leaves, so memory does not grow with the log.

Nothing is trusted here, neither frontiers nor lines: a proof that is made of these nodes must lead to a signed root.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from audit import line as lines
from audit.bodies import claims
from audit.directory import first_index, open_segment
from audit.errors import NotCanonical, NotProvable, Tampered
from audit.merkle import Tree, leaf_hash, node_hash
from audit.proof import Span


def read_nodes(directory: Path, names: Sequence[str], spans: Iterable[Span]) -> dict[Span, bytes]:
    """The hash of each of these nodes of the tree, from the segments `names`, all of which have begun (`begun`).

    Raises `NotProvable` where the lines were purged, `Tampered` where a segment is not what a writer writes, `OSError`.
    """
    firsts = [first_index(name) for name in names]
    wanted: dict[int, set[Span]] = {}
    for span in spans:
        wanted.setdefault(_home(firsts, span), set()).add(span)
    nodes: dict[Span, bytes] = {}
    for position in sorted(wanted):
        nodes |= _read(directory, names[position], wanted[position])
    return nodes


def begun(directory: Path, names: Sequence[str]) -> Sequence[str]:
    """The segments without the newest where that is still empty: a writer makes the file before it needs it."""
    if not names:
        return names
    with open_segment(directory, names[-1]) as stream:
        whole = stream.readline(lines.MAX_LINE + 1).endswith(b"\n")
    return names if whole else names[:-1]


def read_header(directory: Path, name: str) -> tuple[Tree, str]:
    """The tree before a segment and the verifier key, as its `hdr` claims them. Raises `Tampered` where it has none."""
    with open_segment(directory, name) as stream:
        return _header(name, stream.readline(lines.MAX_LINE + 1))


def _home(firsts: list[int], span: Span) -> int:
    """The segment to read for a node: one whose `hdr` names it, else the one with its last line."""
    behind = bisect_left(firsts, span[1])
    if behind < len(firsts) and span in _perfect(firsts[behind]):
        return behind
    position = bisect_right(firsts, span[1] - 1) - 1
    if position < 0:
        raise NotProvable(f"lines {span[0]} to {span[1] - 1} are needed for this proof and were purged")
    return position


def _read(directory: Path, name: str, spans: set[Span]) -> dict[Span, bytes]:
    ends = {stop for _, stop in spans}
    last = max(ends)
    with open_segment(directory, name) as stream:
        raw = stream.readline(lines.MAX_LINE + 1)
        tree, _ = _header(name, raw)
        known = dict(zip(_perfect(tree.size), tree.frontier, strict=True))
        nodes = {span: known[span] for span in spans & known.keys()}
        while tree.size < last:
            if not raw.endswith(b"\n"):
                raise Tampered(name, tree.size - first_index(name) + 1, f"line {tree.size} of the log is missing")
            leaf = leaf_hash(raw[:-1])
            if tree.size + 1 in ends:
                nodes |= {span: node for span, node in _completed(tree, leaf) if span in spans}
            tree.append(leaf)
            raw = stream.readline(lines.MAX_LINE + 1)
    return nodes


def _completed(tree: Tree, leaf: bytes) -> Iterator[tuple[Span, bytes]]:
    """Every node that ends with this next leaf of the tree, from the leaf itself upwards."""
    start, node = tree.size, leaf
    yield (start, tree.size + 1), node
    for left in reversed(tree.frontier):
        start -= start & -start
        node = node_hash(left, node)
        yield (start, tree.size + 1), node


def _perfect(size: int) -> list[Span]:
    """The perfect subtrees whose roots are the frontier of a tree of this size, largest first."""
    spans, start = [], 0
    while start < size:
        width = 1 << ((size - start).bit_length() - 1)
        spans.append((start, start + width))
        start += width
    return spans


def _header(name: str, raw: bytes) -> tuple[Tree, str]:
    first = first_index(name)
    try:
        kind, body, _ = lines.split(raw.removesuffix(b"\n"), first)
        claimed = claims(body)
    except NotCanonical as error:
        raise Tampered(name, 1, str(error)) from error
    if kind != b"hdr" or claimed.tree.size != first:
        raise Tampered(name, 1, "not the `hdr` that must stand here")
    return claimed.tree, claimed.key.vkey
