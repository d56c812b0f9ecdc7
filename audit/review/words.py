"""Texts as the index has them, and what people type to find them.

SQLite's `unicode61` takes words apart at spaces and punctuation, which Chinese does not have. So a run of ideographs or
kana goes in as its pairs, and its last character alone: `医保报销` as `医保 保报 报销 销`. Every character then starts
exactly one term: two or more characters are found as a phrase of pairs, and one as the start of a term. Compatibility
forms (`ＣＴ`, half-width kana) are one with the ordinary ones (Unicode NFKC, UAX #15).
"""

import re
import unicodedata
from operator import add

from audit.errors import ReviewFailed

_KANA = "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
_HANGUL = "\uac00-\ud7af"
_CJK = f"{_KANA}{_HANGUL}\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_RUN = re.compile(f"[{_CJK}]+")
_PIECE = re.compile(f"([{_CJK}]+)")
_QUOTED_OR_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
MAX_QUERY = 1000  # characters


def terms(text: str) -> str:
    """What the index takes for a text."""
    return _RUN.sub(_spread, unicodedata.normalize("NFKC", text))


def match(query: str) -> str:
    """The FTS5 expression that finds texts with all these words; `"…"` makes a phrase of several.

    Nothing in the query is syntax to FTS5. Raises `ReviewFailed` where there is nothing to look for.
    """
    if len(query) > MAX_QUERY:
        raise ReviewFailed(f"a text to search for has at most {MAX_QUERY} characters, this one {len(query)}")
    parts = [quoted or word for quoted, word in _QUOTED_OR_WORD.findall(unicodedata.normalize("NFKC", query))]
    phrases = [_phrase(part) for part in parts if any(c.isalnum() for c in part)]
    if not phrases:
        raise ReviewFailed("a text to search for needs a letter, a digit or an ideograph")
    return " AND ".join(phrases)


def _spread(run: re.Match[str]) -> str:
    characters = run[0]
    return f" {' '.join(map(add, characters, characters[1:] + ' '))}"


def _phrase(part: str) -> str:
    """Terms that follow each other. Only a quote could end the phrase, and only a NUL the expression."""
    pieces = _PIECE.split("".join(c if c.isprintable() and c != '"' else " " for c in part).strip())
    while pieces and not any(c.isalnum() for c in pieces[-1]):
        pieces.pop()  # punctuation at the end
    found: list[str] = []
    for position, piece in enumerate(pieces):
        last = position == len(pieces) - 1
        if not _RUN.fullmatch(piece):
            found.append(piece)
        elif last and len(piece) > 1:
            found += _pairs(piece)  # the run may go on in the text
        else:
            found += [*_pairs(piece), piece[-1]]
    return f'"{" ".join(found)}"{" *" if len(pieces[-1]) == 1 and _RUN.fullmatch(pieces[-1]) else ""}'


def _pairs(run: str) -> list[str]:
    return list(map(add, run, run[1:]))
