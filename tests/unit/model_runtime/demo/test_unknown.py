"""Out-of-domain questions: many, different, and never about a customer."""

from __future__ import annotations

from model_runtime.demo.corpus import LANGUAGES
from model_runtime.demo.customers import CUSTOMERS
from model_runtime.demo.unknown import stranger_questions, unknown_questions


def test_questions_are_different() -> None:
    """As many questions come back as were asked for, and none twice."""
    for language in LANGUAGES:
        assert len(set(unknown_questions(language, 300, 1))) == 300
        assert len(set(stranger_questions(language, 100, 1))) == 100


def test_seed_decides() -> None:
    """One seed gives one list; another seed gives another."""
    assert unknown_questions("en", 50, 1) == unknown_questions("en", 50, 1)
    assert unknown_questions("en", 50, 1) != unknown_questions("en", 50, 2)


def test_every_area_is_present() -> None:
    """A short list already holds questions of different kinds, not of the first area alone."""
    asked = " ".join(unknown_questions("zh", 30, 1))
    assert "首都" in asked or "人口" in asked or "货币" in asked
    assert (
        "翻译" in asked
        or "拼音" in asked
        or "反义词" in asked
        or "造句" in asked
        or "怎么写" in asked
        or "法语" in asked
    )


def test_strangers_are_no_customers() -> None:
    """No question about a stranger names a customer."""
    names = {name for customer in CUSTOMERS for name in (customer.name, customer.alias)}
    for language in LANGUAGES:
        for question in stranger_questions(language, 10_000, 1):
            assert not any(name in question for name in names), question
