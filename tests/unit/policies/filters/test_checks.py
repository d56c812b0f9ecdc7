"""policies/filters/checks.py: check digits."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.filters.checks import CHECKS, cn_id, cn_uscc, iban, luhn


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (luhn, "4111 1111-1111.1111"),
        (luhn, "79927398713"),
        (cn_id, "11010519491231002X"),
        (cn_id, "110105 19491231 002x"),
        (cn_uscc, "91110000600037341L"),
        (iban, "GB82 WEST 1234 5698 7654 32"),
    ],
)
def test_check_digit_right_and_wrong(check: Callable[[str], bool], good: str) -> None:
    """A number with its check digit passes, and with any other digit in one place it does not."""
    assert check(good)
    for place, char in enumerate(good):
        if char.isdecimal():
            wrong = good[:place] + str((int(char) + 1) % 10) + good[place + 1 :]
            assert not check(wrong)


@pytest.mark.parametrize("date", ["19490229", "20231301", "20230431", "00000101"])
def test_identity_number_with_an_impossible_date(date: str) -> None:
    """No check character makes up for a day that never was."""
    assert not any(cn_id(f"110105{date}002{last}") for last in "0123456789X")


@given(st.sampled_from(sorted(CHECKS)), st.text(max_size=40))
def test_check_takes_any_text(name: str, text: str) -> None:
    """A check answers, whatever it is given."""
    assert CHECKS[name](text) in {True, False}
