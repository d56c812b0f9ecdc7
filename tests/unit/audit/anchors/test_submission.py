"""The wire form of `add-checkpoint`: one spelling, bounded, and nothing that could be read two ways."""

import pytest

from audit.anchors.submission import Submission, latest_path, parse_size, parse_submission, size_body
from audit.errors import NotCanonical

NODE = "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk="


def test_a_submission_comes_back() -> None:
    """What the client builds is what the witness reads."""
    for old, proof in ((0, ()), (7, (b"\x01" * 32, b"\xff" * 32)), (2**63 - 1, (b"\x00" * 32,) * 63)):
        submission = Submission(old, proof, "a note\n\n— with empty lines\n")
        assert parse_submission(submission.body()) == submission


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n\n",
        "old 1",
        "old 1\n",
        f"old 1\n{NODE}\n",
        "old 01\n\nx",
        "old -1\n\nx",
        "old +1\n\nx",
        "old ١\n\nx",
        "old 9223372036854775808\n\nx",
        "old 99999999999999999999\n\nx",
        "old  1\n\nx",
        "OLD 1\n\nx",
        "old 1 \n\nx",
        "old 1\r\n\r\nx",
        " old 1\n\nx",
        f"old 1\n{NODE[:-2]}l=\n\nx",
        f"old 1\n{NODE[:-1]}\n\nx",
        f"old 1\n{NODE} \n\nx",
        f"old 1\n{NODE}{NODE}\n\nx",
        "old 1\nAAAA\n\nx",
        "old 1\n" + f"{NODE}\n" * 64 + "\nx",
    ],
)
def test_bodies_that_are_none(body: str) -> None:
    """Another spelling, spare bits in base64, too many or too short hashes: refused."""
    with pytest.raises(NotCanonical):
        parse_submission(body.encode())


def test_body_that_is_no_text() -> None:
    """Bytes that are not UTF-8 are refused."""
    with pytest.raises(NotCanonical, match="UTF-8"):
        parse_submission(b"old 1\n\n\xff\xfe")


@pytest.mark.parametrize(
    "body", [b"", b"50", b"050\n", b"50\n\n", b"-1\n", b"9223372036854775808\n", b"\xff\n", b"5 0\n"]
)
def test_sizes_that_are_none(body: bytes) -> None:
    """A conflict's body is one decimal and LF, nothing else."""
    assert parse_size(body) is None


def test_sizes() -> None:
    """A size comes back, up to the largest there is."""
    for size in (0, 50, 2**63 - 1):
        assert parse_size(size_body(size)) == size


def test_where_the_latest_checkpoint_is() -> None:
    """The path holds the SHA-256 of the origin, so any origin makes a safe one."""
    assert latest_path("a") == "/ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb/checkpoint"
