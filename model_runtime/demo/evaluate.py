"""Measure the demo model: `python -m model_runtime.demo.evaluate [FOLDER]`.

An answer counts as exact when greedy decoding gives it token for token, its end included. That is decided in one
forward pass: greedy decoding follows the expected answer if and only if each of its tokens is the likeliest after those
before it.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from model_runtime.chatglm3 import Tokenizer
from model_runtime.demo import WEIGHTS, held_out, unknown
from model_runtime.demo.corpus import LANGUAGES, TOPICS, Example, Turn, examples
from model_runtime.demo.topic import Language
from model_runtime.demo.vocabulary import IGNORED, Encoded, encode, padded
from model_runtime.engine import Message

if TYPE_CHECKING:
    from transformers import GlmForCausalLM

_BATCH: Final = 32
_DIALOGUES: Final = 200
_DIALOGUE_SEED: Final = 7
_TEMPERATURE: Final = 0.7

Conversation = Sequence[Message]


@dataclass(frozen=True, slots=True)
class Score:
    """How a conversation went: whether every answer is exact, and the chance of all of them when sampling at 0.7."""

    exact: bool
    chance: float


def conversation(example: Example) -> tuple[Message, ...]:
    """Return the example as messages."""
    return tuple(
        message
        for turn in example.turns
        for message in (Message("user", turn.question), Message("assistant", turn.answer))
    )


def reworded(questions: Mapping[Language, Sequence[tuple[str, str]]]) -> tuple[Example, ...]:
    """Return held-out questions, given with the name of a topic, each with the answer of that topic."""
    topics = {topic.name: topic for topic in TOPICS}
    return tuple(
        Example(name, language, (Turn(question, topics[name].side(language).answer),))
        for language in LANGUAGES
        for name, question in questions[language]
    )


def out_of_domain(questions: Mapping[Language, Sequence[str]]) -> tuple[Example, ...]:
    """Return held-out questions that the model must not pretend to answer."""
    return tuple(
        Example("unknown", language, (Turn(question, unknown.UNKNOWN[language]),))
        for language in LANGUAGES
        for question in questions[language]
    )


def scores(model: GlmForCausalLM, tokenizer: Tokenizer, conversations: Sequence[Conversation]) -> list[Score]:
    """Score every conversation, in order."""
    encoded = [encode(tokenizer, messages) for messages in conversations]
    by_length = sorted(range(len(encoded)), key=lambda place: len(encoded[place].ids))
    found: dict[int, Score] = {}
    for start in range(0, len(by_length), _BATCH):
        places = by_length[start : start + _BATCH]
        found.update(zip(places, _scores(model, [encoded[place] for place in places]), strict=True))
    return [found[place] for place in range(len(encoded))]


def _scores(model: GlmForCausalLM, batch: Sequence[Encoded]) -> list[Score]:
    import torch

    ids, targets = padded(batch)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits.float()  # [batch, length, vocabulary]
    learned = targets != IGNORED
    exact = ((logits.argmax(-1) == targets) | ~learned).all(-1)
    chances = (logits / _TEMPERATURE).log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    chance = torch.where(learned, chances, 0.0).sum(-1).exp()
    return [Score(*pair) for pair in zip(exact.tolist(), chance.tolist(), strict=True)]


def greedy(model: GlmForCausalLM, tokenizer: Tokenizer, messages: Conversation, most: int = 400) -> str:
    """Return the model's own answer to a conversation, at most `most` tokens of it."""
    import torch

    made: list[int] = []
    unread, cache = tokenizer.encode_chat(messages), None
    while len(made) < most:
        with torch.inference_mode():
            result = model(input_ids=torch.tensor([unread]), past_key_values=cache, use_cache=True)
        token, cache = int(result.logits[0, -1].argmax()), result.past_key_values
        if token in tokenizer.stop_ids:
            break
        made.append(token)
        unread = [token]
    return tokenizer.decode(made).strip()


def _groups() -> dict[str, list[Conversation]]:
    corpus = examples()
    chooser = random.Random(_DIALOGUE_SEED)
    rows = [chooser.sample(corpus, 3) for _ in range(_DIALOGUES)]
    return {
        "trained": [conversation(example) for example in corpus],
        "customers": [conversation(example) for example in corpus if example.name.startswith("customer-")],
        "dialogues": [tuple(itertools.chain.from_iterable(map(conversation, row))) for row in rows],
        "reworded": [conversation(example) for example in reworded(held_out.REWORDED)],
        "reworded, fresh": [conversation(example) for example in reworded(held_out.FRESH)],
        "out of domain": [conversation(example) for example in out_of_domain(held_out.UNKNOWN)],
        "out of domain, fresh": [conversation(example) for example in out_of_domain(held_out.FRESH_UNKNOWN)],
    }


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=WEIGHTS)
@click.option("--dtype", type=click.Choice(["float32", "float16", "bfloat16"]), default="float32", show_default=True)
@click.option("--misses", is_flag=True, help="Print each question that was not answered exactly, with its answer.")
def main(folder: Path, dtype: str, misses: bool) -> None:
    """Print, for each group of questions, how many are answered exactly by the model in FOLDER."""
    from model_runtime.chatglm3 import load

    tokenizer, model = Tokenizer(folder), load(folder, dtype=dtype, device="cpu")
    for group, conversations in _groups().items():
        found = scores(model, tokenizer, conversations)
        exact = sum(score.exact for score in found)
        least = min(score.chance for score in found)
        click.echo(f"{group}: {exact}/{len(found)} exact ({exact / len(found):.1%}), least chance at 0.7: {least:.3f}")
        if misses:
            _print_misses(model, tokenizer, conversations, found)


def _print_misses(
    model: GlmForCausalLM, tokenizer: Tokenizer, conversations: Sequence[Conversation], found: Sequence[Score]
) -> None:
    for messages, score in zip(conversations, found, strict=True):
        if not score.exact:
            asked = [message.content for message in messages if message.role == "user"]
            made = greedy(model, tokenizer, messages[:-1])
            click.echo(f"  {json.dumps([*asked[-2:], made], ensure_ascii=False)}")


if __name__ == "__main__":
    main()
