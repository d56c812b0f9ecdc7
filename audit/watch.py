"""Notices when someone else changes the log directory while its writer runs. The open segment watches itself.

What is looked at is names, inodes, sizes and times of modification: cheap enough for each commit, and not proof. Who
can write to the directory can set a time back; what a segment says is the verifier's business.
"""

import os
from pathlib import Path

from audit.directory import ARCHIVED, segments
from audit.errors import Tampered
from audit.storage import Stamp

_TICK_NS = 20_000_000  # a file system's clock may stand still for that long, and hide a second change behind the first


class Watch:
    """The sealed segments as the writer last saw them, and the names of those it is writing."""

    def __init__(self, directory: Path) -> None:
        """Take what is there for granted: recovery has just judged it. Raises `OSError` for what cannot belong here."""
        self._directory = directory
        self._open: set[str] = set()
        self._changed_ns = 0
        self._settled = False
        self._sealed = self._stamps()

    def opened(self, name: str) -> None:
        """The writer has created this segment and looks after it by itself."""
        self._open.add(name)

    def sealed(self, name: str, stamp: Stamp) -> None:
        """The writer has written its last line to this segment."""
        self._open.discard(name)
        self._sealed[name] = stamp

    def removed(self, name: str) -> None:
        """The writer has removed this sealed segment, by either of its names."""
        for form in (name.removesuffix(ARCHIVED), name.removesuffix(ARCHIVED) + ARCHIVED):
            self._sealed.pop(form, None)

    def check(self, now_ns: int) -> None:
        """Look at the segments if the directory has changed. `now_ns`: the newest time this file system has shown.

        Raises `OSError` that names the file.
        """
        changed = os.stat(self._directory).st_mtime_ns  # noqa: PTH116  # each commit
        if changed == self._changed_ns and self._settled:
            return
        self.check_segments()
        self._changed_ns, self._settled = changed, now_ns - changed > _TICK_NS

    def check_segments(self) -> None:
        """Raise `OSError` where a sealed segment is not as the writer left it, or a file is there that it did not make.

        A segment may turn into its archive, `X.log` into `X.log.gz`, and both may be there until that is done.
        """
        found = self._stamps()
        for name, stamp in self._sealed.items():
            if name not in found:
                if name + ARCHIVED not in found:
                    raise OSError(f"the sealed segment {name} was removed")
            elif found[name] != stamp:
                raise OSError(f"the sealed segment {name} was replaced or written to")
        for name in found:
            if name not in self._sealed and name.removesuffix(ARCHIVED) not in self._sealed:
                raise OSError(f"the segment {name} is not the writer's")
        self._sealed = found

    def _stamps(self) -> dict[str, Stamp]:
        try:
            return dict(self._stamp(name) for name in segments(self._directory) if name not in self._open)
        except (Tampered, FileNotFoundError) as error:
            raise OSError(str(error)) from error

    def _stamp(self, name: str) -> tuple[str, Stamp]:
        try:
            return name, Stamp.of((self._directory / name).lstat())
        except FileNotFoundError:  # archived since the directory was read
            name += ARCHIVED
            return name, Stamp.of((self._directory / name).lstat())
