"""Training: the same bytes from the same seed, batches within their size, and plain errors for wrong use."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from model_runtime.demo.train import batches, main
from model_runtime.demo.vocabulary import Encoded


@pytest.fixture
def torch_settings() -> Iterator[None]:
    """Put back the process-wide settings that training changes."""
    import torch

    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


@pytest.mark.model
def test_training_is_reproducible(tmp_path: Path, torch_settings: None) -> None:
    """Two short trainings from one seed write the same bytes; another seed writes other weights."""
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        result = CliRunner().invoke(main, ["--out", str(tmp_path / name), "--steps", "2", "--seed", seed])
        assert result.exit_code == 0, result.output
    for file in ("config.json", "model.safetensors", "tokenizer.model"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "model.safetensors").read_bytes() != (tmp_path / "c" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("arguments", [[], ["--out", "x", "--steps", "0"], ["--out", "x", "--steps", "many"]])
def test_wrong_usage(arguments: list[str]) -> None:
    """A missing folder or a step count that is none exits with 2 and trains nothing."""
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_batches_stay_within_their_size() -> None:
    """No batch is larger than the token budget with padding, none is empty, and nothing is lost."""
    lengths = itertools.cycle([3, 40, 300, 7, 700, 90])
    feed = batches((Encoded([0] * length, [0] * length) for length in lengths), 1)
    seen = 0
    for batch in itertools.islice(feed, 200):
        assert batch
        assert max(len(encoded.ids) for encoded in batch) * len(batch) <= 2048
        seen += len(batch)
    assert seen > 200
