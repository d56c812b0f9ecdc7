"""Payment cards and account numbers."""

from typing import Final

from policies.filters.charset import CharSet
from policies.filters.checks import IBAN_LENGTHS, compact, luhn
from policies.filters.checks import iban as is_iban
from policies.filters.pattern import parse
from policies.filters.rule import Rule

_DIGITS: Final = CharSet.chars("0-9")
_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_GAP: Final = r"(?: ?[\-._/] ?| {1,2})?"

# First digits (ISO/IEC 7812 issuer identification numbers) and the lengths that the schemes issue.
_ISSUERS: Final = (
    (range(40, 50), {13, 16, 19}),  # Visa
    (range(51, 56), {16}),  # Mastercard
    (range(2221, 2721), {16}),
    (range(34, 35), {15}),  # American Express
    (range(37, 38), {15}),
    (range(300, 306), {14, 16}),  # Diners Club
    (range(309, 310), {14, 16}),
    (range(36, 37), {14, 16, 19}),
    (range(38, 40), {14, 16, 19}),
    (range(3088, 3095), {16}),  # JCB
    (range(3528, 3590), {16, 17, 18, 19}),
    (range(6011, 6012), {16, 19}),  # Discover
    (range(644, 650), {16, 19}),
    (range(65, 66), {16, 19}),
    (range(62, 63), {16, 17, 18, 19}),  # UnionPay
    (range(81, 82), {16, 17, 18, 19}),
    (range(2200, 2205), {16, 17, 18, 19}),  # Mir
    (range(5018, 5039), {13, 14, 15, 16, 17, 18, 19}),  # Maestro
    (range(5893, 5894), {13, 14, 15, 16, 17, 18, 19}),
    (range(6304, 6305), {13, 14, 15, 16, 17, 18, 19}),
    (range(6759, 6764), {13, 14, 15, 16, 17, 18, 19}),
)
_LENGTHS: Final[dict[str, set[int]]] = {str(prefix): lengths for prefixes, lengths in _ISSUERS for prefix in prefixes}


def credit_card() -> tuple[Rule, ...]:
    """Card numbers of 13 to 19 digits, grouped by fours or as 4-6-5 and 4-6-4: issuer, length and check digit."""
    by_fours = rf"[2-68]\d{{3}}(?:{_GAP}\d{{4}}){{2}}{_GAP}\d{{1,4}}(?:{_GAP}\d{{1,3}})?"
    by_six = rf"3\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}"
    return (Rule("CREDIT_CARD", parse(f"{by_fours}|{by_six}"), _DIGITS, _DIGITS, _is_card),)


def bank_card() -> tuple[Rule, ...]:
    """Cards that Chinese banks issue: 16 to 19 digits that start with 62, 81 or 9558, with their check digit."""
    by_fours = rf"(?:62\d{{2}}|81\d{{2}}|9558)(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?"
    by_six = rf"62\d{{4}}{_GAP}\d{{10,13}}"
    return (Rule("CN_BANK_CARD", parse(f"{by_fours}|{by_six}"), _DIGITS, _DIGITS, luhn),)


def iban() -> tuple[Rule, ...]:
    """International bank account numbers, in one piece or by fours, as long as their country says."""
    countries: dict[int, list[str]] = {}
    for country, length in IBAN_LENGTHS.items():
        countries.setdefault(length, []).append(country)
    options = (rf"(?:{'|'.join(names)})\d{{2}}{_fours(length - 4)}" for length, names in countries.items())
    return (Rule("IBAN", parse("|".join(options), ignore_case=True), _ALPHANUMERIC, _ALPHANUMERIC, is_iban),)


def _fours(length: int) -> str:
    whole, rest = divmod(length, 4)
    return rf"(?:[ \-]?[A-Z0-9]{{4}}){{{whole}}}" + (rf"[ \-]?[A-Z0-9]{{{rest}}}" if rest else "")


def _is_card(value: str) -> bool:
    digits = compact(value)
    lengths = _LENGTHS.get(digits[:2]) or _LENGTHS.get(digits[:3]) or _LENGTHS.get(digits[:4])
    return lengths is not None and len(digits) in lengths and luhn(digits)
