"""The frames between a client and the writer on their Unix stream socket.

Request: four bytes of length, big endian, then that many bytes of body. No body is a ping. A length with its top bit
set announces a command instead, so that no record, whatever its bytes, can be taken for one.
Reply, in the order of the requests: one byte of status, eight of index, two of length, then that many bytes of UTF-8
text: the origin of the log when the record is durable, what a command has done, the reason otherwise.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from audit.line import MAX_BODY

DURABLE, REFUSED, UNAVAILABLE = range(3)
MAX_PATH = 107  # bytes in sockaddr_un on Linux, without the final NUL
MAX_TEXT = 400
MAX_NAMES = 0xFFFF
MAX_COMMAND = 64

LENGTH = struct.Struct(">I")
REPLY = struct.Struct(">BQH")
_COMMAND = 1 << 31
_PURGE = b"purge "
MAX_DAYS = 999_999


class BadFrame(Exception):
    """The peer announced more than a record may have, or an unknown command; nothing after it can be understood."""


@dataclass(frozen=True, slots=True)
class PurgeCommand:
    """Remove the segments of which every line is older than so many days."""

    days: int


Request = bytes | PurgeCommand


def request(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def purge_request(days: int) -> bytes:
    """The command to remove old segments. Its reply has the number of files that went, and their names as its text."""
    body = _PURGE + b"%d" % days
    return LENGTH.pack(_COMMAND | len(body)) + body


def reply(status: int, index: int, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")[:MAX_TEXT]
    return REPLY.pack(status, index, len(raw)) + raw


def purge_reply(names: Sequence[str]) -> bytes:
    """The answer to a purge that was carried out: file names with one space between them."""
    raw = " ".join(names).encode()[:MAX_NAMES]
    return REPLY.pack(DURABLE, len(names), len(raw)) + raw


def take_requests(buffer: bytearray) -> list[Request]:
    """Remove all whole requests from the front of the buffer. Raises `BadFrame`."""
    requests: list[Request] = []
    start, have = 0, len(buffer)
    while have - start >= LENGTH.size:
        (length,) = LENGTH.unpack_from(buffer, start)
        body = start + LENGTH.size
        if length > MAX_BODY:
            length = _command_length(length)
            if body + length > have:
                break
            requests.append(_command(bytes(buffer[body : body + length])))
        elif body + length > have:
            break
        else:
            requests.append(bytes(buffer[body : body + length]))
        start = body + length
    del buffer[:start]
    return requests


def _command_length(length: int) -> int:
    if length - _COMMAND not in range(MAX_COMMAND + 1):
        raise BadFrame
    return length - _COMMAND


def _command(body: bytes) -> PurgeCommand:
    digits = body.removeprefix(_PURGE)
    if digits == body or not digits.isdigit() or len(digits) > len(str(MAX_DAYS)):
        raise BadFrame
    return PurgeCommand(int(digits))
