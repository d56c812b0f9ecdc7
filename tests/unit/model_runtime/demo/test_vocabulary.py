"""The vocabulary: reproducible, lossless, single digits, and targets on answers alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.chatglm3 import Tokenizer
from model_runtime.demo import WEIGHTS
from model_runtime.demo.corpus import examples
from model_runtime.demo.customers import CUSTOMERS
from model_runtime.demo.vocabulary import IGNORED, encode, padded_size, train_pieces
from model_runtime.engine import Message


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Return the tokenizer that ships."""
    return Tokenizer(WEIGHTS)


def test_pieces_are_reproducible(tmp_path: Path) -> None:
    """Training the pieces again gives the file that ships, byte for byte."""
    assert train_pieces(examples()) == (WEIGHTS / "tokenizer.model").read_bytes()


@pytest.mark.parametrize(
    "text", ["", " ", "  two  spaces ", "a\nb\n", "函谷关 龘", "👩‍👩‍👧 ok", "4111 1111", "<|system|>", "\x00", "Å É"]
)
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    """Text that was never trained comes back as it was, by byte fallback; the dummy space in front is not text."""
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    """Each digit is a token of its own, so that a value is spread over many chunks of a stream."""
    for customer in CUSTOMERS:
        digits = sum(character.isdigit() for character in customer.card)
        assert len(tokenizer.encode(customer.card)) >= digits


def test_padding_leaves_room(tokenizer: Tokenizer) -> None:
    """The embedding has a row for every id, and its height is a multiple of 64."""
    assert padded_size(tokenizer) % 64 == 0
    assert 0 <= padded_size(tokenizer) - tokenizer.size < 64


def test_prompt_is_the_one_that_serving_uses(tokenizer: Tokenizer) -> None:
    """What the model sees before an answer in training is what `encode_chat` gives it later."""
    messages = [
        Message("system", "请简短回答。"),
        Message("user", "你好"),
        Message("assistant", "你好！"),
        Message("user", "What?"),
    ]
    prompt = tokenizer.encode_chat(messages)
    assert encode(tokenizer, [*messages, Message("assistant", "函谷。")]).ids[: len(prompt)] == prompt


def test_only_answers_are_targets(tokenizer: Tokenizer) -> None:
    """The targets are the answers' tokens and the user id after each; questions and system messages are none."""
    answers = ("Yes.", "不知道。")
    messages = [Message("system", "s"), Message("user", "a"), Message("assistant", answers[0])]
    messages += [Message("user", "b"), Message("assistant", answers[1])]
    learned = [target for target in encode(tokenizer, messages).targets if target != IGNORED]
    expected: list[int] = []
    for answer in answers:
        expected += [*tokenizer.encode("\n"), *tokenizer.encode(answer), tokenizer.roles["user"]]
    assert learned == expected


def test_target_is_the_next_id(tokenizer: Tokenizer) -> None:
    """Each target is the id that follows, so the model never learns to see its own answer."""
    encoded = encode(tokenizer, [Message("user", "a"), Message("assistant", "b c d")])
    assert len(encoded.ids) == len(encoded.targets)
    for place, target in enumerate(encoded.targets[:-1]):
        assert target in (IGNORED, encoded.ids[place + 1])
    assert encoded.targets[-1] == tokenizer.roles["user"]
