"""The frames between a client and the writer on their Unix stream socket.

Request: four bytes of length, big endian, then that many bytes of body. No body is a ping.
Reply, in the order of the requests: one byte of status, eight of index, two of length, then that many bytes of UTF-8
text: the origin of the log when the record is durable, the reason otherwise.
"""

import struct

from audit.line import MAX_BODY

DURABLE, REFUSED, UNAVAILABLE = range(3)
MAX_PATH = 107  # bytes in sockaddr_un on Linux, without the final NUL
MAX_TEXT = 400

LENGTH = struct.Struct(">I")
REPLY = struct.Struct(">BQH")


class BadFrame(Exception):
    """The peer announced more than a record may have; nothing after it can be understood."""


def request(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def reply(status: int, index: int, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")[:MAX_TEXT]
    return REPLY.pack(status, index, len(raw)) + raw


def take_requests(buffer: bytearray) -> list[bytes]:
    """Remove all whole requests from the front of the buffer. Raises `BadFrame`."""
    bodies = []
    start, have = 0, len(buffer)
    while have - start >= LENGTH.size:
        (length,) = LENGTH.unpack_from(buffer, start)
        if length > MAX_BODY:
            raise BadFrame
        end = start + LENGTH.size + length
        if end > have:
            break
        bodies.append(bytes(buffer[start + LENGTH.size : end]))
        start = end
    del buffer[:start]
    return bodies
