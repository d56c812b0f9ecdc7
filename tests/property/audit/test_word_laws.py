"""Laws of searching in texts: Chinese is found by exactly its substrings, and no query is anything but words."""

import sqlite3
from contextlib import closing, suppress

from hypothesis import given
from hypothesis import strategies as st

from audit.errors import ReviewFailed
from audit.review.schema import create_tables
from audit.review.words import match, terms

CHINESE = st.text(alphabet="医保报销住院", min_size=1, max_size=8)
MIXED = st.lists(st.sampled_from(["医", "保", "报", "card", "CT", "7"]), min_size=1, max_size=8)
PIECES = [
    "医",
    "保险",
    "card",
    '"',
    "*",
    "(",
    ")",
    ":",
    "^",
    "-",
    "+",
    "{",
    "}",
    ",",
    " ",
    "NOT",
    "AND",
    "NEAR",
    "\0",
    "\\",
]


def finds(text: str, query: str) -> bool:
    """Whether an index of this one text finds it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        connection.execute("INSERT INTO text (rowid, terms) VALUES (2, ?)", [terms(text)])
        return connection.execute("SELECT rowid FROM text WHERE text MATCH ?", [match(query)]).fetchall() == [(2,)]


@given(CHINESE, CHINESE)
def test_chinese_is_found_by_its_substrings_alone(text: str, query: str) -> None:
    """A run of ideographs is found exactly where it stands in the text."""
    assert finds(text, query) == (query in text)


@given(CHINESE, CHINESE, CHINESE)
def test_a_run_is_not_found_across_a_break(one: str, other: str, query: str) -> None:
    """Nothing is found that only stands there when two sentences are read as one."""
    assert finds(f"{one}。{other}", query) == (query in one or query in other)


@given(MIXED)
def test_a_text_is_found_by_itself(pieces: list[str]) -> None:
    """Whatever scripts it mixes, with and without spaces between them."""
    text = " ".join(pieces)
    assert finds(text, f'"{text}"')
    assert finds(text, text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20))
def test_no_query_is_syntax(query: str) -> None:
    """SQLite accepts whatever was typed, or the query is refused for having no word in it."""
    with suppress(ReviewFailed):
        finds("医保 card", query)
