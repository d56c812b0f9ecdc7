"""`python -m audit COMMAND …`: one module for each command, imported when that command runs and not before.

A command's module has two functions: `configure(parser)` declares its arguments, `run(options)` returns the exit code.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

from audit.cli.common import BAD, FINE, USAGE, fail
from audit.cli.defaults import parse

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "hold a log directory and write what clients send",
        "verify": "recompute a log and check every signature that covers it",
        "prove": "make and check proofs of single records, for someone who does not have the log",
        "purge": "remove segments that are older than the retention period, by a signed line",
        "archive": "compress old segments where they are",
        "rekey": "hand a log over to its next signing key",
        "origins": "sign the list of all hosts' logs, and verify all of them against it",
        "query": "find what happened: who, what, when, under which rule, and how it ended",
        "show": "a record with the rule that decided and the proof of both",
        "index": "bring the index that queries use up to date, or build it anew",
        "report": "use, refusals, rules, filters and what stands out, as a page or a PDF with plots",
        "export": "write selected records for other tools: CSV, Parquet, OCSF, CEF, OpenTelemetry",
        "ship": "send the log on to syslog and OTLP receivers as it grows",
        "anchor": "bring checkpoints to witnesses and to where the writer cannot reach them",
        "witness": "vouch for the logs of others",
        "keygen": "make a signing key and its public half",
        "reveal": "open the sealed texts of a request, with the auditor's key",
        "erase": "make the sealed texts of a person unreadable for ever",
        "rewrap": "hand the sealed texts over to another auditor key",
    }
)


def main(argv: Sequence[str], offered: Mapping[str, object] = MappingProxyType({})) -> int:
    """Run one command and return its exit code. `offered` are values for what is left out (`audit.cli.defaults`)."""
    try:
        name, rest = _command(argv)
        module = import_module(f"audit.cli.{name}")
        parser = argparse.ArgumentParser(prog=f"audit {name}", description=COMMANDS[name])
        module.configure(parser)
        options = parse(parser, rest, offered)
    except SystemExit as error:  # argparse has said what is wrong
        return USAGE if error.code else FINE
    try:
        code = int(module.run(options))
        if sys.stdout is not None:  # the caller may have closed it
            sys.stdout.flush()
    except KeyboardInterrupt:
        return BAD
    except BrokenPipeError:  # a reader who has seen enough (`| head`) is no error
        _abandon_stdout()
        return FINE
    except OSError as error:  # what a command opens it answers for itself: this is stdout, on a full disk
        _abandon_stdout()
        return fail(error, BAD)
    return code


def _abandon_stdout() -> None:
    """Nothing more can be said there, at exit either."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The command named first, and its arguments. Raises `SystemExit` after saying what is wrong or what there is."""
    if argv and argv[0] in COMMANDS:
        return argv[0], argv[1:]
    rows = "\n".join(f"  {name:<12} {what}" for name, what in COMMANDS.items())
    text = f"usage: audit COMMAND …\n\nThe tamper-evident log: write it, check it, read it.\n\ncommands:\n{rows}\n"
    if argv and argv[0] in ("-h", "--help"):
        print(text, end="")
        raise SystemExit(0)
    print(f"audit: unknown command `{argv[0][:80]}`\n\n{text}" if argv else text, end="", file=sys.stderr)
    raise SystemExit(USAGE)
