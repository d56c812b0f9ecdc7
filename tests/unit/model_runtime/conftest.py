"""A tiny ChatGLM3 checkpoint with random weights, and a SentencePiece model that fits it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

TINY_A = Path(__file__).parents[2] / "data/chatglm3/tiny_a"


@pytest.fixture(scope="session")
def tiny_a() -> Path:
    return TINY_A


@pytest.fixture(scope="session")
def tokenizer_bytes() -> bytes:
    """A BPE model of 300 pieces with byte fallback: with its nine special ids it fits the 320 rows of tiny_a."""
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["你好，世界！", "hello hello world", "what a day", "你好 hello"] * 4),
        model_writer=model,
        vocab_size=300,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        character_coverage=1.0,
        minloglevel=2,
        num_threads=1,
    )
    return model.getvalue()


@pytest.fixture
def folder(tmp_path: Path, tokenizer_bytes: bytes) -> Path:
    """A whole checkpoint folder that a test may spoil."""
    folder = tmp_path / "模型"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(TINY_A / name, folder / name)
    (folder / "tokenizer.model").write_bytes(tokenizer_bytes)
    return folder
