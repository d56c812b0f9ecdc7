"""Logits to the next token: greedy, or drawn with temperature and top-p. All shapes are [vocabulary]."""

from __future__ import annotations

import torch

# Below this the draw is greedy: a smaller temperature is zero in float32, and logits are divided by it.
_COLDEST = 1e-5


class Sampler:
    """Draws the tokens of one answer. Its random numbers are its own: nothing that runs beside it changes them.

    `blocked` is true for ids that must never be drawn. `seed` None takes one from the operating system.
    """

    __slots__ = ("_blocked", "_generator", "_temperature", "_top_p")

    def __init__(self, temperature: float, top_p: float, seed: int | None, blocked: torch.Tensor) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._blocked = blocked
        # On the CPU, whatever the device: one number a token, and equal seeds mean the same everywhere.
        self._generator = torch.Generator()
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed % (1 << 64))

    def draw(self, logits: torch.Tensor) -> int:
        """The next token. Raises ArithmeticError when the model gives NaN or no finite logit at all."""
        logits = logits.float().masked_fill(self._blocked, -torch.inf)
        best, token = logits.max(dim=-1)
        if not bool(torch.isfinite(best)):  # NaN wins every maximum
            raise ArithmeticError("the model gave no finite logits")
        if self._temperature < _COLDEST:
            return int(token)
        # The largest logit becomes 0 before the division, so that no temperature overflows.
        probabilities = torch.softmax((logits - best) / self._temperature, dim=-1)
        return self._nucleus(probabilities) if self._top_p < 1.0 else self._pick(probabilities.double().cumsum(-1))

    def _nucleus(self, probabilities: torch.Tensor) -> int:
        """A draw from the fewest likeliest tokens that together reach top-p."""
        ordered, tokens = probabilities.sort(descending=True, stable=True)
        cumulated = ordered.double().cumsum(-1)
        kept = int((cumulated < self._top_p * cumulated[-1]).sum()) + 1
        return int(tokens[self._pick(cumulated[:kept])])

    def _pick(self, cumulated: torch.Tensor) -> int:
        """The index whose share of the running total [n] a uniform number falls into; never one with no share."""
        # 24 random bits below 1 times a float64 total: the product stays below the total, so an index always exists.
        uniform = float(torch.rand((), generator=self._generator, dtype=torch.float32))
        return int(torch.searchsorted(cumulated, uniform * cumulated[-1], right=True))
