"""Mail and network addresses."""

import ipaddress
from typing import Final

from policies.filters.charset import CharSet
from policies.filters.pattern import parse
from policies.filters.rule import Rule

_ALPHANUMERIC: Final = CharSet.chars("0-9A-Za-z")
_BEFORE_MAIL: Final = CharSet.chars("0-9A-Za-z_%+")
_LOCAL: Final = r"[A-Za-z0-9_%+][A-Za-z0-9._%+'\-]{0,63}"
_DOMAIN: Final = r"(?:[A-Za-z0-9_\-]{1,40}\.){1,6}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{1,20})"
_SPELT_AT: Final = r" ?[\[({<（【] ?at ?[\])}>）】] ?"
_SPELT_DOT: Final = r"(?: ?[\[({<（【] ?dot ?[\])}>）】] ?| dot |\.)"
_SPOKEN: Final = (
    r"(?: at |@)[A-Za-z0-9\-]{1,40}(?: dot [A-Za-z0-9\-]{1,40}){0,2} dot (?:com|org|net|edu|gov|info|cn|io|co|uk|de|fr)"
)
# Endings of file names that are no top-level domains: `logo@2x.png` is not an address.
_FILE_ENDINGS: Final = frozenset((
    "avif", "bmp", "css", "csv", "doc", "docx", "gif", "gz", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "jsx",
    "log", "pdf", "png", "ppt", "pptx", "svg", "tar", "tiff", "toml", "ts", "tsx", "txt", "webp", "xls", "xlsx", "xml",
    "yaml", "yml",
))  # fmt: skip
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"


def email() -> tuple[Rule, ...]:
    """Mail addresses, also with `@` and dots spelt out."""
    spelt = rf"{_LOCAL}{_SPELT_AT}[A-Za-z0-9\-]{{1,40}}(?:{_SPELT_DOT}[A-Za-z0-9\-]{{2,24}}){{1,3}}"
    return (
        Rule("EMAIL", parse(f"{_LOCAL}@{_DOMAIN}"), _BEFORE_MAIL, _ALPHANUMERIC, _is_mail),
        Rule("EMAIL", parse(f"{spelt}|{_LOCAL}{_SPOKEN}", ignore_case=True), _BEFORE_MAIL, _ALPHANUMERIC),
    )


def ip_address() -> tuple[Rule, ...]:
    """Addresses of version 4, and of version 6 with more than loopback in them.

    A full stop behind an address belongs to its span, so that a longer number such as 1.3.6.1.4 is none.
    """
    four = parse(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
    stopped = parse(rf"{_OCTET}(?:\.{_OCTET}){{3}}\.")
    six = parse(rf"(?:[0-9A-Fa-f]{{0,4}}[:：]){{2,7}}(?:[0-9A-Fa-f]{{1,4}}|{_OCTET}(?:\.{_OCTET}){{3}})")
    dotted = CharSet.chars(".") | _ALPHANUMERIC
    return (
        Rule("IP_ADDRESS", four, dotted, dotted),
        Rule("IP_ADDRESS", stopped, dotted, dotted),
        Rule("IP_ADDRESS", six, CharSet.chars(":：") | dotted, CharSet.chars(":：") | _ALPHANUMERIC, _is_six),
    )


def _is_mail(value: str) -> bool:
    local, _, domain = value.partition("@")
    ending = domain.rpartition(".")[2].lower()
    return not local.endswith(".") and local != "git" and ending not in _FILE_ENDINGS


def _is_six(value: str) -> bool:
    groups = [group for group in value.replace("：", ":").split(":") if group]
    try:
        ipaddress.IPv6Address(value.replace("：", ":"))
    except ValueError:
        return False
    long = any(len(group) > 2 for group in groups)  # `a::b` is more often code than an address
    return len(groups) >= 2 and long and any(char.isdecimal() for char in value)  # `::1` is nobody's
