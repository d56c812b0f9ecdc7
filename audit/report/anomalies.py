"""Which numbers of a series stand out. Robust statistics: one huge value does not hide the next."""

from collections.abc import Sequence
from statistics import median

_FACTOR = 8  # median absolute deviations; about 5 standard deviations of a normal distribution
_FEWEST = 8  # values that make a comparison worth while


def spikes(values: Sequence[int], least: int = 20) -> list[int]:
    """Positions of the values that lie above the median by more than `least` and by more than eight median absolute
    deviations (Hampel's rule). None where there are fewer than eight values to compare."""
    if len(values) < _FEWEST:
        return []
    middle = median(values)
    spread = median(abs(value - middle) for value in values)
    return [place for place, value in enumerate(values) if value - middle > max(least, _FACTOR * spread)]
