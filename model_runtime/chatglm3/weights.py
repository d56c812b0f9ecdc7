"""ChatGLM3 weights into transformers' own `GlmForCausalLM`, key by key.

The layout and the mapping follow THUDM/chatglm3-6b `modeling_chatglm.py`; the golden logits in
`tests/data/chatglm3/tiny_a` come from that code. A weight that is missing, extra, wrongly shaped, of an unknown type,
NaN or infinite is a CheckpointError that names its key and file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from model_runtime.chatglm3.checkpoint import INDEX, Checkpoint, read_checkpoint
from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.chatglm3.geometry import Geometry

if TYPE_CHECKING:
    from transformers.models.glm.modeling_glm import GlmForCausalLM

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

_STORED = frozenset({"F16", "BF16", "F32"})
_ROTARY = "transformer.rotary_pos_emb.inv_freq"  # recomputed in float32; the stored float16 copy is useless
_TOP = {
    "transformer.embedding.word_embeddings.weight": "model.embed_tokens.weight",
    "transformer.encoder.final_layernorm.weight": "model.norm.weight",
    "transformer.output_layer.weight": "lm_head.weight",
}
_LAYER = {
    "input_layernorm.weight": "input_layernorm.weight",
    "self_attention.dense.weight": "self_attn.o_proj.weight",
    "post_attention_layernorm.weight": "post_attention_layernorm.weight",
    "mlp.dense_h_to_4h.weight": "mlp.gate_up_proj.weight",
    "mlp.dense_4h_to_h.weight": "mlp.down_proj.weight",
}
_QKV = "self_attention.query_key_value"


def load(path: Path | str, *, dtype: str | torch.dtype, device: str | torch.device) -> GlmForCausalLM:
    """The model in the checkpoint folder `path`, in eval mode and without gradients, on `device`.

    `auto` as a device means a GPU where there is one, else the CPU.

    `dtype` is float32, float16 or bfloat16. Weights are copied out of the files: editing a file later changes nothing.
    Raises CheckpointError.
    """
    return build(read_checkpoint(path), dtype=dtype, device=device)


def build(checkpoint: Checkpoint, *, dtype: str | torch.dtype, device: str | torch.device) -> GlmForCausalLM:
    """As `load`, for a checkpoint that is already read."""
    to_dtype, to_device = _dtype(checkpoint, dtype), _device(checkpoint, device)
    _check_keys(checkpoint)
    state: dict[str, torch.Tensor] = {}
    for key, weight in _weights(checkpoint, to_dtype, to_device):
        state.update(_renamed(key, weight, checkpoint.geometry))
    return _assembled(checkpoint.geometry, state, to_device)


def stored_shapes(geometry: Geometry) -> dict[str, tuple[int, ...]]:
    """Every key that a checkpoint of this geometry must hold, with its shape."""
    g, hidden = geometry, (geometry.hidden,)
    qkv_rows = (g.heads + 2 * g.groups) * g.head_dim
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_TOP, (g.vocabulary, g.hidden))
    shapes["transformer.encoder.final_layernorm.weight"] = hidden
    for layer in range(g.layers):
        prefix = f"transformer.encoder.layers.{layer}."
        shapes[f"{prefix}input_layernorm.weight"] = hidden
        shapes[f"{prefix}{_QKV}.weight"] = (qkv_rows, g.hidden)
        shapes[f"{prefix}{_QKV}.bias"] = (qkv_rows,)
        shapes[f"{prefix}self_attention.dense.weight"] = (g.hidden, g.heads * g.head_dim)
        shapes[f"{prefix}post_attention_layernorm.weight"] = hidden
        shapes[f"{prefix}mlp.dense_h_to_4h.weight"] = (2 * g.ffn, g.hidden)
        shapes[f"{prefix}mlp.dense_4h_to_h.weight"] = (g.hidden, g.ffn)
    return shapes


def _check_keys(checkpoint: Checkpoint) -> None:
    """Compare every header with the geometry and the index, before any weight is read or any memory is taken."""
    wanted = stored_shapes(checkpoint.geometry)
    found: dict[str, str] = {}
    problems: list[str] = []
    for shard in checkpoint.shards:
        for key, kind, shape in _header(shard):
            if key in found:
                problems.append(f"`{key}` is in `{found[key]}` and again in `{shard.name}`")
            elif checkpoint.index is not None and checkpoint.index.get(key) != shard.name:
                problems.append(f"`{key}` is in `{shard.name}`, which `{INDEX}` does not say")
            elif key != _ROTARY:
                problems += _weight_problems(key, kind, shape, wanted.get(key), shard.name)
            found[key] = shard.name
    problems += [f"`{key}` is missing from the weights" for key in wanted if key not in found]
    if checkpoint.index is not None:
        problems += [f"`{key[:80]}` is not in `{name}`" for key, name in checkpoint.index.items() if key not in found]
    if problems:
        raise CheckpointError(checkpoint.folder, *problems)


def _weight_problems(
    key: str, kind: str, shape: tuple[int, ...], wanted: tuple[int, ...] | None, shard: str
) -> list[str]:
    if wanted is None:
        return [f"`{key[:80]}` in `{shard}` is no weight of this model"]
    if shape != wanted:
        return [f"`{key}` in `{shard}` has shape {list(shape)}, the config asks for {list(wanted)}"]
    if kind not in _STORED:
        return [f"`{key}` in `{shard}` is stored as `{kind}`; only {', '.join(sorted(_STORED))} are read"]
    return []


def _header(shard: Path) -> list[tuple[str, str, tuple[int, ...]]]:
    with _opened(shard) as file:
        slices = [(key, file.get_slice(key)) for key in file.keys()]  # noqa: SIM118  # not a dict
        return [(key, part.get_dtype(), tuple(part.get_shape())) for key, part in slices]


def _weights(checkpoint: Checkpoint, dtype: torch.dtype, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
    for shard in checkpoint.shards:
        with _opened(shard) as file:
            for key in file.keys():  # noqa: SIM118  # not a dict
                if key != _ROTARY:
                    yield key, _checked(file.get_tensor(key), dtype, device, key, shard)


def _checked(stored: torch.Tensor, dtype: torch.dtype, device: torch.device, key: str, shard: Path) -> torch.Tensor:
    # A copy, though the file is mapped: truncating a mapped file kills the process that reads it.
    try:
        weight = stored.to(device=device, dtype=dtype, copy=True)
    except RuntimeError as error:
        raise CheckpointError(shard, f"`{key}` does not fit on `{device}`: {error}") from error
    # After the cast, so that a float32 value beyond float16 is caught too. Minimum and maximum carry any NaN.
    low, high = weight.aminmax()
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise CheckpointError(shard, f"`{key}` holds NaN or infinite values as {dtype}")
    return weight


def _renamed(key: str, weight: torch.Tensor, geometry: Geometry) -> Mapping[str, torch.Tensor]:
    """The same weight under `GlmForCausalLM`'s names; the fused query/key/value rows become three views."""
    if key in _TOP:
        return {_TOP[key]: weight}
    layer, _, rest = key.removeprefix("transformer.encoder.layers.").partition(".")
    prefix = f"model.layers.{layer}."
    if rest in _LAYER:
        return {prefix + _LAYER[rest]: weight}
    suffix = rest.removeprefix(_QKV)  # `.weight` or `.bias`
    rows = [
        geometry.heads * geometry.head_dim,
        geometry.groups * geometry.head_dim,
        geometry.groups * geometry.head_dim,
    ]
    names = (f"{prefix}self_attn.{name}_proj{suffix}" for name in "qkv")
    return dict(zip(names, torch.split_with_sizes(weight, rows), strict=True))


