"""policies/names.py: what a request may name."""

from __future__ import annotations

import pytest

from policies.names import look_alike, object_fault, subject_fault


@pytest.mark.parametrize(
    "subject", ["user:alice", "user:王芳", "user:role:admin", "role:guest", "user:auth0|a b", "user:" + "x" * 256]
)
def test_subject(subject: str) -> None:
    """Any printable text after the kind is data."""
    assert subject_fault(subject) is None


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "user:",
        "role:",
        "user: ",
        "alice",
        "User:alice",
        "group:x",
        "user:a\nb",
        "user:\x00",
        "user:\ud800",
        "user:\u200b",
        "user:" + "x" * 257,
        None,
        7,
        b"user:alice",
        ["user:alice"],
        True,
    ],
)
def test_no_subject(subject: object) -> None:
    """Empty, unprintable, over-long, of another kind or of another type: no subject."""
    assert subject_fault(subject)


@pytest.mark.parametrize(
    "path", ["models", "model/chatglm3-6b", "model/THUDM/chatglm3-6b", "model/模型", "model/qwen:7b", "a.b", "..."]
)
def test_object(path: str) -> None:
    """Relative paths of plain parts."""
    assert object_fault(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/models",
        "models/",
        "a//b",
        "..",
        ".",
        "model/../admin",
        "model/./x",
        "model/%2e%2e/admin",
        "/a%0a",
        "a\nb",
        "a\x00",
        "a b",
        "model/*",
        "*",
        "a?b",
        "a#b",
        "a\\b",
        "a\u2028b",
        "a\ud800",
        "x" * 513,
        None,
        7,
        b"models",
        ["models"],
    ],
)
def test_no_object(path: object) -> None:
    """Whatever climbs, decodes to something else, matches more than itself or is no text: no object."""
    assert object_fault(path)


@pytest.mark.parametrize(
    "text", ["model/*", "王芳", "José", "Straße", "дмитрий", "Дмитрий-2", "Ωμέγα", "日本語の名前", "한글"]
)
def test_plain_words(text: str) -> None:
    """Words plainly in one alphabet are what they look like."""
    assert look_alike(text) is None


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("аdmin", 0),
        ("admіn", 3),
        ("x-асе", 2),
        ("a\u200bb", 1),
        ("ａ", 0),
        ("a，b", 1),
        ("ɑdmin", 0),
        ("o\u0301", 0),
        ("𝐚", 0),
        ("a“b", 1),
    ],
)
def test_look_alikes(text: str, offset: int) -> None:
    """What a reader would take for something else is found, and where."""
    found = look_alike(text)
    assert found is not None
    assert found[0] == offset
