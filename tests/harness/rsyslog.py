"""A real rsyslogd that writes what it receives over TCP to a file, for as long as a test needs it."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.server import started
from harness.wait import until

_CONFIGURATION = """\
global(workDirectory="{folder}" maxMessageSize="64k" processInternalMessages="off")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{folder}/received" template="raw")
"""


@contextmanager
def rsyslog(folder: Path) -> Iterator[tuple[str, Path]]:
    """Its URL for `audit ship`, and the file that it writes. Skips the test where rsyslog is not installed."""
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("rsyslog is not installed; tests/services/install installs it for root")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "conf").write_text(_CONFIGURATION.format(folder=folder, port=port))
    with started([program, "-n", "-f", str(folder / "conf"), "-i", str(folder / "pid")]) as (process, output):

        def listens() -> bool:
            assert process.poll() is None, "".join(output)
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until("rsyslog listens", listens)
        yield f"syslog+tcp://127.0.0.1:{port}", folder / "received"
