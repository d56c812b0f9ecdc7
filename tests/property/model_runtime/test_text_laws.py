"""Laws of the tokenizer and its streams."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sentencepiece = pytest.importorskip("sentencepiece")

from model_runtime.chatglm3 import Tokenizer  # noqa: E402  # skipped without SentencePiece
from model_runtime.chatglm3.text import TextStream  # noqa: E402
from model_runtime.engine import Message, PromptRefused  # noqa: E402

N = 300
TAGS = ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>", "[gMASK]", "sop", "</s>", "<unk>", "<0x0A>", "▁"]
TEXTS = st.lists(st.text(max_size=8) | st.sampled_from(TAGS), max_size=6).map("".join)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["hello hello world", "<|user|>", "你好 hello"] * 4),
        model_writer=model,
        vocab_size=N,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    path.write_bytes(model.getvalue())
    return Tokenizer(path)


@settings(deadline=None)
@given(text=TEXTS, role=st.sampled_from(["system", "user", "assistant", "observation"]), metadata=TEXTS)
def test_no_text_becomes_a_special_id(tokenizer: Tokenizer, text: str, role: Any, metadata: str) -> None:
    """Whatever is typed, by whatever role: the special ids of a prompt are its frame and its one turn."""
    try:
        ids = tokenizer.encode_chat([Message(role, text, metadata)])
    except PromptRefused:
        assert "\n" in metadata
        return
    frame = [tokenizer.gmask, tokenizer.sop, tokenizer.roles[role], tokenizer.roles["assistant"]]
    assert [token for token in ids if token >= N or token < 3] == frame


@settings(deadline=None)
@given(text=TEXTS)
def test_text_survives_the_round_trip(tokenizer: Tokenizer, text: str) -> None:
    """Decoding gives back what was encoded, with SentencePiece's space sign as the space that it stands for."""
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace("▁", " ")


@settings(deadline=None)
@given(ids=st.lists(st.integers(-2, 320) | st.integers(0, 300), max_size=40))
def test_stream_adds_up_to_the_whole(tokenizer: Tokenizer, ids: list[int]) -> None:
    """The texts of a stream, in a row, are the decoded whole, which SentencePiece itself decodes."""
    stream = tokenizer.stream()
    assert "".join(map(stream.push, ids)) + stream.finish() == tokenizer.decode(ids)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_bytes_stream_as_characters(data: bytes) -> None:
    """At any time at most three bytes are held back, and valid text comes through unchanged."""
    stream = TextStream(lambda byte: byte)
    out = ""
    for byte in data:
        out += stream.push(byte)
        assert len(stream._bytes) <= 3
    out += stream.finish()
    if "\ufffd" not in (text := data.decode("utf-8", errors="replace")):
        assert out == text
