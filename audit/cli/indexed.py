"""The index of a log for a command: up to date, with notices and progress on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from audit.review.index import Index, open_index
from audit.review.progress import progress_bar


@contextmanager
def indexed(command: str, directory: Path, file: Path | None, *, rebuild: bool = False) -> Iterator[Index]:
    """The index, while nobody changes it. Raises like `open_index`."""
    with ExitStack() as stack:
        with progress_bar(directory) as progress:
            opening = open_index(directory, file, notice=say(command), progress=progress, rebuild=rebuild)
            index = stack.enter_context(opening)
        yield index


def say(command: str) -> Callable[[str], None]:
    """Notices of a command, apart from its output."""

    def tell(text: str) -> None:
        print(f"audit {command}: {text}", file=sys.stderr)

    return tell
