"""config.json of a ChatGLM3 checkpoint, parsed into checked numbers.

Only the ChatGLM3 layout is served: a flag that would change the mathematics, and a key that is not known to leave it
alone, is a refusal, since a model that runs slightly wrong is worse than one that does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runtime.chatglm3.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes of one ChatGLM3 model. Every field is positive and they fit each other."""

    layers: int
    hidden: int
    ffn: int
    heads: int
    groups: int  # key/value heads; divides `heads`
    head_dim: int  # a multiple of 4: rotary embedding turns half of it, in pairs
    vocabulary: int  # rows of the embedding, padding rows included
    context: int  # tokens
    epsilon: float
    rope_theta: float
    eos: int


# Sizes beyond these are mistakes or attacks: ten times the largest model of the family, and small enough to multiply.
_SIZES = {
    "num_layers": 512,
    "hidden_size": 1 << 16,
    "ffn_hidden_size": 1 << 20,
    "num_attention_heads": 1 << 10,
    "multi_query_group_num": 1 << 10,
    "kv_channels": 1 << 10,
    "padded_vocab_size": 1 << 20,
    "seq_length": 1 << 21,
}
_REQUIRED: Mapping[str, object] = {
    "model_type": "chatglm",
    "add_bias_linear": False,
    "add_qkv_bias": True,
    "apply_residual_connection_post_layernorm": False,
    "multi_query_attention": True,
    "post_layer_norm": True,
    "rmsnorm": True,
}
# May be absent; when present, only these values keep the architecture that the weights are mapped to.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "quantization_bit": (0, None),
    "pre_seq_len": (None,),
    "prefix_projection": (False,),
    "interleaved_qkv": (False,),
    "original_rope": (True,),
    "fp32_residual_connection": (False,),
    "tie_word_embeddings": (False,),
    "attention_softmax_in_fp32": (True,),
}
# Say nothing about inference. `auto_map` names remote code: never read. Query/key scaling by layer cancels out.
_IGNORED = frozenset(
    {
        "_name_or_path",
        "architectures",
        "auto_map",
        "apply_query_key_layer_scaling",
        "attention_dropout",
        "bias_dropout_fusion",
        "bos_token_id",
        "classifier_dropout",
        "dtype",
        "hidden_dropout",
        "pad_token_id",
        "quantization_embeddings",
        "torch_dtype",
        "transformers_version",
        "use_cache",
        "vocab_size",
    }
)
_NUMBERS = ("layernorm_epsilon", "rope_ratio", "eos_token_id")
_KNOWN = frozenset(_SIZES) | frozenset(_REQUIRED) | frozenset(_NEUTRAL) | _IGNORED | frozenset(_NUMBERS)
_ROPE_BASE = 10_000.0


def parse_geometry(config: Mapping[str, Any], path: Path) -> Geometry:
    """The geometry that `config`, the object read from `path`, describes.

    Raises CheckpointError naming every key that is missing, unknown, wrongly typed or out of bounds.
    """
    problems = [f"unknown key `{key}`" for key in config if key not in _KNOWN]
    problems += _flag_problems(config)
    problems += _number_problems(config)
    if not problems:
        problems = _fit_problems(config)
    if problems:
        raise CheckpointError(path, *problems)
    return Geometry(
        layers=config["num_layers"],
        hidden=config["hidden_size"],
        ffn=config["ffn_hidden_size"],
        heads=config["num_attention_heads"],
        groups=config["multi_query_group_num"],
        head_dim=config["kv_channels"],
        vocabulary=config["padded_vocab_size"],
        context=config["seq_length"],
        epsilon=float(config["layernorm_epsilon"]),
        rope_theta=_ROPE_BASE * float(config.get("rope_ratio", 1)),
        eos=config.get("eos_token_id", 2),
    )


def _flag_problems(config: Mapping[str, Any]) -> list[str]:
    problems = []
    for key, wanted in _REQUIRED.items():
        if key not in config:
            problems.append(f"`{key}` is missing")
        elif not _same(config[key], wanted):
            problems.append(f"`{key}` must be {_show(wanted)}, got {_show(config[key])}")
    for key, allowed in _NEUTRAL.items():
        if key in config and not any(_same(config[key], value) for value in allowed):
            problems.append(f"`{key}` is {_show(config[key])}, which is not supported")
    return problems


def _number_problems(config: Mapping[str, Any]) -> list[str]:
    problems = []
    for key, largest in _SIZES.items():
        value = config.get(key)
        if type(value) is not int or not 1 <= value <= largest:
            problems.append(f"`{key}` must be a whole number from 1 to {largest}, got {_show(value)}")
    if not _positive(config.get("layernorm_epsilon"), 1.0):
        problems.append(
            f"`layernorm_epsilon` must be above 0 and below 1, got {_show(config.get('layernorm_epsilon'))}"
        )
    if not _positive(config.get("rope_ratio", 1), 1e6):
        problems.append(f"`rope_ratio` must be above 0 and below 1e6, got {_show(config.get('rope_ratio'))}")
    eos = config.get("eos_token_id", 2)
    if type(eos) is not int or eos < 0:
        problems.append(f"`eos_token_id` must be a token id, got {_show(eos)}")
    return problems


def _fit_problems(config: Mapping[str, Any]) -> list[str]:
    problems = []
    if config["num_attention_heads"] % config["multi_query_group_num"]:
        problems.append("`num_attention_heads` must be a multiple of `multi_query_group_num`")
    if config["kv_channels"] % 4:
        problems.append("`kv_channels` must be a multiple of 4")
    if config.get("eos_token_id", 2) >= config["padded_vocab_size"]:
        problems.append("`eos_token_id` must be below `padded_vocab_size`")
    return problems


def _positive(value: object, below: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < below  # NaN is neither


def _same(value: object, wanted: object) -> bool:
    """Equal in type too: JSON's 1 is not true, and 0.0 is not 0."""
    return type(value) is type(wanted) and value == wanted


def _show(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of over 64 bits"  # Python refuses to print very long ones
    text = "nothing" if value is None else repr(value)
    return f"`{text[:40]}`"
