"""`hangu serve`: start the audit writer and the gateway, and supervise them until a signal."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from gateway import supervise
from gateway.policy import load_policy
from gateway.settings import Settings, load_settings
from gateway.supervise import StartError
from policies.source import SourceError


@click.command(short_help="Serve a deployment, or the demo.")
@click.option("--config", type=click.Path(path_type=Path), help="hangu.yaml of the deployment. Default: HANGU_CONFIG.")
@click.option("--demo", is_flag=True, help="Create a demo deployment under --state, or reuse the one there.")
@click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), show_default=True, help="The demo's folder."
)
@click.option("--bind", help="host:port to listen on, instead of the configured one. Port 0 takes a free one.")
def serve(config: Path | None, demo: bool, state: Path, bind: str | None) -> None:
    """Serve until SIGTERM or Ctrl-C: running answers are finished, then the audit log is sealed."""
    if demo and config:
        raise click.UsageError("--demo brings its own configuration; leave --config out")
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal's encoding lacks (GBK: `✓`) must not end the gateway
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(highlight=False, soft_wrap=True, emoji=False)  # `:100:` is a place in a file
    try:
        if demo:
            _serve_demo(console, state, bind or "127.0.0.1:8000")
        settings = load_settings(config)
        _serve(console, settings, supervise.check_bind(bind or settings.bind))
    except (SourceError, StartError, OSError) as error:
        console.print(str(error), style="bold red", markup=False)
        sys.exit(1)


def _serve_demo(console: Console, state: Path, bind: str) -> None:
    from gateway import demo
    from gateway.cli import welcome

    address = supervise.check_bind(bind)
    console.print(f"Hangu demo in {state.resolve()}", markup=False)
    made: list[demo.Demo] = []
    _step(console)("keys, clients, bundle", lambda: made.append(demo.prepare(state, address)))
    settings = load_settings(made[0].config)
    _serve(console, settings, address, lambda: welcome.greet(console, made[0]))


def _serve(console: Console, settings: Settings, bind: str, greet: Callable[[], None] | None = None) -> None:
    step = _step(console)
    step("policy bundle", lambda: _check_bundle(settings))
    ready = greet or (lambda: console.print(f"Serving on http://{bind}", markup=False))
    sys.exit(supervise.run(settings, bind, step, ready))


def _check_bundle(settings: Settings) -> None:
    load_policy(settings)  # a mistake is reported here with its place, before any process starts


def _step(console: Console) -> Callable[[str, Callable[[], None]], None]:
    """Run one part of the start with a spinner, then leave a line that says how long it took."""

    def step(name: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        with console.status(name):
            work()
        console.print(f"  ✓ {name} ({time.monotonic() - started:.1f} s)", markup=False)

    return step
