"""One sequence through the model: prompt in chunks, then token by token, over its own key/value cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from model_runtime.chatglm3.geometry import Geometry
from model_runtime.generation import ModelLost
from model_runtime.sampler import Sampler

if TYPE_CHECKING:
    from transformers.models.glm.modeling_glm import GlmForCausalLM

_FIRST_CAPACITY = 256  # tokens


@dataclass(frozen=True, slots=True)
class Decoder:
    """A loaded model, ready to run sequences. `chunk` is how many prompt tokens one step computes."""

    model: GlmForCausalLM
    geometry: Geometry
    chunk: int

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.lm_head.weight.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        dtype: torch.dtype = self.model.lm_head.weight.dtype
        return dtype


class KeyValueCache:
    """Keys and values of the tokens so far. Grows by doubling, up to `limit` tokens.

    Has the one method that transformers' attention layers call, `update`. `commit` makes the new tokens count, once
    all layers have written theirs.
    """

    def __init__(self, decoder: Decoder, first: int, limit: int) -> None:
        g = decoder.geometry
        shape = (g.layers, 2, 1, g.groups, min(first, limit), g.head_dim)  # 2: a key and a value of each
        self._store = torch.empty(shape, dtype=decoder.dtype, device=decoder.device)
        self._limit = limit
        self.length = 0

    def reserve(self, tokens: int) -> None:
        """Make room for `tokens` more. Raises ValueError beyond the limit."""
        needed, capacity = self.length + tokens, self._store.shape[4]
        if needed > self._limit:
            raise ValueError(f"{needed} tokens do not fit into a cache of {self._limit}")
        if needed > capacity:
            grown = min(max(2 * capacity, needed), self._limit)
            store = self._store.new_empty((*self._store.shape[:4], grown, self._store.shape[5]))
            store[:, :, :, :, : self.length] = self._store[:, :, :, :, : self.length]
            self._store = store

    def update(self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Store `key` and `value` [1, groups, new, head_dim]; return all of that layer [1, groups, total, head_dim]."""
        keys, values = self._store[layer]
        end = self.length + key.shape[2]
        keys[:, :, self.length : end] = key
        values[:, :, self.length : end] = value
        return keys[:, :, :end], values[:, :, :end]

    def commit(self, tokens: int) -> None:
        self.length += tokens


class Sequence:
    """A prompt and the answer that grows after it. One thread at a time.

    Raises ModelLost when the device itself is gone; any other error concerns this sequence alone.
    """

    def __init__(self, decoder: Decoder, prompt: tuple[int, ...], limit: int, sampler: Sampler) -> None:
        self._decoder = decoder
        self._pending = prompt
        self._sampler = sampler
        self._cache = KeyValueCache(decoder, max(_FIRST_CAPACITY, len(prompt)), limit)

    def step(self) -> int | None:
        """Compute the next chunk of the prompt, or the next token; None while the prompt is not done."""
        chunk = self._decoder.chunk
        ids, self._pending = self._pending[:chunk], self._pending[chunk:]
        try:
            with torch.inference_mode():
                hidden = self._forward(ids)
                if self._pending:
                    return None
                token = self._sampler.draw(self._decoder.model.lm_head(hidden[0, -1]))
        except torch.AcceleratorError as error:  # a fault on the device spoils everything that runs on it
            raise ModelLost(str(error)) from error
        self._pending = (token,)
        return token

    def _forward(self, ids: tuple[int, ...]) -> torch.Tensor:
        """Hidden states of `ids` [1, len(ids), hidden], which follow what the cache holds."""
        model, cache, new = self._decoder.model.model, self._cache, len(ids)
        cache.reserve(new)
        hidden = model.embed_tokens(torch.tensor([ids], device=self._decoder.device))
        position = torch.arange(cache.length, cache.length + new, device=hidden.device)[None]
        rotary = model.rotary_emb(hidden, position_ids=position)
        mask = _mask(cache.length, new, hidden.device)
        for layer in model.layers:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary, past_key_values=cache)
        cache.commit(new)
        normed: torch.Tensor = model.norm(hidden)
        return normed


def _mask(past: int, new: int, device: torch.device) -> torch.Tensor | None:
    """Which positions [1, 1, new, past + new] may be seen; None where attention's own causal rule says the same."""
    if past == 0 or new == 1:
        return None
    return torch.ones((new, past + new), dtype=torch.bool, device=device).tril(past)[None, None]
