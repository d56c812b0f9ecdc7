"""Export: the ChatGLM3 layout says the same as the transformers model that was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.demo.checkpoint import Shape, build, export

pytestmark = pytest.mark.model
TINY = Shape(64, num_layers=2, hidden_size=32, ffn_hidden_size=48, num_attention_heads=4, kv_channels=8, seq_length=64)


def test_export_round_trip(tmp_path: Path) -> None:
    """A model that is exported and loaded again computes the very same logits."""
    import torch

    from model_runtime.chatglm3 import load

    torch.manual_seed(1)
    model = build(TINY)
    for weight in model.parameters():  # biases and norms too, so that a swapped row would show
        weight.data = torch.randn_like(weight).mul_(0.3).half().float()
    export(model, TINY, tmp_path)
    loaded = load(tmp_path, dtype="float32", device="cpu")
    ids = torch.arange(20)[None] % 64
    with torch.inference_mode():
        assert torch.equal(model(input_ids=ids).logits, loaded(input_ids=ids).logits)
