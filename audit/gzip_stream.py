"""One gzip member (RFC 1952) as an archived segment is stored: a fixed header, no room for anything but the content.

docs/audit-format.md, "Archived segments".
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

HEADER = bytes.fromhex("1f8b08000000000000ff")  # deflate, no flags, no time, no hint, unknown system
_TRAILER = struct.Struct("<II")
_CHUNK = 1 << 20


class BadGzip(Exception):
    """Not one whole gzip member with the fixed header and nothing behind it."""


class Inflated(io.RawIOBase):
    """The content of the member that `source` holds, in constant memory. Reading raises `BadGzip`.

    Length and CRC are checked before the end is reported, so who has read to the end has read what was stored.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._crc = self._length = 0
        self.consumed = 0  # bytes of `source`, about
        self._begun = self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # Buffer, as io calls it
        """Fill the front of the buffer; 0 only at the end of the content."""
        data = self._next(len(buffer)) if len(buffer) else b""
        buffer[: len(data)] = data
        return len(data)

    def _next(self, limit: int) -> bytes:
        if not self._begun:
            if _exactly(self._source, len(HEADER)) != HEADER:
                raise BadGzip("its header is not that of an archived segment")
            self._begun = True
        data = b""
        while not data and not self._ended:
            raw = self._inflater.unconsumed_tail or self._read()
            try:
                data = self._inflater.decompress(raw, limit)
            except zlib.error as error:
                raise BadGzip("its compressed data is damaged") from error
            self._crc, self._length = zlib.crc32(data, self._crc), self._length + len(data)
            if self._inflater.eof:
                self._check_end()
            elif not raw and not data:
                raise BadGzip("it is cut short")
        return data

    def _read(self) -> bytes:
        raw = self._source.read(_CHUNK)
        self.consumed += len(raw)
        return raw

    def _check_end(self) -> None:
        trailer = self._inflater.unused_data[: _TRAILER.size + 1]
        trailer += _exactly(self._source, _TRAILER.size + 1 - len(trailer))
        if len(trailer) > _TRAILER.size:
            raise BadGzip("something stands behind its end")
        if len(trailer) < _TRAILER.size:
            raise BadGzip("it is cut short")
        if _TRAILER.unpack(trailer) != (self._crc, self._length & 0xFFFFFFFF):
            raise BadGzip("its content is not what was compressed")
        self._ended = True


def deflated(source: BinaryIO, level: int = 6) -> Iterator[bytes]:
    """The member for the content of `source`, in pieces."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc = length = 0
    yield HEADER
    while chunk := source.read(_CHUNK):
        crc, length = zlib.crc32(chunk, crc), length + len(chunk)
        yield deflater.compress(chunk)
    yield deflater.flush()
    yield _TRAILER.pack(crc, length & 0xFFFFFFFF)


def _exactly(source: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer only at the end of the file: an unbuffered read may return less than was asked for."""
    data = b""
    while len(data) < count and (more := source.read(count - len(data))):
        data += more
    return data
