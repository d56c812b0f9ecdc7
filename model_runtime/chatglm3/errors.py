"""The one error of everything that reads a checkpoint."""

from __future__ import annotations

from pathlib import Path

_SHOWN = 8


class CheckpointError(Exception):
    """A checkpoint that is not served. `problems` holds every problem found at once, at least one."""

    def __init__(self, path: Path | str, *problems: str) -> None:
        shown = problems[:_SHOWN]
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        super().__init__(f"{path}: {'; '.join(shown)}{more}")
        self.path = Path(path)
        self.problems = problems
