"""Base URLs of upstream servers."""

from __future__ import annotations

import pytest

from model_runtime.engine import EngineError
from model_runtime.upstream_address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:9000/v1", Address(False, "127.0.0.1", 9000, "/v1")),
        ("https://vllm.example.internal/v1/", Address(True, "vllm.example.internal", 443, "/v1")),
        ("http://[::1]", Address(False, "::1", 80, "")),
    ],
)
def test_address(url: str, address: Address) -> None:
    """The port defaults to the scheme's and a slash at the end means nothing."""
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:9000",
        "ftp://host/v1",
        "http://",
        "http://host:0x1/",
        "http://host:99999/",
        "http://a:b@host/v1",
        "http://host/v1?x=1",
        "http://host/v1#x",
        "http://host/v1\r\nX: y",
        "http://主机/v1",
        "http://[::1/v1",
        "http://h h/",
    ],
)
def test_unusable_address(url: str) -> None:
    """An address that is not a plain http or https URL is refused."""
    with pytest.raises(EngineError):
        parse_address(url)
