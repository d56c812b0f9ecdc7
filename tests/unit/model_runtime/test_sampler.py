"""Logits to tokens."""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from model_runtime.sampler import Sampler  # noqa: E402  # torch first: without it this file is skipped

SIZE = 6
LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 9.0, 9.0]).log_softmax(-1)
BLOCKED = torch.tensor([False, False, False, False, True, True])


def sampler(temperature: float = 1.0, top_p: float = 1.0, seed: int | None = 7) -> Sampler:
    return Sampler(temperature, top_p, seed, BLOCKED)


def share(one: Sampler, draws: int = 4000) -> dict[int, float]:
    return {token: count / draws for token, count in Counter(one.draw(LOGITS) for _ in range(draws)).items()}


def test_greedy_takes_the_likeliest_that_is_allowed() -> None:
    """Temperature 0 is the largest logit, blocked ids aside."""
    assert sampler(0.0).draw(LOGITS) == 0


@pytest.mark.parametrize("temperature", [1e-320, 1e-6, 1e-4])
def test_tiny_temperature_is_greedy(temperature: float) -> None:
    """A temperature so small that a division would overflow gives the likeliest token, not NaN."""
    assert {sampler(temperature).draw(LOGITS) for _ in range(20)} == {0}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    """Shares of many draws are the softmax of logits over temperature; blocked ids never come."""
    expected = torch.softmax(LOGITS[:4] / temperature, dim=-1)
    got = share(sampler(temperature))
    assert set(got) <= {0, 1, 2, 3}
    assert all(abs(got.get(token, 0.0) - float(expected[token])) < 0.03 for token in range(4))


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    """Top-p keeps the smallest set of likeliest tokens with that share, and renormalises it."""
    likely = torch.softmax(LOGITS[:4], dim=-1)  # about 0.64, 0.24, 0.09, 0.03
    got = share(sampler(top_p=0.8))
    assert set(got) == {0, 1}
    assert abs(got[0] - float(likely[0] / (likely[0] + likely[1]))) < 0.03
    assert set(share(sampler(top_p=1e-9), 50)) == {0}


def test_half_precision_logits() -> None:
    """Logits of a float16 model are drawn from like any others."""
    assert sampler(0.0).draw(LOGITS.half()) == 0
    assert sampler().draw(LOGITS.half()) in range(4)


def test_seed_decides_and_nothing_else() -> None:
    """Equal seeds draw equal tokens, whatever other samplers do in between; other seeds differ."""
    alone = sampler(seed=11)
    first = [alone.draw(LOGITS) for _ in range(60)]
    again, other = sampler(seed=11), sampler(seed=12)
    mixed = [(again.draw(LOGITS), other.draw(LOGITS)) for _ in range(60)]
    torch.manual_seed(0)
    assert [one for one, _ in mixed] == first
    assert [two for _, two in mixed] != first


@pytest.mark.parametrize("seed", [-1, 2**64 + 5, -(10**30), None])
def test_any_whole_number_is_a_seed(seed: int | None) -> None:
    """Seeds outside 64 bits and no seed at all are fine."""
    assert sampler(seed=seed).draw(LOGITS) in range(4)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_broken_logits_are_an_error(temperature: float, value: float) -> None:
    """A model that computes NaN or infinities gives an error, not an arbitrary token."""
    with pytest.raises(ArithmeticError, match="no finite logits"):
        sampler(temperature).draw(torch.full((SIZE,), value))
    with pytest.raises(ArithmeticError, match="no finite logits"):
        sampler(temperature).draw(torch.tensor([0.0, float("nan"), 0.0, 0.0, 0.0, 0.0]))
