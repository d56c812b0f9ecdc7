"""The model computes what the reference code of ChatGLM3 computes, within the tolerances measured for each dtype.

`tests/data/chatglm3/tiny_a` was made with the unmodified reference code (THUDM/chatglm3-6b, transformers 4.40).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from model_runtime.chatglm3 import load  # noqa: E402  # torch first: without it this file is skipped
from model_runtime.chatglm3.checkpoint import read_checkpoint  # noqa: E402
from model_runtime.chatglm3.forward import Decoder, Sequence  # noqa: E402
from model_runtime.engine import Delta, Finish  # noqa: E402
from model_runtime.generation import EventStream, Generation  # noqa: E402
from model_runtime.sampler import Sampler  # noqa: E402
from model_runtime.scheduler import Scheduler  # noqa: E402
from model_runtime.worker import Worker  # noqa: E402

TINY_A = Path(__file__).parents[2] / "data/chatglm3/tiny_a"
GOLDEN: Any = np.load(TINY_A / "golden.npz")
PROMPTS = range(3)
TOLERANCE = {"float32": 1e-4, "float16": 0.08, "bfloat16": 0.5}
NOTHING_BLOCKED = torch.zeros(320, dtype=torch.bool)


@pytest.fixture(scope="module", params=sorted(TOLERANCE))
def loaded(request: pytest.FixtureRequest) -> tuple[str, Any]:
    torch.set_num_threads(1)
    return request.param, load(TINY_A, dtype=request.param, device="cpu")


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.set_num_threads(1)  # on a busy machine two threads wait for each other
    return Decoder(load(TINY_A, dtype="float32", device="cpu"), read_checkpoint(TINY_A).geometry, chunk=256)


class Ids:
    """Reads a token as its number."""

    stopped = False

    def push(self, token: int) -> str:
        return f"{token} "

    def finish(self) -> str:
        return ""


def sequence(decoder: Decoder, prompt: int, chunk: int) -> Sequence:
    ids = tuple(GOLDEN[f"prompt{prompt}_ids"].tolist())
    chunked = Decoder(decoder.model, decoder.geometry, chunk)
    return Sequence(chunked, ids, 256, Sampler(0.0, 1.0, 0, NOTHING_BLOCKED))


def generation(decoder: Decoder, prompt: int, chunk: int) -> Generation:
    return Generation(
        lambda: sequence(decoder, prompt, chunk), Ids(), prompt_tokens=0, max_tokens=64, stop_ids=frozenset()
    )


def ids_of(stream: EventStream) -> list[int]:
    *deltas, finish = list(stream)
    assert isinstance(finish, Finish)
    return [int(delta.text) for delta in deltas if isinstance(delta, Delta)]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_logits(loaded: tuple[str, Any], prompt: int) -> None:
    """Logits of every position are within the tolerance of the dtype."""
    dtype, model = loaded
    with torch.inference_mode():
        logits = model(torch.from_numpy(GOLDEN[f"prompt{prompt}_ids"])[None]).logits[0].float()
    assert float((logits - torch.from_numpy(GOLDEN[f"prompt{prompt}_logits"])).abs().max()) <= TOLERANCE[dtype]


def test_padded_batch(loaded: tuple[str, Any]) -> None:
    """Left-padded prompts in one batch have the reference's logits, with its position ids."""
    dtype, model = loaded
    ids, mask, position = (
        torch.from_numpy(GOLDEN[f"batch_{name}"]) for name in ("ids", "attention_mask", "position_ids")
    )
    with torch.inference_mode():
        logits = model(ids, attention_mask=mask, position_ids=position).logits.float()
    difference = (logits - torch.from_numpy(GOLDEN["batch_logits"])).abs()
    assert float(difference[mask.bool()].max()) <= TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_ids(dtype: str, prompt: int) -> None:
    """Sixty-four greedy tokens over the key/value cache equal the reference's, in float32 and float16."""
    torch.set_num_threads(1)
    decoder = Decoder(load(TINY_A, dtype=dtype, device="cpu"), read_checkpoint(TINY_A).geometry, chunk=256)
    one = sequence(decoder, prompt, 256)
    assert [one.step() for _ in range(64)] == GOLDEN[f"prompt{prompt}_greedy"].tolist()


def test_greedy_ids_of_concurrent_requests(decoder: Decoder) -> None:
    """Nine requests through the engine thread at once, in chunks of several sizes, each give the reference's tokens."""
    worker = Worker(Scheduler(max_running=5, max_waiting=9))
    try:
        asked = [(prompt, chunk) for chunk in (3, 8, 256) for prompt in PROMPTS]
        streams = [worker.submit(generation(decoder, prompt, chunk)) for prompt, chunk in asked]
        for (prompt, _), stream in zip(asked, streams, strict=True):
            assert ids_of(stream) == GOLDEN[f"prompt{prompt}_greedy"].tolist()
    finally:
        worker.close()


def test_golden_margin_is_wide_enough() -> None:
    """The golden greedy tokens are no ties: a rounding difference cannot turn one into another."""
    assert all(np.diff(np.sort(GOLDEN[f"prompt{prompt}_logits"][-1])[-2:])[0] > 0.01 for prompt in PROMPTS)
