"""ChatGLM3: checkpoint folder, tokenizer and forward pass. Nothing here runs code that came with a checkpoint.

`load` and `Tokenizer` are imported when first used, so that torch and SentencePiece load only where they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_runtime.chatglm3.errors import CheckpointError

if TYPE_CHECKING:
    from model_runtime.chatglm3.tokenizer import Tokenizer
    from model_runtime.chatglm3.weights import load

__all__ = ["CheckpointError", "Tokenizer", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from model_runtime.chatglm3.weights import load

        return load
    if name == "Tokenizer":
        from model_runtime.chatglm3.tokenizer import Tokenizer

        return Tokenizer
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
