"""Wrapped content keys, one file each. A file is whole or not there; where it is gone, its texts are lost for ever."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from audit.contents.envelope import FORMAT, WRAPPED_BYTES, KeyPlace
from audit.contents.store import MAX_KEY_FILE, Store, hand_over, make_folder, open_file, sync_folder
from audit.errors import ContentsErased, ContentsUnavailable, ContentsUnreadable

_NAME: Final = re.compile(r"([0-9a-f]{64})-([0-9a-f]{32})\.key")
_UNFINISHED: Final = re.compile(r"([0-9a-f]{64})-[0-9a-f]{32}\.key\.new")
_SHARD: Final = re.compile(r"[0-9a-f]{2}")
_ERASED: Final = "the key was erased"
_MEMBERS: Final = {"format", "origin", "subject", "key", "created", "auditor", "wrapped"}


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A content key as it is kept: where it belongs, which auditor can unwrap it (`auditor.key_id`), wrapped."""

    place: KeyPlace
    auditor: str
    wrapped: bytes


def path_of(store: Store, subject: str, key: str) -> Path:
    """Where the key of a subject (both as hex names) lies."""
    return store.keys / subject[:2] / f"{subject}-{key}.key"


def write(store: Store, held: KeyFile) -> Path:
    """Write a key, durable, over the one of this name if there is one. Raises `OSError`.

    An erasure that comes in between takes the unfinished file too: then this raises `FileNotFoundError`.
    """
    file = path_of(store, held.place.subject, held.place.key)
    make_folder(file.parent)
    unfinished = file.with_name(file.name + ".new")
    try:
        _write_new(store, unfinished, _encode(held))
        unfinished.replace(file)
    except OSError:  # a full disk must not be littered by each key that it refuses
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
    return file


def _write_new(store: Store, file: Path, data: bytes) -> None:
    file.unlink(missing_ok=True)  # of a crash
    descriptor = open_file(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        hand_over(descriptor, store)
        if os.write(descriptor, data) != len(data):
            raise OSError(f"{file.name}: short write")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(file: Path) -> KeyFile:
    """The key in a file. Raises `ContentsErased`, or `ContentsUnreadable` where it is not the key that its name says.

    A file of zeros is what a crash between `overwrite` and the removal leaves: that key is erased, too.
    """
    try:
        with os.fdopen(open_file(file, os.O_RDONLY), "rb") as stream:
            data = stream.read(MAX_KEY_FILE)
    except FileNotFoundError as error:
        raise ContentsErased(_ERASED) from error
    except OSError as error:
        raise ContentsUnreadable(f"the key cannot be read: {error.strerror or error}") from error
    if data and not data.strip(b"\0"):
        raise ContentsErased(_ERASED)
    held = _decode(data)
    if held is None or file.name != f"{held.place.subject}-{held.place.key}.key":
        raise ContentsUnreadable("the key file is not the key that its name says")
    return held


def present(file: Path) -> bool:
    """Whether the key has not been erased. Costs one system call. Raises `OSError` where it cannot be told."""
    try:
        file.lstat()
    except FileNotFoundError:
        return False
    return True


def all_keys(store: Store) -> Iterator[Path]:
    """The files of all keys. Raises `ContentsUnavailable` for anything in the folder that is not one."""
    for shard in _entries(store.keys):
        if not _SHARD.fullmatch(shard.name) or not shard.is_dir(follow_symlinks=False):
            raise ContentsUnavailable(f"contents {store.keys}: something there is not of this store")
        yield from _in_shard(Path(shard.path))


def keys_of(store: Store, subject: str) -> list[Path]:
    """The files of all keys of a subject (as hex name), unfinished ones too. Raises like `all_keys`."""
    shard = store.keys / subject[:2]
    if not shard.is_symlink() and not shard.exists():
        return []
    if shard.is_symlink():
        raise ContentsUnavailable(f"contents {shard}: a link")
    return sorted(file for file in _in_shard(shard, unfinished=True) if file.name.startswith(subject))


def destroy(file: Path) -> None:
    """Overwrite a key and remove it. Where it is gone already, nothing happens. Raises `OSError`.

    A disk that refuses to overwrite it has it removed all the same.

    The caller makes the removal durable with `sync_folder`. On flash memory, copy-on-write file systems and in
    backups the overwritten bytes may live on: there it is the removal that counts, and the backup's own retention.
    """
    try:
        descriptor = open_file(file, os.O_WRONLY)
    except FileNotFoundError:
        return
    except OSError:
        descriptor = -1  # a link, or not ours to write: it is removed all the same
    try:
        if descriptor >= 0:
            overwrite(descriptor)
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        file.unlink(missing_ok=True)


def overwrite(descriptor: int) -> None:
    """Replace what a file holds, on the disk too, as far as that can be done from here."""
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _in_shard(shard: Path, *, unfinished: bool = False) -> Iterator[Path]:
    for entry in _entries(shard):
        if _NAME.fullmatch(entry.name) or (unfinished and _UNFINISHED.fullmatch(entry.name)):
            yield Path(entry.path)
        elif not _UNFINISHED.fullmatch(entry.name):
            raise ContentsUnavailable(f"contents {shard}: something there is not of this store")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ContentsUnavailable(f"contents {folder}: {error.strerror}") from error


def _encode(held: KeyFile) -> bytes:
    place = held.place
    value = {"format": FORMAT, "origin": place.origin, "subject": place.subject, "key": place.key}
    value |= {"created": place.created, "auditor": held.auditor, "wrapped": held.wrapped.hex()}
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _decode(data: bytes) -> KeyFile | None:
    """The key, or None where these bytes are not one."""
    try:
        value: Any = orjson.loads(data)
        if not isinstance(value, dict) or value.keys() != _MEMBERS or value["format"] != FORMAT:
            return None
        if not all(isinstance(member, str) for member in value.values()):
            return None
        wrapped = bytes.fromhex(value["wrapped"])
    except ValueError:
        return None
    place = KeyPlace(value["origin"], value["subject"], value["key"], value["created"])
    return KeyFile(place, value["auditor"], wrapped) if len(wrapped) == WRAPPED_BYTES else None
