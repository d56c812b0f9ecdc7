"""United States social security numbers."""

from typing import Final

from policies.filters.charset import CharSet
from policies.filters.checks import compact
from policies.filters.pattern import parse
from policies.filters.rule import Rule

_DIGITS: Final = CharSet.chars("0-9")
_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_WORDS: Final = r"(?:ssn|social security|社安号|社会安全号|社保号)[^0-9]{0,24}"


def us_ssn() -> tuple[Rule, ...]:
    """Nine digits as 3-2-4 with one kind of separator, or in one piece behind a word for them."""
    grouped = parse(r"\d{3}(?: ?- ?\d{2} ?- ?|\ \d{2}\ |\.\d{2}\.)\d{4}")
    return (
        Rule("US_SSN", grouped, _DIGITS, _DIGITS, _is_ssn),
        Rule("US_SSN", parse(r"\d{9}"), _ALPHANUMERIC, _ALPHANUMERIC, _is_ssn, lead=parse(_WORDS, ignore_case=True)),
    )


def _is_ssn(value: str) -> bool:
    """The numbers that the administration has never issued: area 000, 666 and from 900 on, group 00, serial 0000."""
    digits = compact(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
