"""`hangu audit …`: the same as `python -m audit …`."""

from __future__ import annotations

import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    short_help="Write, verify and read the audit log.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def audit(arguments: tuple[str, ...]) -> None:
    """Write, verify and read the audit log: `hangu audit --help` lists the commands."""
    from audit.cli import main

    sys.exit(main(list(arguments)))
