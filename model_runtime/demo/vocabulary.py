"""The demo model's own SentencePiece vocabulary, and conversations as token ids with the targets to learn."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sentencepiece

from model_runtime.chatglm3 import Tokenizer
from model_runtime.demo.corpus import Example
from model_runtime.engine import Message

if TYPE_CHECKING:
    import torch

PIECES: Final = 1800
IGNORED: Final = -100  # the target that torch's cross entropy skips
_ROUNDING: Final = 64


@dataclass(frozen=True, slots=True)
class Encoded:
    """A conversation for training. `targets[i]` is the id to predict after `ids[: i + 1]`, or IGNORED."""

    ids: list[int]
    targets: list[int]


def train_pieces(corpus: Sequence[Example]) -> bytes:
    """Return a SentencePiece model (BPE, byte fallback, single digits) trained on what the model is to know.

    Out-of-domain questions are left out on purpose: their rare characters then fall back to bytes, which is the very
    thing that tells the model that it does not know.
    """
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(corpus),
        model_writer=model,
        model_type="bpe",
        vocab_size=PIECES,
        character_coverage=1.0,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def _sentences(corpus: Sequence[Example]) -> Iterator[str]:
    for example in corpus:
        if example.name not in ("unknown", "stranger"):
            for turn in example.turns:
                yield turn.question
                yield turn.answer


def padded_size(tokenizer: Tokenizer) -> int:
    """Return the number of rows of the embedding: all ids that mean something, rounded up."""
    return -(-tokenizer.size // _ROUNDING) * _ROUNDING


def encode(tokenizer: Tokenizer, messages: Sequence[Message]) -> Encoded:
    """Encode a conversation in ChatGLM3's chat format.

    Only the assistant's tokens, and the user id that ends each answer, are targets.
    """
    ids = [tokenizer.gmask, tokenizer.sop]
    learned = [False, False]
    after_answer = False
    for message in messages:
        body = [*tokenizer.encode("\n"), *tokenizer.encode(message.content)]
        ids += [tokenizer.roles[message.role], *body]
        learned += [after_answer, *[message.role == "assistant"] * len(body)]
        after_answer = message.role == "assistant"
    ids.append(tokenizer.roles["user"])
    learned.append(after_answer)
    targets = [token if known else IGNORED for token, known in zip(ids[1:], learned[1:], strict=True)]
    return Encoded(ids[:-1], targets)


def padded(batch: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and targets, both [batch, length], padded on the right.

    Attention is causal, so nothing before the padding sees it, and the padding's targets are IGNORED.
    """
    import torch

    length = max(len(encoded.ids) for encoded in batch)
    ids = [encoded.ids + [0] * (length - len(encoded.ids)) for encoded in batch]
    targets = [encoded.targets + [IGNORED] * (length - len(encoded.targets)) for encoded in batch]
    return torch.tensor(ids), torch.tensor(targets)
