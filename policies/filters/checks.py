"""Check digits and other tests of a value. Each takes folded text and ignores the separators that its rule allows."""

import datetime as dt
from collections.abc import Callable
from typing import Final

_SEPARATORS: Final = str.maketrans("", "", " \t\r\n-._/·")
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_DIGITS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_REGIONS: Final = (
    range(11, 16),
    range(21, 24),
    range(31, 38),
    range(41, 47),
    range(50, 55),
    range(61, 66),
    (71, 81, 82, 83),
)
PROVINCES: Final = frozenset(str(code) for codes in _REGIONS for code in codes)
"""The first two digits of a region code (GB/T 2260)."""
_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def compact(value: str) -> str:
    """The value without separators, in capitals."""
    return value.translate(_SEPARATORS).upper()


def luhn(value: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812-1, annex B)."""
    digits = compact(value).encode()
    if len(digits) < 2 or not digits.isdigit():  # a digit and its check digit
        return False
    return (sum(digits[::-2].translate(_VALUES)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0


def cn_id(value: str) -> bool:
    """Whether this is an 18-character resident identity number: province, birth date, check character (GB 11643)."""
    number = compact(value)
    body = number[:17]
    if len(number) != 18 or not (body.isascii() and body.isdecimal()) or number[:2] not in PROVINCES:  # GB 11643
        return False
    try:
        dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    weighted = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, body, strict=True))
    return "10X98765432"[weighted % 11] == number[17]


def cn_uscc(value: str) -> bool:
    """Whether this is a unified social credit code: region and check character modulo 31 (GB 32100)."""
    code = compact(value)
    if len(code) != 18 or any(char not in _USCC_DIGITS for char in code):  # GB 32100
        return False
    if code[2:4] not in PROVINCES and code[2:4] != "10":
        return False
    weighted = sum(pow(3, place, 31) * _USCC_DIGITS.index(char) for place, char in enumerate(code[:17]))
    return _USCC_DIGITS[-weighted % 31] == code[17]


def iban(value: str) -> bool:
    """Whether this is an IBAN: the length of its country and the remainder modulo 97 (ISO 13616, ISO/IEC 7064)."""
    number = compact(value)
    if IBAN_LENGTHS.get(number[:2]) != len(number) or not (number.isascii() and number.isalnum()):
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


CHECKS: Final[dict[str, Callable[[str], bool]]] = {"luhn": luhn, "cn_id": cn_id, "cn_uscc": cn_uscc, "iban": iban}
"""The checks that a pattern in filters.yaml may name."""

IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
"""Characters in an IBAN, by country (ISO 13616 registry)."""
