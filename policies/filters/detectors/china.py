"""Numbers of people, companies and vehicles in China."""

from typing import Final

from policies.filters.charset import CharSet
from policies.filters.checks import cn_id as is_cn_id
from policies.filters.checks import cn_uscc as is_cn_uscc
from policies.filters.pattern import parse
from policies.filters.rule import NOTHING, Rule

_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_PASSPORT_WORDS: Final = r"(?:护照|passport|证件)(?: (?:no|number))?[^0-9A-Za-z]{0,12}"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


def cn_id() -> tuple[Rule, ...]:
    """Resident identity numbers of 18 characters: province, birth date and check character."""
    born = r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    by_meaning = rf"[1-8]\d{{5}}[ \-]?{born}[ \-]?\d{{3}}[\dX]"
    by_fours = r"[1-8]\d{3}(?:[ \-]\d{4}){3}[ \-]\d[\dX]"
    by_threes = r"[1-8]\d{2}(?:[ \-]\d{3}){4}[ \-]\d{2}[\dX]"
    body = parse(f"{by_meaning}|{by_fours}|{by_threes}", ignore_case=True)
    return (Rule("CN_ID", body, _ALPHANUMERIC, _ALPHANUMERIC, is_cn_id),)


def cn_mobile() -> tuple[Rule, ...]:
    """Mobile numbers of 11 digits, with or without the country code, in one piece or as 3-4-4."""
    body = parse(r"(?:(?:\+|00)?86[ \-]?)?1[3-9]\d(?:[ \-]?\d{4}){2}")
    return (Rule("CN_MOBILE", body, _ALPHANUMERIC, _ALPHANUMERIC),)


def cn_uscc() -> tuple[Rule, ...]:
    """Unified social credit codes of 18 characters: region and check character."""
    body = parse(
        r"[0-9A-HJ-NP-RTUW-Y]{2}[ \-]?\d{6}[ \-]?[0-9A-HJ-NP-RTUW-Y]{9}[ \-]?[0-9A-HJ-NP-RTUW-Y]", ignore_case=True
    )
    return (Rule("CN_USCC", body, _ALPHANUMERIC, _ALPHANUMERIC, is_cn_uscc),)


def cn_passport() -> tuple[Rule, ...]:
    """Passport numbers; the shapes that other numbers share need a word for passports before them."""
    distinct = parse(r"[EG]\d{8}|E[A-HJ-NP-Z]\d{7}")
    shared = parse(r"[DSPHKM][A-Z]?\d{7,8}|1[45]\d{7}", ignore_case=True)
    return (
        Rule("CN_PASSPORT", distinct, _ALPHANUMERIC, _ALPHANUMERIC),
        Rule("CN_PASSPORT", shared, _ALPHANUMERIC, _ALPHANUMERIC, lead=parse(_PASSPORT_WORDS, ignore_case=True)),
    )


def cn_plate() -> tuple[Rule, ...]:
    """Vehicle plates: a province, a letter, then five characters, or six for electric vehicles."""
    body = parse(rf"[{_PROVINCES}][A-HJ-NP-Z][ \-.]?[0-9A-HJ-NP-Z]{{4,5}}[0-9A-HJ-NP-Z挂学警港澳领]", ignore_case=True)
    return (Rule("CN_PLATE", body, NOTHING, _ALPHANUMERIC, _has_digits),)


def _has_digits(value: str) -> bool:
    return sum(char.isdecimal() for char in value) >= 2  # a plate without two digits is a word
