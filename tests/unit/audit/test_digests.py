"""audit/digests.py: what is found again without having been stored."""

from __future__ import annotations

import hmac
import json
from pathlib import Path

import pytest

from audit.digests import Digests, TextDigest, load_digests, normalise
from audit.errors import KeyUnusable

KEY = b"k" * 32
CARD = "4111 1111 1111 1111"


def _documented(kind: str, text: str) -> str:
    return hmac.new(KEY, f"{kind}\n{text}".encode(), "sha256").hexdigest()


def test_digests_are_what_the_document_says() -> None:
    """HMAC-SHA-256 over the kind, LF and the text: anybody with the key can recompute them."""
    digests = Digests(KEY)
    text = json.dumps([["user", '医保 "1"\n']], ensure_ascii=False, separators=(",", ":"))
    assert digests.prompt([("user", '医保 "1"\n')]) == _documented("prompt", text)
    assert digests.withheld(CARD) == _documented("withheld", "4111111111111111")
    answer = digests.completion()
    for piece in ("好", "的", ""):
        answer.add(piece)
    assert answer.hexdigest() == _documented("completion", "好的")


def test_kinds_are_apart() -> None:
    """The same text as answer and as withheld value has two digests, so one cannot be passed off as the other."""
    digests = Digests(KEY)
    answer = digests.completion()
    answer.add("abc")
    assert answer.hexdigest() != digests.withheld("abc")
    assert digests.sealed("completion", b"abc") == answer.hexdigest()
    assert digests.sealed("prompt", b"abc") != answer.hexdigest()


@pytest.mark.parametrize(
    "spelling",
    [
        "4111-1111-1111-1111",
        "4111111111111111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        " 4111.1111/1111 1111 ",
    ],
)
def test_spellings_of_one_number_are_one(spelling: str) -> None:
    """Spaces, dashes, full width and the digits of other scripts make no difference."""
    assert normalise(spelling) == "4111111111111111"
    assert Digests(KEY).withheld(spelling) == Digests(KEY).withheld(CARD)


@pytest.mark.parametrize("other", ["4111 1111 1111 1112", "4111 1111 1111 111", "x4111 1111 1111 1111"])
def test_another_number_is_another(other: str) -> None:
    """One digit more, less or other is a different value."""
    assert Digests(KEY).withheld(other) != Digests(KEY).withheld(CARD)


@pytest.mark.parametrize(
    ("one", "two"), [("Äßü@X.de", "ÄSSÜ@x.DE"), ("张三", "张 三"), ("<|User|>", "user"), ("★", "★")]
)
def test_letters_are_compared_without_case_and_accents(one: str, two: str) -> None:
    """Names and addresses are found in any spelling, Chinese ones too."""
    assert normalise(one) == normalise(two) != ""


def test_what_has_no_letter_stays_itself() -> None:
    """Two different signs are not the same empty value."""
    assert normalise("★★") != normalise("☆") != ""


def test_a_long_value_is_found_by_its_beginning() -> None:
    """A filter hands over a prefix of an endless value; the whole value has the same digest."""
    assert Digests(KEY).withheld("ghp_" + "a1" * 50_000) == Digests(KEY).withheld(("ghp_" + "a1" * 50_000)[:4096])


def test_half_a_surrogate_pair_is_digested() -> None:
    """A text that is not valid Unicode is recorded, not a stray error."""
    digest = TextDigest(KEY, b"completion")
    digest.add("\ud800")
    assert len(digest.hexdigest()) == 64
    assert len(Digests(KEY).withheld("\ud800")) == 64


def test_the_key_id_names_the_key() -> None:
    """Rotated keys are told apart, and the id is no digest that a record could hold."""
    assert Digests(KEY).id == Digests(KEY).id != Digests(b"j" * 32).id
    assert len(Digests(KEY).id) == 16


def test_a_short_key_is_refused() -> None:
    """31 bytes are not enough, 32 are."""
    with pytest.raises(KeyUnusable, match="at least 32 bytes, this one 31"):
        Digests(b"k" * 31)


def test_a_key_file_gives_the_gateways_digests(tmp_path: Path) -> None:
    """White space at both ends does not count, as in the gateway's own reading of `file:` secrets."""
    file = tmp_path / "hmac.key"
    file.touch(0o600)
    file.write_bytes(b" " + KEY + b"\n")
    assert load_digests(file).withheld(CARD) == Digests(KEY).withheld(CARD)


@pytest.mark.parametrize(
    ("data", "mode", "why"),
    [
        (KEY, 0o640, "can be read by others"),
        (b"short", 0o600, "at least 32 bytes"),
        (b"\xff" * 40, 0o600, "not a digest key"),
        (b"k" * 5000, 0o600, "at most 4096 bytes"),
    ],
)
def test_an_unusable_key_file_is_named(tmp_path: Path, data: bytes, mode: int, why: str) -> None:
    """Open to others, too short, not text or far too long: refused with the file's name."""
    file = tmp_path / "hmac.key"
    file.write_bytes(data)
    file.chmod(mode)
    with pytest.raises(KeyUnusable, match=f"{file}: .*{why}"):
        load_digests(file)


@pytest.mark.parametrize("name", ["absent", "", "nul\0"])
def test_a_path_that_is_no_file_is_named(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and an impossible name are unusable keys, not stack traces."""
    with pytest.raises(KeyUnusable):
        load_digests(tmp_path / name)
