"""Weights from a checkpoint folder into the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

from model_runtime.chatglm3 import CheckpointError, load  # noqa: E402  # torch first: without it this file is skipped
from model_runtime.chatglm3.checkpoint import INDEX  # noqa: E402

QKV = "transformer.encoder.layers.1.self_attention.query_key_value.weight"
NORM = "transformer.encoder.final_layernorm.weight"
Weights = dict[str, Any]


def stored(folder: Path) -> Weights:
    weights: Weights = safetensors_torch.load_file(folder / "model.safetensors")
    return weights


def store(folder: Path, weights: Weights) -> None:
    safetensors_torch.save_file(weights, folder / "model.safetensors")


def split(folder: Path, weights: Weights, shards: dict[str, set[str]], extra: dict[str, str] | None = None) -> None:
    """Write `weights` as shards; `extra` adds lines to the index."""
    (folder / "model.safetensors").unlink()
    for name, keys in shards.items():
        safetensors_torch.save_file({key: weights[key] for key in keys}, folder / name)
    index = {key: name for name, keys in shards.items() for key in keys}
    (folder / INDEX).write_text(json.dumps({"weight_map": {**index, **(extra or {})}}))


def logits(folder: Path) -> Any:
    with torch.inference_mode():
        return load(folder, dtype="float32", device="cpu")(torch.tensor([[5, 6, 7]])).logits


def test_ready_to_infer(folder: Path) -> None:
    """The model is in eval mode, needs no gradient, and nothing of it is left without memory."""
    model = load(folder, dtype=torch.float32, device=torch.device("cpu"))
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers())} == {"cpu"}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_dtype(folder: Path, dtype: str) -> None:
    """Weights have the type asked for; the rotary frequencies stay float32."""
    model = load(folder, dtype=dtype, device="cpu")
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, dtype)}
    assert model.model.rotary_emb.inv_freq.dtype is torch.float32


def test_editing_the_file_later_changes_nothing(folder: Path) -> None:
    """A loaded model does not follow its file: neither an edit nor a truncation reaches it."""
    model = load(folder, dtype="float16", device="cpu")
    before = model.lm_head.weight.clone()
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\0" * 4096)
        file.truncate(100)
    assert torch.equal(model.lm_head.weight, before)


def test_several_shards_equal_one_file(folder: Path) -> None:
    """A checkpoint cut into shards is the same model."""
    expected, weights = logits(folder), stored(folder)
    keys = sorted(weights)
    split(folder, weights, {"1-of-2.safetensors": set(keys[::2]), "2-of-2.safetensors": set(keys[1::2])})
    assert torch.equal(logits(folder), expected)


def test_missing_rotary_frequencies_are_fine(folder: Path) -> None:
    """The stored rotary frequencies are recomputed, so a checkpoint without them is the same model."""
    expected, weights = logits(folder), stored(folder)
    del weights["transformer.rotary_pos_emb.inv_freq"]
    store(folder, weights)
    assert torch.equal(logits(folder), expected)


def missing(weights: Weights) -> None:
    del weights[QKV]


def extra(weights: Weights) -> None:
    weights["transformer.prefix_encoder.embedding.weight"] = torch.zeros(2, 2)


def layer_too_many(weights: Weights) -> None:
    weights["transformer.encoder.layers.4.input_layernorm.weight"] = torch.ones(64)


def bias_variant(weights: Weights) -> None:
    weights["transformer.encoder.layers.0.self_attention.dense.bias"] = torch.zeros(64)


def wrong_shape(weights: Weights) -> None:
    weights[QKV] = weights[QKV][:-1].contiguous()


def transposed(weights: Weights) -> None:
    weights[QKV] = weights[QKV].T.contiguous()


def quantised(weights: Weights) -> None:
    weights[QKV] = weights[QKV].to(torch.int8)


def nan(weights: Weights) -> None:
    weights[QKV][3, 4] = float("nan")


def infinite(weights: Weights) -> None:
    weights[NORM][0] = float("-inf")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (missing, QKV),
        (extra, "prefix_encoder"),
        (layer_too_many, "layers.4.input_layernorm"),
        (bias_variant, "dense.bias"),
        (wrong_shape, QKV),
        (transposed, QKV),
        (quantised, "`I8`"),
        (nan, QKV),
        (infinite, NORM),
    ],
)
def test_spoilt_weight_is_named(folder: Path, spoil: Callable[[Weights], None], named: str) -> None:
    """A weight that is missing, extra, misshapen, quantised, NaN or infinite is refused by name."""
    weights = stored(folder)
    spoil(weights)
    store(folder, weights)
    with pytest.raises(CheckpointError) as caught:
        load(folder, dtype="float32", device="cpu")
    assert named in str(caught.value)
    assert str(folder) in str(caught.value)


def test_value_that_overflows_the_dtype(folder: Path) -> None:
    """A value that float16 cannot hold is refused for float16, and served as float32."""
    weights = stored(folder)
    weights[NORM] = weights[NORM].float()
    weights[NORM][0] = 1e6
    store(folder, weights)
    load(folder, dtype="float32", device="cpu")
    with pytest.raises(CheckpointError, match="final_layernorm"):
        load(folder, dtype="float16", device="cpu")


def test_key_in_two_shards(folder: Path) -> None:
    """Two values for one weight are refused: which one would win is nobody's choice."""
    weights = stored(folder)
    split(folder, weights, {"a.safetensors": set(weights), "b.safetensors": {NORM}})
    with pytest.raises(CheckpointError, match=r"again in `b\.safetensors`"):
        load(folder, dtype="float32", device="cpu")


def test_index_that_does_not_match(folder: Path) -> None:
    """A key that the index places elsewhere, or that no shard holds, is refused."""
    weights = stored(folder)
    keys = set(weights) - {NORM}
    split(
        folder,
        weights,
        {"a.safetensors": keys, "b.safetensors": {NORM}},
        {NORM: "a.safetensors", "ghost": "b.safetensors"},
    )
    with pytest.raises(CheckpointError) as caught:
        load(folder, dtype="float32", device="cpu")
    assert f"`{NORM}` is in `b.safetensors`, which" in str(caught.value)
    assert "`ghost` is not in `b.safetensors`" in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 7, b"\xff" * 64, b"\x10" + b"\0" * 7 + b'{"a":[1,2,3,4]}}', b"PK\x03\x04" * 99]
)
def test_file_that_is_no_safetensors(folder: Path, content: bytes) -> None:
    """Whatever else lies under the name is refused with our own error."""
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load(folder, dtype="float32", device="cpu")


def test_truncated_file(folder: Path) -> None:
    """A download that broke off is refused."""
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(200_000)
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        load(folder, dtype="float32", device="cpu")


@pytest.mark.parametrize(
    ("dtype", "device"),
    [
        ("int8", "cpu"),
        ("", "cpu"),
        (torch.int8, "cpu"),
        ("float32", "gpu"),
        ("float32", "cuda:99"),
        ("float32", "meta"),
    ],
)
def test_dtype_or_device_that_cannot_be_used(folder: Path, dtype: Any, device: str) -> None:
    """An unknown dtype and a device that is not there are refused before anything is read."""
    with pytest.raises(CheckpointError, match=r"dtype|device"):
        load(folder, dtype=dtype, device=device)


def test_config_that_asks_for_more_than_the_file_holds(folder: Path) -> None:
    """A config with other sizes than the weights is refused by comparing headers, before memory is taken."""
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "num_layers": 512, "hidden_size": 65536}))
    with pytest.raises(CheckpointError, match=r"more$"):
        load(folder, dtype="float32", device="cpu")
