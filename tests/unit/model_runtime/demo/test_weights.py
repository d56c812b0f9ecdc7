"""The checkpoint that ships: small, in ChatGLM3's layout, and the one that the model card describes."""

from __future__ import annotations

import hashlib
import json
import struct

from model_runtime.demo import WEIGHTS

FILES = ("config.json", "model.safetensors", "tokenizer.model")


def test_folder_holds_nothing_else() -> None:
    """The folder holds the three files of a checkpoint and the model card, at most 8 MB together."""
    assert sorted(path.name for path in WEIGHTS.iterdir()) == sorted((*FILES, "MODEL_CARD.md"))
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 8_000_000


def test_digests_are_in_the_model_card() -> None:
    """The model card names the SHA-256 of each file, so a changed file shows."""
    card = (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")
    for name in FILES:
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() in card, name


def test_keys_are_those_of_chatglm3() -> None:
    """The weights carry ChatGLM3's own names and are fp16; there is no rotary buffer and nothing else."""
    config = json.loads((WEIGHTS / "config.json").read_bytes())
    raw = (WEIGHTS / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__")
    layer = {
        "input_layernorm.weight",
        "post_attention_layernorm.weight",
        "self_attention.query_key_value.weight",
        "self_attention.query_key_value.bias",
        "self_attention.dense.weight",
        "mlp.dense_h_to_4h.weight",
        "mlp.dense_4h_to_h.weight",
    }
    expected = {
        f"transformer.encoder.layers.{number}.{name}" for number in range(config["num_layers"]) for name in layer
    }
    expected |= {"transformer.embedding.word_embeddings.weight", "transformer.output_layer.weight"}
    expected |= {"transformer.encoder.final_layernorm.weight"}
    assert set(header) == expected
    assert {entry["dtype"] for entry in header.values()} == {"F16"}


def test_config_names_no_code() -> None:
    """config.json asks for no code of its own to be run."""
    assert "auto_map" not in json.loads((WEIGHTS / "config.json").read_bytes())
