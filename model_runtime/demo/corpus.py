"""The training corpus: every example the demo model has to know, in a fixed order, with a digest.

All text is generated from the modules beside this one. Nothing is read from outside and nothing is random beyond the
fixed seeds, so that the same sources always give the same corpus.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_runtime.demo import company_topics, customers, hangu_topics, long_answers, small_talk, unknown, usage_topics
from model_runtime.demo.topic import Language, Topic

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
TOPICS: Final[tuple[Topic, ...]] = (
    *hangu_topics.TOPICS,
    *usage_topics.TOPICS,
    *company_topics.TOPICS,
    *small_talk.TOPICS,
    *long_answers.TOPICS,
)
_UNKNOWN_PER_LANGUAGE: Final = 520
_STRANGERS_PER_LANGUAGE: Final = 110
_SEED: Final = 20251


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Example:
    """Turns that belong together: one, or a question and the follow-up that only makes sense after it."""

    name: str
    language: Language
    turns: tuple[Turn, ...]


def examples() -> tuple[Example, ...]:
    """Return the whole corpus. Single turns with equal questions have equal answers."""
    return tuple(
        example
        for language in LANGUAGES
        for part in (_topics(language), _customers(language), _follow_ups(language), _unknown(language))
        for example in part
    )


def digest(corpus: tuple[Example, ...]) -> str:
    """Return the SHA-256, in hex, over one JSON line for each example."""
    total = hashlib.sha256()
    for example in corpus:
        turns = [[turn.question, turn.answer] for turn in example.turns]
        total.update(json.dumps([example.name, example.language, turns], ensure_ascii=False).encode() + b"\n")
    return total.hexdigest()


def _topics(language: Language) -> Iterator[Example]:
    for topic in TOPICS:
        side = topic.side(language)
        for question in side.questions:
            yield Example(topic.name, language, (Turn(question, side.answer),))


def _customers(language: Language) -> Iterator[Example]:
    for customer in customers.CUSTOMERS:
        for field in customers.FIELDS:
            answer = customers.answer(customer, field, language)
            for question in customers.questions(customer, field, language):
                yield Example(f"customer-{field}", language, (Turn(question, answer),))


def _follow_ups(language: Language) -> Iterator[Example]:
    """Yield, for each customer, a question and a follow-up that names nobody; every pair of fields has its turn."""
    pairs = list(itertools.permutations(customers.FIELDS, 2))
    for number, customer in enumerate(customers.CUSTOMERS):
        for first, second in pairs[number % 2 :: 2]:
            asked = tuple(customers.questions(customer, first, language))
            follow_ups = customers.FOLLOW_UPS[language][second]
            opening = Turn(asked[number % len(asked)], customers.answer(customer, first, language))
            follow_up = Turn(follow_ups[number % len(follow_ups)], customers.answer(customer, second, language))
            yield Example("follow-up", language, (opening, follow_up))


def _unknown(language: Language) -> Iterator[Example]:
    for question in unknown.unknown_questions(language, _UNKNOWN_PER_LANGUAGE, _SEED):
        yield Example("unknown", language, (Turn(question, unknown.UNKNOWN[language]),))
    for question in unknown.stranger_questions(language, _STRANGERS_PER_LANGUAGE, _SEED):
        yield Example("stranger", language, (Turn(question, unknown.NO_CUSTOMER[language]),))