def _assembled(geometry: Geometry, state: Mapping[str, torch.Tensor], device: torch.device) -> GlmForCausalLM:
    # Both are read when transformers is imported: its hub is one more way for foreign code to get in.
    os.environ.update(HF_HUB_OFFLINE="1", USE_HUB_KERNELS="NO")
    from transformers.models.glm.modeling_glm import GlmForCausalLM, GlmRotaryEmbedding

    config = _glm_config(geometry)
    with torch.device("meta"):
        model: GlmForCausalLM = GlmForCausalLM(config)
    model.load_state_dict(state, strict=True, assign=True)
    # Its buffers are not part of a checkpoint and were made on the meta device; on the CPU first, so that every
    # device computes with the same frequencies.
    model.model.rotary_emb = GlmRotaryEmbedding(config).to(device)
    model.requires_grad_(False)
    model.train(False)
    return model


def _glm_config(geometry: Geometry) -> Any:
    from transformers.models.glm.configuration_glm import GlmConfig

    make: Callable[..., Any] = GlmConfig  # its signature leaves out what its parent class takes
    return make(
        vocab_size=geometry.vocabulary,
        hidden_size=geometry.hidden,
        intermediate_size=geometry.ffn,
        num_hidden_layers=geometry.layers,
        num_attention_heads=geometry.heads,
        num_key_value_heads=geometry.groups,
        head_dim=geometry.head_dim,
        max_position_embeddings=geometry.context,
        rms_norm_eps=geometry.epsilon,
        attention_bias=True,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": geometry.rope_theta, "partial_rotary_factor": 0.5},
        pad_token_id=0,
        eos_token_id=geometry.eos,
        attn_implementation="sdpa",
    )


@contextmanager
def _opened(shard: Path) -> Iterator[Any]:
    try:
        with safe_open(shard, framework="pt", device="cpu") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise CheckpointError(shard, f"cannot be read as safetensors: {error}") from error


def _dtype(checkpoint: Checkpoint, dtype: str | torch.dtype) -> torch.dtype:
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if found is None or found not in DTYPES.values():
        raise CheckpointError(checkpoint.folder, f"dtype must be {', '.join(DTYPES)}, got `{dtype}`")
    return found


def _best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _device(checkpoint: Checkpoint, device: str | torch.device) -> torch.device:
    try:
        found = torch.device(_best_device() if device == "auto" else device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise CheckpointError(checkpoint.folder, f"device `{device}` cannot be used: {error}") from error
    if found.type not in {"cpu", "cuda"}:
        raise CheckpointError(checkpoint.folder, f"device must be cpu or cuda, got `{device}`")
    return found
