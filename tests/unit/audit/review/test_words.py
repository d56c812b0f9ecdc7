"""Texts are found by the words that people type, Chinese ones too, and nothing they type is syntax."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from audit.errors import ReviewFailed
from audit.review.schema import create_tables
from audit.review.words import match, terms

TEXTS = (
    "请问医保报销需要哪些材料？",
    "基本医疗保险",
    "My health card (医保card) was refused",
    "ＣＴ检查报告 NEAR budget",
    "ｶﾞｿﾘﾝ の領収書",
    "𠮷野家の領収書",
    "naïve café",
)


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    """The texts above, as rows 0 and up."""
    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        for number, text in enumerate(TEXTS):
            connection.execute("INSERT INTO text (rowid, terms) VALUES (?, ?)", [number, terms(text)])
        yield connection


def found(index: sqlite3.Connection, query: str) -> list[int]:
    return [row for (row,) in index.execute("SELECT rowid FROM text WHERE text MATCH ? ORDER BY rowid", [match(query)])]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("医保", [0, 2]),  # two characters, which a trigram index does not find
        ("保", [0, 1, 2]),
        ("料", [0]),  # the last one of a run
        ("医疗保险", [1]),
        ("医保报销", [0]),
        ("医保 材料", [0]),  # all words
        ("医保card", [2]),
        ("医保 CARD", [2]),
        ("CT", [3]),
        ("ct检查", [3]),
        ("查报", [3]),
        ("ガソリン", [4]),
        ("領収", [4, 5]),
        ("𠮷野", [5]),
        ("cafe", [6]),
        ('"health card"', [2]),
        ("health, card!", [2]),
        ("材料？", [0]),
    ],
)
def test_a_word_is_found(index: sqlite3.Connection, query: str, hits: list[int]) -> None:
    """Chinese by any run of its characters, other scripts by words, whatever case or width."""
    assert found(index, query) == hits


@pytest.mark.parametrize("query", ["医销", "保医", "料材", "carde", '"card health"', "医保险", "car", "医保 药品"])
def test_another_word_is_not_found(index: sqlite3.Connection, query: str) -> None:
    """Characters that do not follow each other are no word, and a part of a Latin word is none."""
    assert found(index, query) == []


@pytest.mark.parametrize(
    "query",
    ["budget OR refused", "NOT card", "terms:card", "ca*", "NEAR(health card, 1)", 'card" OR "budget', "{a b}: c"],
)
def test_fts_syntax_injection(index: sqlite3.Connection, query: str) -> None:
    """Operators, columns, prefixes and stray quotes in a query are words or nothing."""
    assert found(index, query) == []


@pytest.mark.parametrize("query", ["card\x00", "^card", "\x00card", "(card", "card)", "card;--", "'card'"])
def test_stray_characters_do_not_matter(index: sqlite3.Connection, query: str) -> None:
    """A control character or a bracket neither breaks the query nor changes what it finds."""
    assert found(index, query) == [2]


@pytest.mark.parametrize("query", ["", "  ", "。", '""', "*", "\x00"])
def test_nothing_to_look_for_is_refused(query: str) -> None:
    """A query without a letter, digit or ideograph does not silently find nothing."""
    with pytest.raises(ReviewFailed, match="needs a letter"):
        match(query)


def test_a_query_of_a_book_is_refused() -> None:
    """A query is bounded, and the longest one works."""
    with pytest.raises(ReviewFailed, match="at most 1000"):
        match("医" * 1001)
    assert match("医 " * 500).count("AND") == 499


def test_the_longest_query_is_one_that_sqlite_takes(index: sqlite3.Connection) -> None:
    """Five hundred words are below every limit of FTS5."""
    assert found(index, "a " * 500) == []
    assert found(index, "医保" * 500) == []
