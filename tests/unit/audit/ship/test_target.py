"""Target URLs: what is one, and what is refused before anything is sent."""

import pytest

from audit.errors import ShippingFailed
from audit.ship.otlp_sender import OtlpHttp
from audit.ship.syslog_sender import StreamSyslog, UdpSyslog
from audit.ship.target import Wishes, parse_target


@pytest.mark.parametrize(
    ("url", "kind", "attribute", "value"),
    [
        ("syslog+udp://siem", UdpSyslog, "_address", ("siem", 514)),
        ("syslog+tcp://siem:601/", StreamSyslog, "_address", ("siem", 601)),
        ("syslog+tls://[2001:db8::1]", StreamSyslog, "_address", ("2001:db8::1", 6514)),
        ("otlp+http://collector", OtlpHttp, "_url", "http://collector:4318/v1/logs"),
        ("otlp+https://collector:443/base", OtlpHttp, "_url", "https://collector:443/base/v1/logs"),
        ("otlp+http://[::1]/v1/logs", OtlpHttp, "_url", "http://[::1]:4318/v1/logs"),
    ],
)
def test_targets(url: str, kind: type, attribute: str, value: object) -> None:
    """Each scheme is a sender, with its usual port and path."""
    sender = parse_target(url, Wishes()).open()
    assert type(sender) is kind
    assert getattr(sender, attribute) == value
    assert (getattr(sender, "_context", None) is not None) == url.startswith("syslog+tls")
    sender.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "siem:514",
        "http://siem",
        "syslog://siem",
        "syslog+udp://",
        "syslog+tcp://siem:99999",
        "syslog+tcp://siem:x",
        "syslog+tcp://siem/path",
        "otlp+http://user:secret@siem",
        "otlp+http://siem?token=secret",
        "otlp+http://siem#x",
        "file:///etc/passwd",
        "syslog+udp://[::1",
        "syslog+tcp://siem..example",
        f"syslog+udp://{'a' * 64}.example",
    ],
)
def test_no_targets(url: str) -> None:
    """What is no target is refused with a reason; a credential in a URL would stand in process lists and logs."""
    with pytest.raises(ShippingFailed, match="is not a target"):
        parse_target(url, Wishes())


def test_message_size() -> None:
    """The longest message is the transport's default unless another was asked for."""
    for scheme, size in (("udp", 2048), ("tcp", 8192)):
        assert vars(parse_target(f"syslog+{scheme}://h", Wishes()).open())["_limit"] == size
        assert vars(parse_target(f"syslog+{scheme}://h", Wishes(max_bytes=480)).open())["_limit"] == 480
