"""`hangu`: one command group, each subcommand in a file of its own that is imported when it is used."""

from __future__ import annotations

import importlib
from typing import cast

import click

from gateway import __version__

_COMMANDS = {
    "serve": "gateway.cli.serve:serve",
    "policy": "gateway.cli.policy:policy",
    "filter": "gateway.cli.filter:filter_",
    "audit": "gateway.cli.audit:audit",
}


class _Lazy(click.Group):
    """Imports a subcommand when it is asked for, so that `hangu --help` and the quick commands start quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), name))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hangu")
def main() -> None:
    """Hangu: a policy-driven secure gateway in front of ChatGLM3."""
