"""The examples of the C2SP specifications, and the exchange with which another implementation tests its witness.

https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-witness, and the log of litewitness's tests
(https://github.com/FiloSottile/torchwood, cmd/litewitness/testdata/litewitness.txt): five leaves with the hashes 2a00…
to 2a04…, signed by a key of that project.
"""

import hashlib
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.anchors.notes import parse_checkpoint
from audit.anchors.submission import Submission, parse_submission
from audit.anchors.witness import Witness
from audit.anchors.witness_state import WitnessState, create_state
from audit.checkpoint import LogKey
from audit.cosignature import Cosigner, parse_signed_note, require_cosigned

FIRST = (
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhc"
    "yv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
)
SECOND = (
    "— example.com/behind-the-sofa "
    "opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/"
    "V6267UEjw6QUXTS5Rovnzv++qbSzm9Q="
)
COSIGNATURE = (
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dl"
    "rDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
COSIGNED = f"""\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

{FIRST}
{COSIGNATURE}
"""
SIGNED_MESSAGE = """\
cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
REQUEST = f"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

{FIRST}
{SECOND}
"""
LOG = LogKey(
    "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562",
    Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
    ),
)
ROOT_1 = "2a" + "00" * 31
ROOT_3 = "45c088d4d939e9971298811f227d1295eaad57bbafae55cd71c171e7de48c25d"
ROOT_5 = "42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36"
SIGNATURE_1 = (
    "b7cf653aa9c565a1ca359db81bd3bc656ab2890c6ea4c0aec42295e80aa05049"
    "423505026434f987923ccdf07d440c152cd59e736e5914d8ada8d7a4d51b2106"
)
SIGNATURE_3 = (
    "655bb4871d15bc05032d67eece88900c4863a27f190393b99176391577f5def9"
    "71b023d9a418c3226b7b7ea47b33686d9b3849451dadc6b07c007c595af1ea0a"
)
SIGNATURE_5 = (
    "0fc43899968b48b5150b0e8fe7ad07b17c21c7056a6fe381deb0cd19ece103d5"
    "9b2119b5dbe5d54d8a1262ce67f01245c5898b4b56f747495804a17a2eec0f0c"
)
LEAF_1, LEAF_2, LEAF_3, LEAF_4 = ("2a0" + str(n) + "00" * 30 for n in (1, 2, 3, 4))
NODE_2_3 = "f9f50357e93def4078237b8aaea24ce1a3f5965a0f64ff26bebd99e30470d8b2"
NODE_0_1 = "c2088815d65f60dbfa594d4e96504ab169cb6084bf0c132ab7c521fd2e0eba41"


def request(old: int, size: int, root: str, signature: str, *proof: str, origin: str = LOG.origin) -> bytes:
    """The body of one `add-checkpoint` for the log of litewitness's tests."""
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + LOG.public.public_bytes_raw()).digest()[:4]
    line = f"— {origin} {b64encode(key_id + bytes.fromhex(signature)).decode()}\n"
    note = f"{origin}\n{size}\n{b64encode(bytes.fromhex(root)).decode()}\n\n{line}"
    return Submission(old, tuple(bytes.fromhex(node) for node in proof), note).body()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness that knows that log and nothing of it yet."""
    cosigner = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    create_state(tmp_path / "memory", cosigner.key)
    return Witness(cosigner, WitnessState(tmp_path / "memory"), [LOG], lambda: 1_795_420_800.5)


def test_the_cosigned_checkpoint_of_the_specification() -> None:
    """The example note of tlog-cosignature is read: text, names, key id and time."""
    note = parse_signed_note(COSIGNED)
    assert parse_checkpoint(note.text).size == 20852163
    name, blob = note.signatures[1]
    assert (name, blob[:4].hex(), int.from_bytes(blob[4:12], "big")) == (
        "witness.example.com/w1",
        "8d66cf3f",
        1679315147,
    )
    assert len(blob) == 76


def test_the_signed_message_of_the_specification() -> None:
    """What a witness signs is byte for byte the message that tlog-cosignature shows."""
    private = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    cosigner = Cosigner("witness.example.com/w1", private)
    text = parse_signed_note(COSIGNED).text
    _, blob = parse_signed_note(f"{text}\n{cosigner.line(text, 1679315147)}").signatures[0]
    private.public_key().verify(blob[12:], SIGNED_MESSAGE.encode())
    raw = b"\x04" + private.public_key().public_bytes_raw()
    assert blob[:4] == hashlib.sha256(b"witness.example.com/w1\n" + raw).digest()[:4]


def test_the_request_of_the_specification() -> None:
    """The example request of tlog-witness is read, and written again the same."""
    submission = parse_submission(REQUEST.encode())
    assert (submission.old, len(submission.proof)) == (20852014, 4)
    assert len(parse_signed_note(submission.note).signatures) == 2
    assert submission.body() == REQUEST.encode()


def test_the_exchange_of_litewitness(witness: Witness) -> None:
    """Each request of that exchange gets the status of the specification, in that order."""
    wrong = SIGNATURE_3[:-1] + "b"
    unknown = LOG.origin[:-1] + "1"
    steps = [
        (200, request(0, 1, ROOT_1, SIGNATURE_1)),
        (403, request(1, 3, ROOT_3, wrong, LEAF_1, LEAF_2)),
        (404, request(1, 3, ROOT_3, SIGNATURE_3, LEAF_1, LEAF_2, origin=unknown)),
        (422, request(1, 3, ROOT_3, SIGNATURE_3)),
        (422, request(1, 3, ROOT_3, SIGNATURE_3, LEAF_1, LEAF_2[:-1] + "1")),
        (200, request(1, 3, ROOT_3, SIGNATURE_3, LEAF_1, LEAF_2)),
        (409, request(1, 5, ROOT_5, SIGNATURE_5, LEAF_1, NODE_2_3, LEAF_4)),
        (200, request(3, 5, ROOT_5, SIGNATURE_5, LEAF_2, LEAF_3, NODE_0_1, LEAF_4)),
    ]
    answers = [witness.add_checkpoint(body) for _, body in steps]
    assert [answer.status for answer in answers] == [status for status, _ in steps]
    assert (answers[6].type, answers[6].body) == ("text/x.tlog.size", b"3\n")
    text = parse_submission(steps[7][1]).note.split("\n\n")[0] + "\n"
    key = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)).key
    assert require_cosigned(f"{text}\n{answers[7].body.decode()}", [key]) == {key.vkey: 1_795_420_800}
