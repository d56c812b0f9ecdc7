"""What all stores have in common: safe names, clean messages, and trust in nothing that is read back."""

from typing import Any

import pytest

from audit.anchors.target import Kept, failing, note_name, note_size, one_line, safe_origin
from audit.errors import AnchorFailed, NotProvable, Tampered

Log = Any  # the class in this folder's conftest


@pytest.mark.parametrize("origin", ["a/../b", "a/./b", "a//b", "a/..", "a/", "a/."])
def test_origin_that_leads_elsewhere(origin: str) -> None:
    """An origin that is no path below a folder names none."""
    with pytest.raises(AnchorFailed, match="cannot name a folder"):
        safe_origin(origin)


def test_origins() -> None:
    """Ordinary origins are folders, one below the other."""
    for origin in ("a", "host-a/hangu", "a.b/..c/d_e"):
        assert safe_origin(origin) == origin


def test_names_of_notes() -> None:
    """A name leads back to its size, and no other name does."""
    for size in (0, 7, 999_999_999_999, 1_000_000_000_000):
        assert note_size(note_name(size)) == size
    for name in (
        "",
        ".note",
        "7.note",
        "00000000000٧.note",
        "000000000007.note.note",
        "0000000000007.note",
        "-00000000007.note",
    ):
        assert note_size(name) is None


def test_foreign_texts_are_cleaned() -> None:
    """Control characters of a far side do not reach a terminal, and its texts are cut."""
    assert one_line("\x1b[31mboo\n医保") == "\ufffd[31mboo\ufffd医保"
    assert len(one_line("x" * 5000)) == 400


def test_failures_have_one_type() -> None:
    """Whatever a store raises becomes one kind of failure; that the log was tampered with stays what it is."""
    for error in (RuntimeError("boo"), OSError(5, "boo"), NotProvable("boo"), AnchorFailed("boo")):
        with pytest.raises(AnchorFailed, match="boo"), failing():
            raise error
    with pytest.raises(Tampered), failing():
        raise Tampered("log", 0, "boo")


class Forgetful:
    """A store that says it kept a note and did not."""

    name = "forgetful"

    def read(self, origin: str, size: int) -> None:
        return None

    def create(self, origin: str, size: int, note: str) -> None:
        return None

    def newest(self, origin: str, after: int) -> None:
        return None


def test_store_that_forgets(log: Log) -> None:
    """A note that cannot be read back was not kept."""
    store: Any = Forgetful()
    with pytest.raises(AnchorFailed, match="cannot be read back"):
        Kept(store).anchor(log.view(), log.view().seen.note, 0)
