"""The frames: whole or not yet, within bounds or refused, and never one kind for another."""

import pytest

from audit import wire
from audit.line import MAX_BODY

PURGE = wire.purge_request(365)


def test_requests_in_any_pieces() -> None:
    """However the bytes are cut, the same requests come out, in order."""
    stream = wire.request(b'{"a":1}') + PURGE + wire.request(b"") + wire.request(b"{}")
    for size in range(1, len(stream) + 1):
        buffer, found = bytearray(), []
        for start in range(0, len(stream), size):
            buffer += stream[start : start + size]
            found += wire.take_requests(buffer)
        assert found == [b'{"a":1}', wire.PurgeCommand(365), b"", b"{}"]
        assert not buffer


def test_record_is_never_a_command() -> None:
    """The bytes of a command, sent as a record, are a record."""
    assert wire.take_requests(bytearray(wire.request(PURGE))) == [PURGE]
    assert wire.take_requests(bytearray(wire.request(PURGE[4:]))) == [b"purge 365"]


def command(body: bytes) -> bytes:
    """A frame that says it is a command."""
    return (0x8000_0000 | len(body)).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "frame",
    [
        (MAX_BODY + 1).to_bytes(4, "big"),
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff",
        (0x8000_0000 | wire.MAX_COMMAND + 1).to_bytes(4, "big"),
        command(b""),
        command(b"365"),
        command(b"purge "),
        command(b"purge -1"),
        command(b"purge 1x"),
        command(b"purge 1000000"),
        command("purge ١".encode()),
        command(b"erase 365"),
    ],
)
def test_nonsense(frame: bytes) -> None:
    """What is too long for a record, or no known command, is no frame; nothing behind it is believed."""
    with pytest.raises(wire.BadFrame):
        wire.take_requests(bytearray(wire.request(b"{}") + frame))


def test_reply_is_bounded() -> None:
    """A reason is cut before it can outgrow its length field; so are the names of removed files."""
    for raw in (wire.reply(wire.REFUSED, 0, "医" * 1000), wire.purge_reply(["000000000000.log"] * 9000)):
        _, _, length = wire.REPLY.unpack_from(raw)
        assert len(raw) == wire.REPLY.size + length
