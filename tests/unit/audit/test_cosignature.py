"""Cosignatures: one form, one signer, one text, and no key that is taken for another."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import LogKey
from audit.cosignature import (
    Cosigner,
    SignedNote,
    WitnessKey,
    cosignature_times,
    parse_signed_note,
    parse_witness_key,
    require_cosigned,
    signature_lines,
)
from audit.errors import KeyUnusable, NotCanonical

WITNESS = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
OTHER = Cosigner("见证人.example/二", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
TEXT = "host-a/hangu\n4\nkGmAMVxmyTCTeRm8SKdQ0LEATQMmvbMcSA3CFpGLutA=\n"
TIME = 1_795_420_800
NOTE = f"{TEXT}\n{WITNESS.line(TEXT, TIME)}{OTHER.line(TEXT, TIME + 1)}"


def test_a_cosignature_comes_back() -> None:
    """Who cosigned and when is read back, for a name in any script."""
    keys = [parse_witness_key(cosigner.key.vkey) for cosigner in (WITNESS, OTHER)]
    times = require_cosigned(NOTE, keys)
    assert times == {WITNESS.key.vkey: TIME, OTHER.key.vkey: TIME + 1}


def test_the_newest_of_several_by_one_witness() -> None:
    """A witness that cosigned twice counts with its later time."""
    note = f"{TEXT}\n{WITNESS.line(TEXT, TIME)}{WITNESS.line(TEXT, TIME + 60)}"
    assert require_cosigned(note, [WITNESS.key]) == {WITNESS.key.vkey: TIME + 60}


def test_every_changed_byte_is_noticed() -> None:
    """A note with any one character changed or left out is not cosigned by this witness any more."""
    note = f"{TEXT}\n{WITNESS.line(TEXT, TIME)}"
    for place in range(len(note)):
        for other in ("", "x" if note[place] != "x" else "y"):
            with pytest.raises(NotCanonical):
                require_cosigned(note[:place] + other + note[place + 1 :], [WITNESS.key])


def test_a_witness_that_did_not_sign() -> None:
    """Each witness asked for must have cosigned, by name."""
    with pytest.raises(NotCanonical, match=r"not cosigned by the witness `见证人.example/二`"):
        require_cosigned(f"{TEXT}\n{WITNESS.line(TEXT, TIME)}", [WITNESS.key, OTHER.key])


def test_a_cosignature_for_another_checkpoint() -> None:
    """A line that names a known key and is over another text makes the note bad; one of an unknown key does not."""
    line = WITNESS.line(TEXT.replace("4", "5", 1), TIME)
    note = parse_signed_note(f"{TEXT}\n{line}{OTHER.line(TEXT, TIME)}")
    with pytest.raises(NotCanonical, match=r"`witness.example/w1` is not over this checkpoint"):
        cosignature_times(note, [WITNESS.key, OTHER.key])
    assert cosignature_times(note, [OTHER.key]) == {OTHER.key.vkey: TIME}


def test_the_time_is_signed() -> None:
    """A cosignature with a moved time is not valid, nor is one without a time."""
    blob = bytearray(base64.b64decode(WITNESS.line(TEXT, TIME).split(" ")[2]))
    blob[11] ^= 1
    assert WITNESS.key.cosigned(TEXT, bytes(blob)) is None
    blob[4:12] = bytes(8)
    assert WITNESS.key.cosigned(TEXT, bytes(blob)) is None
    for time in (0, -1, 1 << 63):
        with pytest.raises(ValueError, match="a cosignature has a time"):
            WITNESS.line(TEXT, time)


def test_log_signature_in_the_place_of_a_cosignature() -> None:
    """A log's own signature by the same private key is no cosignature: the key types differ."""
    log = LogKey("witness.example/w1", WITNESS.key.public)
    assert log.id != WITNESS.key.id
    with pytest.raises(KeyUnusable, match="0x01 in the verifier key line: a witness's is 0x04"):
        parse_witness_key(log.vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "x" * 129, "a\x00b", "a\x7f"])
def test_names_that_cannot_stand_in_a_line(name: str) -> None:
    """A name with a space of any kind, a plus or a control character is refused."""
    with pytest.raises(NotCanonical, match="the name of a witness"):
        WitnessKey(name, WITNESS.key.public)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "witness.example/w1",
        "witness.example/w1+00000000",
        WITNESS.key.vkey[:-2],
        WITNESS.key.vkey.replace("w1+", "w2+"),
        f"witness.example/w1+{'0' * 8}+{WITNESS.key.vkey.split('+', 2)[2]}",
        f"a b+{WITNESS.key.vkey.split('+', 1)[1]}",
    ],
)
def test_key_lines_that_are_none(line: str) -> None:
    """A verifier key line with a wrong name, id, length or form is refused."""
    with pytest.raises(KeyUnusable):
        parse_witness_key(line)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{WITNESS.line(TEXT, TIME)}",
        f"\n\n{WITNESS.line(TEXT, TIME)}",
        f"{TEXT}\n{WITNESS.line(TEXT, TIME)}"[:-1],
        f"{TEXT}\n{WITNESS.line(TEXT, TIME)}\r\n",
        f"{TEXT}\n{WITNESS.line(TEXT, TIME)}".replace("4\n", "4\t\n", 1),
        f"{TEXT}\n{WITNESS.line(TEXT, TIME)}".replace("—", "-"),
        f"{TEXT}\n— witness.example/w1 AAAA\n",
        f"{TEXT}\n" + WITNESS.line(TEXT, TIME) * 600,
    ],
)
def test_texts_that_are_no_notes(note: str) -> None:
    """What is not a signed note of bounded size is refused, never taken for an unsigned one."""
    with pytest.raises(NotCanonical, match=r"signed-note|signature line"):
        parse_signed_note(note)


def test_a_text_with_empty_lines() -> None:
    """The last empty line of a note divides text from signatures, as the specification has it."""
    note = parse_signed_note(f"one\n\ntwo\n\n{WITNESS.line(TEXT, TIME)}")
    assert note.text == "one\n\ntwo\n"
    assert note.signatures == signature_lines(WITNESS.line(TEXT, TIME))
    assert cosignature_times(SignedNote(TEXT, note.signatures), [WITNESS.key]) == {WITNESS.key.vkey: TIME}
