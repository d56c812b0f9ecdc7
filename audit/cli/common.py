"""What all commands share: exit codes, the one way to fail, and argument types."""

import sys

FINE, BAD, USAGE = 0, 1, 2


def fail(error: Exception | str, code: int) -> int:
    """Say why on stderr and return the exit code."""
    print(f"audit: {error}", file=sys.stderr)
    return code


def seconds(text: str) -> float:
    """A number of seconds, 0 to 1,000,000: waits of months are beyond what some system calls can count."""
    value = float(text)
    if not 0 <= value <= 1_000_000:
        raise ValueError(text)
    return value


def days(text: str) -> int:
    """A whole number of days, 0 to 100,000."""
    value = int(text)
    if not 0 <= value <= 100_000:
        raise ValueError(text)
    return value


def positive(text: str) -> int:
    """An integer of 1 or more."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def unicode_text(given: str) -> str:
    """A text that can stand in a record and be looked for: not what the shell passes on of bytes that are no UTF-8."""
    given.encode()
    return given
