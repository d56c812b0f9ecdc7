"""What counts as standing out."""

from audit.report.anomalies import spikes


def test_a_spike_is_found() -> None:
    """One hour with many times the usual number stands out, and so do two of them."""
    assert spikes([10, 12, 9, 11, 300, 10, 12, 11, 9]) == [4]
    assert spikes([10, 12, 9, 250, 300, 10, 12, 11, 9]) == [3, 4]


def test_what_is_usual_is_not() -> None:
    """Even use, noisy use, no use and a silent hour do not stand out."""
    assert spikes([10] * 24) == []
    assert spikes([5, 40, 80, 20, 60, 90, 10, 30, 70]) == []
    assert spikes([0] * 24) == []
    assert spikes([50, 51, 0, 49, 50, 52, 50, 51]) == []


def test_small_numbers_are_not() -> None:
    """Three refusals where there are usually none is a multiple of nothing, and no spike."""
    assert spikes([0] * 20 + [3]) == []
    assert spikes([0] * 20 + [21]) == [20]


def test_too_little_to_compare() -> None:
    """A series of a few values has nothing usual in it."""
    assert spikes([1, 1, 1000]) == []
    assert spikes([]) == []
