"""A policy put together from records: whole, in parts, or not at all; never a wrong one."""

import hashlib
from pathlib import Path

import pytest
from harness.story import digest

import policies
from audit.errors import ProofInvalid
from audit.evidence.policy import policies_of
from audit.evidence.stories import Record
from gateway.inventory import record_policy
from policies.bundle import load

FILES = {"a.csv": "一二三四五六", "b.yaml": ""}
BUNDLE = digest(FILES)


def file_record(index: int, path: str, text: str, part: object = 1, parts: object = 1) -> Record:
    """One part of a file."""
    body = {"event": "policy.file", "bundle": BUNDLE, "path": path, "part": part, "parts": parts, "text": text}
    return Record(index, "t", body)


def activated(index: int, files: object = None) -> Record:
    """The record that names the files."""
    listed = [
        {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text.encode())}
        for path, text in FILES.items()
    ]
    return Record(
        index, "t", {"event": "policy.activated", "bundle": BUNDLE, "files": listed if files is None else files}
    )


def test_parts_in_any_order() -> None:
    """Parts of several workers' copies, interleaved, give the text once."""
    records = [
        file_record(1, "a.csv", "四五六", 2, 2),
        file_record(2, "a.csv", "一二三", 1, 2),
        file_record(3, "b.yaml", ""),
        file_record(4, "a.csv", "四五六", 2, 2),
        activated(5),
        activated(9),
    ]
    policy = policies_of(records)[BUNDLE]
    assert policy.files == FILES
    assert policy.missing == ()
    assert policy.activated.index == 5


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [file_record(1, "a.csv", "一二三", 1, 2)],
        [file_record(1, "a.csv", "四五六", 2, 2)],
        [file_record(1, "a.csv", "一二三四五六", 1, 1 << 53)],
        [file_record(1, "a.csv", "一二三四五六", 1, "1")],
        [file_record(1, "a.csv", "一二三四五六", "1", 1)],
    ],
)
def test_part_missing(parts: list[Record]) -> None:
    """A file of which a part is missing is named as missing, whatever number of parts is claimed."""
    policy = policies_of([*parts, file_record(3, "b.yaml", ""), activated(5)])[BUNDLE]
    assert policy.missing == ("a.csv",)


def test_text_after_its_activation() -> None:
    """Text that comes after the activation was not what was activated."""
    policy = policies_of([activated(5), file_record(6, "a.csv", "一二三四五六"), file_record(7, "b.yaml", "")])[BUNDLE]
    assert policy.missing == ("a.csv", "b.yaml")


@pytest.mark.parametrize("files", ["x", 1, [], [1], [{"path": 1}], [{"path": "a.csv", "sha256": "x", "bytes": "1"}]])
def test_files_that_add_up_to_nothing(files: object) -> None:
    """A list of files that does not give the bundle's digest is refused."""
    with pytest.raises(ProofInvalid, match="do not add up"):
        policies_of([activated(5, files)])


def test_text_of_another_file() -> None:
    """A text that is not the named file's is refused."""
    with pytest.raises(ProofInvalid, match=r"the text of `a\.csv` is not the file"):
        policies_of([file_record(1, "a.csv", "一二三四五七"), activated(5)])


def test_what_a_gateway_writes() -> None:
    """The records of the policy bundle that ships give back its files to the byte, and the text of a rule."""
    bundle = load(Path(policies.__file__).parent / "bundles" / "default")
    records: list[Record] = []

    def emit(event: str, **fields: object) -> None:
        records.append(Record(len(records), "t", {"event": event, **fields}))

    record_policy(emit, bundle)
    policy = policies_of(records)[bundle.digest]
    assert {path: text.encode() for path, text in policy.files.items()} == bundle.files
    assert policy.missing == ()
    assert policy.rule("policy.csv:1:1") == bundle.files["policy.csv"].decode().split("\n")[0]
