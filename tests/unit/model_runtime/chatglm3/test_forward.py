"""One sequence through the model."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from model_runtime.chatglm3 import load  # noqa: E402  # torch first: without it this file is skipped
from model_runtime.chatglm3.checkpoint import read_checkpoint  # noqa: E402
from model_runtime.chatglm3.forward import Decoder, KeyValueCache, Sequence  # noqa: E402
from model_runtime.sampler import Sampler  # noqa: E402

PROMPT = tuple(range(3, 60))


@pytest.fixture(scope="module")
def decoder(tiny_a: Path) -> Decoder:
    torch.set_num_threads(1)  # on a busy machine two threads wait for each other
    model = load(tiny_a, dtype="float32", device="cpu")
    return Decoder(model, read_checkpoint(tiny_a).geometry, chunk=256)


def sequence(decoder: Decoder, chunk: int, limit: int = 128) -> Sequence:
    decoder = Decoder(decoder.model, decoder.geometry, chunk)
    return Sequence(decoder, PROMPT, limit, Sampler(0.0, 1.0, 1, torch.zeros(320, dtype=torch.bool)))


def tokens(one: Sequence, count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        token = one.step()
        found += [] if token is None else [token]
    return found


@pytest.mark.parametrize("chunk", [1, 2, 7, 56, 57, 58])
def test_prompt_in_chunks_is_exact(decoder: Decoder, chunk: int) -> None:
    """However the prompt is cut into chunks, the answer is that of the whole prompt."""
    assert tokens(sequence(decoder, chunk), 30) == tokens(sequence(decoder, 256), 30)


@pytest.mark.parametrize(("chunk", "steps"), [(57, 1), (56, 2), (10, 6)])
def test_one_chunk_a_step(decoder: Decoder, chunk: int, steps: int) -> None:
    """A step computes one chunk, and the last of them gives the first token."""
    one = sequence(decoder, chunk)
    assert [one.step() is None for _ in range(steps)] == [True] * (steps - 1) + [False]


def test_sequences_do_not_touch_each_other(decoder: Decoder) -> None:
    """Two sequences in turn give what each gives alone."""
    alone = tokens(sequence(decoder, 256), 20)
    first, second = sequence(decoder, 256), sequence(decoder, 5)
    tokens(second, 1)
    assert [(first.step(), second.step())[0] for _ in range(20)] == alone


def test_sequence_beyond_its_limit_is_an_error(decoder: Decoder) -> None:
    """A cache never grows past the tokens that were granted."""
    one = sequence(decoder, 256, limit=60)
    assert len(tokens(one, 4)) == 4  # the fourth token is never fed back
    with pytest.raises(ValueError, match="do not fit"):
        one.step()


def test_cache_keeps_its_content_when_it_grows(decoder: Decoder) -> None:
    """Growing moves what is stored and never passes the limit."""
    cache = KeyValueCache(decoder, 2, 5)
    key = torch.arange(2.0 * 16).reshape(1, 2, 1, 16)
    for step in range(5):
        cache.reserve(1)
        for layer in range(4):
            keys, values = cache.update(key + step, -key - step, layer)
        cache.commit(1)
    assert keys.shape == (1, 2, 5, 16)
    assert torch.equal(keys, -values)
    assert torch.equal(keys[:, :, 3:4], key + 3)
    with pytest.raises(ValueError, match="do not fit"):
        cache.reserve(1)
