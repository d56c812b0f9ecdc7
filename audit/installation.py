"""Verifies the logs of all hosts of an installation against its signed list of origins.

What must hold:

 1. the list is signed by the given key, and its serial is no lower than the caller has seen before;
 2. every directory holds a log whose origin is on the list, under the key that the list names for it;
 3. no origin is there twice, and none on the list is missing;
 4. every log verifies by itself (`audit.verify`), with the anchors of its origin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from audit.anchor import load_anchors
from audit.bodies import claims
from audit.directory import printable
from audit.errors import NotCanonical, Tampered, UnreadableLog
from audit.origins import OriginList
from audit.reader import entries
from audit.verify import CLEAN, TAMPERED, TORN, Progress, Report, verify

_RANK = {CLEAN: 0, TORN: 1, TAMPERED: 2}


@dataclass(frozen=True, slots=True)
class Installation:
    """What was found: a report for each directory, and what is wrong with the set as a whole."""

    reports: tuple[tuple[Path, Report], ...]
    problems: tuple[str, ...]  # against 2 and 3

    @property
    def state(self) -> str:
        """The worst state of any log; `TAMPERED` too where the set is not the listed one."""
        if self.problems:
            return TAMPERED
        return max((report.state for _, report in self.reports), key=_RANK.__getitem__, default=TAMPERED)


def verify_all(
    origins: OriginList,
    directories: Sequence[Path],
    anchors: Mapping[str, Sequence[Path]] = MappingProxyType({}),
    progress: Callable[[Path], Progress | None] = lambda _: None,
) -> Installation:
    """Check the logs in these directories. `anchors` are files of checkpoints, by the origin they are of.

    Raises `UnreadableLog` where a log or an anchor cannot be judged at all.
    """
    known = origins.origins
    reports: list[tuple[Path, Report]] = []
    problems: list[str] = []
    seen: dict[str, Path] = {}
    for directory in directories:
        try:
            origin = _origin(directory)
        except Tampered as error:
            problems.append(f"{directory}: {error}")
            continue
        key = known.get(origin)
        if key is None:
            problems.append(f"{directory}: the origin `{origin}` is not on the list")
            continue
        if origin in seen:
            problems.append(f"{directory}: the origin `{origin}` is in {seen[origin]} already")
            continue
        seen[origin] = directory
        mine = [each for file in anchors.get(origin, ()) for each in load_anchors(file, key.public, directory)]
        reports.append((directory, verify(directory, key.public, origin, mine, progress(directory))))  # 4
    problems += [f"the log of `{origin}` is missing" for origin in known if origin not in seen]
    foreign = sorted(anchors.keys() - known.keys())
    problems += [f"an anchor is of `{printable(origin)}`, not on the list" for origin in foreign]
    return Installation(tuple(reports), tuple(problems))


def _origin(directory: Path) -> str:
    """The origin that the first line of a log claims; whether it is right is what its verification says."""
    try:
        for entry in entries(directory):
            return claims(entry.body)[0]
    except NotCanonical as error:
        raise Tampered(entry.file, 1, str(error)) from error
    except OSError as error:
        raise UnreadableLog(f"{directory}: {error}") from error
    raise UnreadableLog(f"{directory}: not a log directory, there is no segment")
