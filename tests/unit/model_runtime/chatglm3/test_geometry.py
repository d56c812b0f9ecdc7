"""config.json of a ChatGLM3 checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.chatglm3.geometry import Geometry, parse_geometry

PATH = Path("config.json")


@pytest.fixture
def config(tiny_a: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tiny_a / "config.json").read_bytes())
    return content


def test_tiny_config(config: dict[str, Any]) -> None:
    """Every size lands in its field."""
    assert parse_geometry(config, PATH) == Geometry(4, 64, 172, 4, 2, 16, 320, 256, 1e-5, 10_000.0, 2)


def test_rope_ratio_of_the_32k_model(config: dict[str, Any]) -> None:
    """The long-context model only turns slower: its base is 50 times as large."""
    assert parse_geometry({**config, "rope_ratio": 50, "seq_length": 32768}, PATH).rope_theta == 500_000.0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quantization_bit", 4),
        ("pre_seq_len", 128),
        ("prefix_projection", True),
        ("add_bias_linear", True),
        ("add_qkv_bias", False),
        ("rmsnorm", False),
        ("post_layer_norm", False),
        ("apply_residual_connection_post_layernorm", True),
        ("multi_query_attention", False),
        ("interleaved_qkv", True),
        ("original_rope", False),
        ("fp32_residual_connection", True),
        ("tie_word_embeddings", True),
        ("attention_softmax_in_fp32", False),
        ("model_type", "glm4"),
        ("rmsnorm", 1),
        ("quantization_bit", False),
    ],
)
def test_variant_of_the_architecture(config: dict[str, Any], key: str, value: Any) -> None:
    """A flag that changes the mathematics is refused by name, and so is one of the wrong type."""
    with pytest.raises(CheckpointError, match=f"`{key}`"):
        parse_geometry({**config, key: value}, PATH)


@pytest.mark.parametrize("value", [None, 0, -1, 1.0, "4", True, [4], {}, 10**18, float("nan")])
@pytest.mark.parametrize("key", ["num_layers", "hidden_size", "padded_vocab_size", "seq_length", "kv_channels"])
def test_size_of_wrong_type_or_range(config: dict[str, Any], key: str, value: Any) -> None:
    """Sizes are whole numbers within bounds: nothing huge, negative or coerced."""
    with pytest.raises(CheckpointError, match=f"`{key}` must be a whole number"):
        parse_geometry({**config, key: value}, PATH)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layernorm_epsilon", 0),
        ("layernorm_epsilon", -1e-5),
        ("layernorm_epsilon", True),
        ("layernorm_epsilon", "1e-5"),
        ("layernorm_epsilon", float("nan")),
        pytest.param("layernorm_epsilon", 10**400, id="epsilon-huge"),
        pytest.param("rope_ratio", 10**5000, id="ratio-unprintable"),
        ("rope_ratio", 0),
        ("rope_ratio", float("inf")),
        ("rope_ratio", None),
        ("eos_token_id", -1),
        ("eos_token_id", [2]),
        ("eos_token_id", 320),
        ("multi_query_group_num", 3),
        ("kv_channels", 18),
    ],
)
def test_number_that_does_not_fit(config: dict[str, Any], key: str, value: Any) -> None:
    """Numbers that no model of this layout has are refused by name."""
    with pytest.raises(CheckpointError, match=f"`{key}`"):
        parse_geometry({**config, key: value}, PATH)


def test_missing_and_unknown_keys_come_together(config: dict[str, Any]) -> None:
    """Every problem of a config is reported in one run."""
    del config["rmsnorm"], config["num_layers"]
    config["rope_scaling"] = {"type": "linear"}
    with pytest.raises(CheckpointError) as caught:
        parse_geometry(config, PATH)
    assert len(caught.value.problems) == 3
    assert "`rope_scaling`" in str(caught.value)


def test_remote_code_is_never_named(config: dict[str, Any]) -> None:
    """`auto_map` may stand in the file and changes nothing."""
    without = {key: value for key, value in config.items() if key != "auto_map"}
    assert parse_geometry({**without, "auto_map": {"AutoModel": "evil.Model"}}, PATH) == parse_geometry(without, PATH)
