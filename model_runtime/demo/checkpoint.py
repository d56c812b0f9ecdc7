"""The demo model as a transformers model, and its export to ChatGLM3's own checkpoint layout.

The layout is the one of THUDM/chatglm3-6b: fused query-key-value rows, `transformer.encoder.layers.N...` names, fp16.
The loader in `model_runtime/chatglm3/` reads it back like any other ChatGLM3 checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import torch
    from transformers import GlmForCausalLM

EPSILON: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the network, in ChatGLM3's words."""

    padded_vocab_size: int
    num_layers: int = 4
    hidden_size: int = 256
    ffn_hidden_size: int = 640
    num_attention_heads: int = 8
    multi_query_group_num: int = 2
    kv_channels: int = 32
    seq_length: int = 1024


def build(shape: Shape) -> GlmForCausalLM:
    """Return a randomly initialised model; the caller seeds torch."""
    from transformers import GlmConfig, GlmForCausalLM

    config = GlmConfig(
        vocab_size=shape.padded_vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.ffn_hidden_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_attention_heads,
        num_key_value_heads=shape.multi_query_group_num,
        head_dim=shape.kv_channels,
        max_position_embeddings=shape.seq_length,
        rms_norm_eps=EPSILON,
        attention_bias=True,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
        pad_token_id=0,
        eos_token_id=2,
        use_cache=False,
    )
    return GlmForCausalLM(config)


def export(model: GlmForCausalLM, shape: Shape, folder: Path) -> None:
    """Write config.json and model.safetensors (fp16) into `folder`."""
    import torch
    from safetensors.torch import save_file

    tensors = {name: tensor.to(torch.float16).contiguous() for name, tensor in _renamed(model.state_dict(), shape)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)  # written for its owner alone, but installed for everyone
    (folder / "config.json").write_text(json.dumps(_config(shape), indent=2) + "\n", encoding="utf-8")


def _renamed(state: dict[str, torch.Tensor], shape: Shape) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every tensor under its ChatGLM3 name."""
    import torch

    yield "transformer.embedding.word_embeddings.weight", state["model.embed_tokens.weight"]
    yield "transformer.encoder.final_layernorm.weight", state["model.norm.weight"]
    yield "transformer.output_layer.weight", state["lm_head.weight"]
    for number in range(shape.num_layers):
        old, new = f"model.layers.{number}", f"transformer.encoder.layers.{number}"
        for kind in ("weight", "bias"):
            # The rows of the queries come first, then those of the keys, then those of the values.
            rows = [state[f"{old}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            yield f"{new}.self_attention.query_key_value.{kind}", torch.cat(rows)
        yield f"{new}.self_attention.dense.weight", state[f"{old}.self_attn.o_proj.weight"]
        yield f"{new}.input_layernorm.weight", state[f"{old}.input_layernorm.weight"]
        yield f"{new}.post_attention_layernorm.weight", state[f"{old}.post_attention_layernorm.weight"]
        yield f"{new}.mlp.dense_h_to_4h.weight", state[f"{old}.mlp.gate_up_proj.weight"]
        yield f"{new}.mlp.dense_4h_to_h.weight", state[f"{old}.mlp.down_proj.weight"]


def _config(shape: Shape) -> dict[str, object]:
    return {
        "model_type": "chatglm",
        "architectures": ["ChatGLMModel"],
        "num_layers": shape.num_layers,
        "hidden_size": shape.hidden_size,
        "ffn_hidden_size": shape.ffn_hidden_size,
        "num_attention_heads": shape.num_attention_heads,
        "multi_query_attention": True,
        "multi_query_group_num": shape.multi_query_group_num,
        "kv_channels": shape.kv_channels,
        "padded_vocab_size": shape.padded_vocab_size,
        "seq_length": shape.seq_length,
        "layernorm_epsilon": EPSILON,
        "rmsnorm": True,
        "post_layer_norm": True,
        "add_bias_linear": False,
        "add_qkv_bias": True,
        "apply_query_key_layer_scaling": True,
        "apply_residual_connection_post_layernorm": False,
        "attention_softmax_in_fp32": True,
        "fp32_residual_connection": False,
        "attention_dropout": 0.0,
        "hidden_dropout": 0.0,
        "bias_dropout_fusion": True,
        "original_rope": True,
        "tie_word_embeddings": False,
        "torch_dtype": "float16",
        "use_cache": True,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
