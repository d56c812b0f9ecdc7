"""What names and paths may look like, in a policy and in a request: one rule for both, so neither can slip past."""

import re
import unicodedata
from typing import Final

MAX_NAME: Final = 256
MAX_OBJECT: Final = 512
ACTIONS: Final = ("chat", "read", "update", "export", "activate")
ROUTES: Final = ("chat.completions", "api.chat", "api.secure-chat")  # where prompts come in
ROLE_PATTERN: Final = r"[^\W_][\w.@/+-]{0,63}"

_SUBJECT_KINDS: Final = ("user:", "role:")
_ALPHABETS_LIKE_LATIN: Final = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
_LIKE_ASCII: Final = frozenset("аеорсухіѕјһԁԛԝкмтвнАВЕКМНОРСТУХІЅЈοαρνικτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_OWN_LATIN: Final = frozenset("ßæøœđłþðÆØŒĐŁÞÐ")
_WORD: Final = re.compile(r"[^\W\d_]+")
_NO_OBJECT: Final = re.compile(r"[\x00-\x20\x7f-\xa0%\\*?#\"'`<>|{}\[\]^;,]|[\u2028\u2029\ud800-\udfff]")


def subject_fault(subject: object) -> str | None:
    """Why this is no subject of a request (`user:<sub>` or `role:<name>`), or None.

    What follows the kind is an identity provider's business: any text without control characters is data.
    """
    if not isinstance(subject, str):
        return "subject is not a string"
    kind, rest = subject[:5], subject[5:]
    if kind not in _SUBJECT_KINDS:
        return "subject is neither `user:` nor `role:`"
    if not rest.strip():
        return "subject is empty"
    if len(rest) > MAX_NAME:
        return "subject is too long"
    if not rest.isprintable():
        return "subject holds a control character"
    return None


def object_fault(path: object) -> str | None:
    """Why this is no object of a request, or None. Objects are relative paths without `.`, `..`, `%` or empty parts."""
    if not isinstance(path, str):
        return "object is not a string"
    if not path:
        return "object is empty"
    if len(path) > MAX_OBJECT:
        return "object is too long"
    if _NO_OBJECT.search(path):
        return "object holds a character that no path may hold"
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        return "object has an empty part, `.` or `..`"
    return None


def look_alike(text: str) -> tuple[int, str] | None:
    """Where and why a reader could take this text for another one, as (offset, reason), or None.

    Refused are characters without a face of their own (zero width, other spaces, full-width forms), letters that only
    look like ASCII ones, and words that mix Latin with such an alphabet. Chinese names, accents and words that are
    plainly in another alphabet are fine.
    """
    if text.isascii():
        return None
    for offset, character in enumerate(text):
        if character.isascii():
            continue
        if unicodedata.category(character)[0] not in "LMN" or unicodedata.normalize("NFKC", character) != character:
            return offset, f"character {_named(character)} is not allowed here"
        if unicodedata.name(character, "").startswith("LATIN") and not _plain_latin(character):
            return offset, f"{_named(character)} only looks like another letter"
    if unicodedata.normalize("NFC", text) != text:
        return 0, "the text is not in its composed form (Unicode NFC)"
    return next(filter(None, (_mixed(word) for word in _WORD.finditer(text))), None)


def _mixed(word: re.Match[str]) -> tuple[int, str] | None:
    letters = [character for character in word[0] if character.isalpha()]
    foreign = [c for c in letters if unicodedata.name(c, "").startswith(_ALPHABETS_LIKE_LATIN)]
    if foreign and (len(foreign) < len(letters) or all(c in _LIKE_ASCII for c in foreign)):
        return word.start() + word[0].index(foreign[0]), f"{_named(foreign[0])} only looks Latin in {word[0]!r}"
    return None


def _plain_latin(character: str) -> bool:
    return unicodedata.normalize("NFD", character)[0].isascii() or character in _OWN_LATIN


def _named(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
