"""Cases for a person: one row each, Chinese in its right width, nothing in them that a terminal would obey."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final

from audit.directory import printable
from audit.review.search import Case

_PIPED_WIDTH: Final = 400  # columns where no terminal says how wide it is


def show(cases: Sequence[Case], *, several: bool) -> None:
    """Print a table to stdout. With `several` logs, a record is named by its receipt, else by its index."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(
        file=sys.stdout, highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, fold in (("time (UTC)", False), ("record", False), ("who", True), ("what", True), ("decision", True)):
        table.add_column(name, no_wrap=not fold, overflow="fold")
    for name in ("result", "filters"):
        table.add_column(name, overflow="fold")
    for case in cases:
        record = f"{case.origin}/{case.index}" if several else str(case.index)
        cells = (_time(case), record, _who(case), _what(case), _decision(case), _result(case), _filters(case))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)


def _time(case: Case) -> str:
    return case.time[:19].replace("T", " ")


def _who(case: Case) -> str:
    values = case.values
    roles = f" ({', '.join(case.roles)})" if case.roles else ""
    return _text(values, "subject", "client", "user", "address") + roles


def _what(case: Case) -> str:
    event = _text(case.values, "name")
    asked = _text(case.values, "model", "object")
    return f"{event} {asked}".rstrip()


def _decision(case: Case) -> str:
    values = case.values
    return " ".join(str(values[name]) for name in ("effect", "rule") if name in values) or _text(values, "reason")


def _result(case: Case) -> str:
    values = case.values
    if values.get("name") == "request.admitted" and "finished" not in values:
        return "unfinished"
    parts = [str(values[name]) for name in ("outcome", "status", "code") if name in values]
    if "prompt_tokens" in values or "completion_tokens" in values:
        parts.append(f"{values.get('prompt_tokens', '?')}+{values.get('completion_tokens', '?')} tokens")
    if values.get("count", 1) != 1:
        parts.append(f"{values['count']} times")
    return " ".join(parts)


def _filters(case: Case) -> str:
    return ", ".join(
        f"{hit.get('direction', '')} {hit.get('filter', '')} {hit.get('action', '')} {hit.get('count', 1)}"
        for hit in case.filters
    )


def _text(values: Mapping[str, str | int], *names: str) -> str:
    """The first of these that is known."""
    return next((str(values[name]) for name in names if name in values), "")
