"""The policy that was in force, put together from the records in which the gateway wrote it down.

A worker writes the text of every file of its bundle in parts, `policy.file`, and then `policy.activated`, which names
all files by SHA-256. The digest of the bundle, which every record of a request carries, follows from those.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.errors import ProofInvalid
from audit.evidence.stories import Record, text_of

ACTIVATED, FILE, STARTED = "policy.activated", "policy.file", "gateway.started"
_PLACE = re.compile(r"(.+):([1-9][0-9]{0,8}):[0-9]+")  # file, row, column


@dataclass(frozen=True, slots=True)
class Policy:
    """A bundle as the log holds it. `files` has the text of each file that is shown whole."""

    activated: Record
    files: Mapping[str, str]
    missing: tuple[str, ...]

    def rule(self, place: str) -> str | None:
        """The text at `policy.csv:5:1`, where its file is shown."""
        match = _PLACE.fullmatch(place)
        if match is None or match[1] not in self.files:
            return None
        rows = self.files[match[1]].split("\n")
        return rows[int(match[2]) - 1] if int(match[2]) <= len(rows) else None


def policies_of(records: Iterable[Record]) -> dict[str, Policy]:
    """Every bundle, by its digest, that one of these records activates; the first time where there are several.

    Raises `ProofInvalid` where texts and digests contradict each other.
    """
    texts: dict[tuple[str, str], dict[int, Record]] = {}
    policies: dict[str, Policy] = {}
    for record in records:
        bundle = text_of(record.body, "bundle")
        number = record.body.get("part")
        if record.event == FILE and type(number) is int:
            texts.setdefault((bundle, text_of(record.body, "path")), {})[number] = record
        elif record.event == ACTIVATED and bundle not in policies:
            policies[bundle] = _policy(record, bundle, texts)
    return policies


def _policy(activated: Record, bundle: str, texts: Mapping[tuple[str, str], Mapping[int, Record]]) -> Policy:
    listed = files_of(activated)
    if _digest(listed) != bundle:
        raise ProofInvalid(f"line {activated.index}: its files do not add up to the bundle {bundle[:64]}")
    files, missing = {}, []
    for path, (sha256, size) in listed.items():
        text = _joined(texts.get((bundle, path), {}))
        if text is None:
            missing.append(path)
            continue
        content = text.encode()
        if (hashlib.sha256(content).hexdigest(), len(content)) != (sha256, size):
            raise ProofInvalid(f"line {activated.index}: the text of `{path}` is not the file that it names")
        files[path] = text
    return Policy(activated, files, tuple(missing))


def files_of(activated: Record) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of each file that a `policy.activated` names, by path."""
    listed: dict[str, tuple[str, int]] = {}
    entries = activated.body.get("files")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            size = entry.get("bytes")
            listed[text_of(entry, "path")] = (text_of(entry, "sha256"), size if type(size) is int else -1)
    return listed


def _digest(listed: Mapping[str, tuple[str, int]]) -> str:
    """The digest of a bundle, as docs/policies.md defines it."""
    total = hashlib.sha256(b"hangu-bundle-v1\n")
    for path in sorted(listed, key=str.encode):
        sha256, size = listed[path]
        total.update(f"{path}\t{size}\t{sha256}\n".encode())
    return total.hexdigest()


def _joined(parts: Mapping[int, Record]) -> str | None:
    """The whole text, where all parts are there."""
    count = next((each.body.get("parts") for each in parts.values()), None)
    numbers = list(range(1, len(parts) + 1))
    if count != len(parts) or sorted(parts) != numbers:
        return None
    return "".join(text_of(parts[number].body, "text") for number in numbers)
