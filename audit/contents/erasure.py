"""Forgetting: a text whose content key is destroyed is unreadable for ever, for the auditor too. The log stays whole.

Callers hold `store.maintenance`, and record what they are about to do before they do it and what was done after it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.contents import keyfiles
from audit.contents.envelope import subject_name
from audit.contents.sealer import KEY_SECONDS
from audit.contents.store import Store, sync_folder
from audit.contents.textfiles import SUFFIX
from audit.errors import ContentsErased, ContentsUnavailable, ContentsUnreadable


@dataclass(frozen=True, slots=True)
class Doomed:
    """What an erasure will destroy: wrapped keys, and whole files of texts that no key is left for."""

    keys: tuple[Path, ...]
    texts: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keys or self.texts)


def of_subject(store: Store, subject: str) -> Doomed:
    """Every key of a subject. Raises `ContentsUnavailable`."""
    return Doomed(tuple(keyfiles.keys_of(store, subject_name(subject))))


def older_than(store: Store, cutoff: datetime) -> Doomed:
    """The keys that were last used before `cutoff`, and the texts written before it; nothing younger.

    A key is used for a day, so a text lives up to a day longer than asked. Raises `ContentsUnavailable`, also for a
    key whose age cannot be read.
    """
    return Doomed(tuple(_old_keys(store, cutoff.timestamp() - KEY_SECONDS)), tuple(_old_texts(store, cutoff)))


def destroy(doomed: Doomed) -> None:
    """Destroy, durable when this returns. What is gone already does not count.

    Raises `ContentsUnavailable` where something could not be destroyed; everything else is, all the same.
    """
    folders = {file.parent for file in (*doomed.keys, *doomed.texts)}
    failures = [
        *_attempt(keyfiles.destroy, _both_names(doomed.keys)),
        *_attempt(lambda file: file.unlink(missing_ok=True), doomed.texts),
        *_attempt(sync_folder, folders),
    ]
    if failures:
        what = f"contents: not everything could be destroyed ({len(failures)} failures): {failures[0]}"
        raise ContentsUnavailable(what) from failures[0]


def _attempt(step: Callable[[Path], object], files: Iterable[Path]) -> Iterator[OSError]:
    for file in files:
        try:
            step(file)
        except OSError as error:
            yield error


def _both_names(files: Iterable[Path]) -> Iterator[Path]:
    """An unfinished key may become a whole one while it is being destroyed; a `rewrap` that broke off leaves both."""
    for file in files:
        whole = file.with_suffix("") if file.suffix == ".new" else file
        yield whole.with_name(whole.name + ".new")
        yield whole


def _old_keys(store: Store, created_before: float) -> Iterator[Path]:
    for file in keyfiles.all_keys(store):
        try:
            created = datetime.fromisoformat(keyfiles.read(file).place.created).timestamp()
        except ContentsErased:  # an erasure broke off before it was removed
            yield file
            continue
        except (ContentsUnreadable, ValueError, OverflowError) as error:
            raise ContentsUnavailable(f"contents {file}: its age cannot be read: {error}") from error
        if created < created_before:
            yield file


def _old_texts(store: Store, cutoff: datetime) -> Iterator[Path]:
    try:
        with os.scandir(store.texts) as entries:
            for entry in entries:
                regular = entry.is_file(follow_symlinks=False) and entry.name.endswith(SUFFIX)
                if regular and entry.stat(follow_symlinks=False).st_mtime < cutoff.timestamp():
                    yield Path(entry.path)
    except OSError as error:
        raise ContentsUnavailable(f"contents {store.texts}: {error.strerror}") from error
