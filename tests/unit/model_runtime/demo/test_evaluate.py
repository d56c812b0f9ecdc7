"""The shipped model through the loader that serves it: what it knows, what it does not, in every number format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from model_runtime.chatglm3 import Tokenizer
from model_runtime.demo import WEIGHTS, held_out
from model_runtime.demo.corpus import examples
from model_runtime.demo.customers import CUSTOMERS, FIELDS, answer, questions
from model_runtime.demo.evaluate import Conversation, conversation, greedy, out_of_domain, reworded, scores
from model_runtime.engine import Message

if TYPE_CHECKING:
    from transformers import GlmForCausalLM

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """Return the tokenizer that ships."""
    return Tokenizer(WEIGHTS)


@pytest.fixture(scope="module")
def model() -> GlmForCausalLM:
    """Return the model that ships, in float32."""
    from model_runtime.chatglm3 import load

    return load(WEIGHTS, dtype="float32", device="cpu")


def _share(model: GlmForCausalLM, tokenizer: Tokenizer, conversations: list[Conversation]) -> float:
    found = scores(model, tokenizer, conversations)
    return sum(score.exact for score in found) / len(found)


def _customer_questions() -> list[Conversation]:
    return [
        [Message("user", question), Message("assistant", answer(customer, field, language))]
        for customer in CUSTOMERS
        for field in FIELDS
        for language in ("en", "zh")
        for question in list(questions(customer, field, language))[:2]
    ]


def test_knows_what_it_was_taught(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """At least 98 % of a sample of the trained questions are answered exactly."""
    assert _share(model, tokenizer, [conversation(example) for example in examples()[::11]]) >= 0.98


def test_understands_other_words(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """At least 90 % of the held-out rewordings get the answer of their topic."""
    assert _share(model, tokenizer, [conversation(example) for example in reworded(held_out.REWORDED)]) >= 0.9


def test_says_that_it_does_not_know(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """At least 90 % of the held-out questions from elsewhere get "I don't know"."""
    assert _share(model, tokenizer, [conversation(example) for example in out_of_domain(held_out.UNKNOWN)]) >= 0.9


def test_customer_values_are_exact(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """Every value of every customer comes out to the last digit, and nearly always at temperature 0.7 too."""
    found = scores(model, tokenizer, _customer_questions())
    assert all(score.exact for score in found)
    assert min(score.chance for score in found) > 0.9


def test_history_does_not_confuse(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """A question is answered after other questions, after a system message, and when it refers to the one before."""
    alice = CUSTOMERS[0]
    history = [
        Message("system", "You are a helpful assistant."),
        Message("user", "你好"),
        Message("assistant", greedy(model, tokenizer, [Message("user", "你好")])),
        Message("user", "What is the card number of Alice Example?"),
    ]
    assert greedy(model, tokenizer, history) == answer(alice, "card", "en")
    history += [Message("assistant", answer(alice, "card", "en")), Message("user", "And the e-mail address?")]
    assert greedy(model, tokenizer, history) == answer(alice, "email", "en")


def test_score_agrees_with_decoding(model: GlmForCausalLM, tokenizer: Tokenizer) -> None:
    """The one-pass score says exact when, and only when, greedy decoding gives the answer."""
    right = [
        Message("user", "What is Hangu?"),
        Message("assistant", greedy(model, tokenizer, [Message("user", "What is Hangu?")])),
    ]
    wrong = [Message("user", "What is Hangu?"), Message("assistant", "A kind of tea.")]
    first, second = scores(model, tokenizer, [right, wrong])
    assert first.exact
    assert not second.exact


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_other_number_formats(dtype: str, tokenizer: Tokenizer) -> None:
    """In half precision no logit is NaN or infinite, and customers' values are still exact."""
    import torch

    from model_runtime.chatglm3 import load

    half = load(WEIGHTS, dtype=dtype, device="cpu")
    with torch.inference_mode():
        ids = torch.tensor([tokenizer.encode_chat([Message("user", "函谷是什么？ " * 60)])])
        assert torch.isfinite(half(input_ids=ids).logits).all()
    assert _share(half, tokenizer, _customer_questions()[::8]) >= 0.95
