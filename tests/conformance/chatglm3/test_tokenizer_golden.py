"""The tokenizer gives what ChatGLM3's own gives: texts, prompts, outputs and the prefixes of streams.

The SentencePiece model belongs to ChatGLM3-6B and its licence, so it is not in this repository. Name it in
`HANGU_CHATGLM3_TOKENIZER` to run these tests.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sentencepiece")

from model_runtime.chatglm3 import Tokenizer
from model_runtime.engine import Message

ROOT = Path(__file__).parents[3]
GOLDEN: dict[str, Any] = json.loads((ROOT / "tests/data/chatglm3/tokenizer_golden.json").read_bytes())
MODEL = Path(os.environ.get("HANGU_CHATGLM3_TOKENIZER") or ROOT.parent / "shared/chatglm3/tokenizer.model")

pytestmark = pytest.mark.skipif(
    not MODEL.is_file(), reason=f"no ChatGLM3 tokenizer at {MODEL}: set HANGU_CHATGLM3_TOKENIZER to its tokenizer.model"
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(MODEL)


def test_vocabulary(tokenizer: Tokenizer) -> None:
    """The file, its size, the special ids and the stop ids are those of ChatGLM3-6B."""
    special = GOLDEN["special_tokens"]
    assert tokenizer.digest == GOLDEN["tokenizer_model_sha256"]
    assert (tokenizer.text_size, tokenizer.size) == (GOLDEN["sp_vocab_size"], GOLDEN["n_words"])
    assert [tokenizer.mask, tokenizer.gmask, tokenizer.smask, tokenizer.sop, tokenizer.eop] == [
        special[name] for name in ("[MASK]", "[gMASK]", "[sMASK]", "sop", "eop")
    ]
    assert tokenizer.roles == {name: special[f"<|{name}|>"] for name in ("system", "user", "assistant", "observation")}
    assert list(tokenizer.stop_ids) == GOLDEN["stop_ids"]


@pytest.mark.parametrize("case", GOLDEN["text"], ids=lambda case: ascii(case["text"][:20]))
def test_text(tokenizer: Tokenizer, case: dict[str, Any]) -> None:
    """Text becomes the reference's ids and comes back as the reference's text."""
    assert tokenizer.encode(case["text"]) == case["ids"]
    assert tokenizer.decode(case["ids"]) == case["decoded"]


@pytest.mark.parametrize("case", GOLDEN["chat"])
def test_chat(tokenizer: Tokenizer, case: dict[str, Any]) -> None:
    """A conversation becomes the reference's prompt, tools included."""
    tools = next((message["tools"] for message in case["messages"] if "tools" in message), None)
    messages = [{key: value for key, value in message.items() if key != "tools"} for message in case["messages"]]
    assert tokenizer.encode_chat(messages, tools) == case["ids"]


@pytest.mark.parametrize("case", GOLDEN["output"])
def test_output(tokenizer: Tokenizer, case: dict[str, Any]) -> None:
    """An answer falls into the reference's segments, and its text is the reference's but for the role tokens."""
    segments = [{"metadata": one.metadata, "content": one.content} for one in tokenizer.segments(case["ids"])]
    assert segments == case["segments"]
    roles = {token: f"<|{name}|>" for name, token in tokenizer.roles.items()}
    parts: list[str] = []
    run: list[int] = []
    for token in [*case["ids"], -1]:
        if token in roles or token == -1:
            parts += [tokenizer.decode(run), roles.get(token, "")]
            run = []
        else:
            run.append(token)
    assert "".join(parts) == case["decoded_with_role_tokens"]


@pytest.mark.parametrize("case", GOLDEN["stream_prefix_decode"])
def test_stream(tokenizer: Tokenizer, case: dict[str, Any]) -> None:
    """At each id the stream has given what the prefix decodes to, but for the trailing U+FFFD that it holds back."""
    stream, given = tokenizer.stream(), ""
    for at, (token, prefix) in enumerate(zip(case["ids"], case["prefix_text"], strict=True), start=1):
        given += stream.push(token)
        assert tokenizer.decode(case["ids"][:at]) == prefix
        assert given == prefix.rstrip("\ufffd")
    assert given + stream.finish() == case["prefix_text"][-1]


def test_random_ids_stream_as_they_decode(tokenizer: Tokenizer) -> None:
    """For thousands of random id sequences, rich in byte pieces, the stream adds up to the whole decode."""
    choose = random.Random(17)
    pools = (range(3, 259), (0, 1, 2, 265, 30910), range(tokenizer.text_size), range(tokenizer.text_size, 65024))
    for _ in range(5000):
        ids = [choose.choice(choose.choice(pools)) for _ in range(choose.randrange(9))]
        stream = tokenizer.stream()
        assert "".join(map(stream.push, ids)) + stream.finish() == tokenizer.decode(ids), ids


def test_role_token_in_prompt(tokenizer: Tokenizer) -> None:
    """Role tags typed by a user are the five pieces of text that they look like."""
    ids = tokenizer.encode_chat([Message("user", "<|system|><|assistant|>")])
    assert [token for token in ids if token >= tokenizer.text_size] == [64790, 64792, 64795, 64796]
