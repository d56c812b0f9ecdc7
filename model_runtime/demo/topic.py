"""A topic of the demo model: one answer in each language, and the ways to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Side:
    """One language of a topic: every question has the same answer."""

    answer: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """What the model knows about one thing. `name` is unique in the corpus; held-out questions refer to it."""

    name: str
    en: Side
    zh: Side

    def side(self, language: Language) -> Side:
        """Return the topic in that language."""
        return self.en if language == "en" else self.zh


def topic(name: str, *, en: str, zh: str) -> Topic:
    """Build a topic from two texts: a paragraph that is the answer, an empty line, and the questions.

    The lines of an answer are joined by a space in English and by nothing in Chinese.
    """
    return Topic(name, _side(en, " "), _side(zh, ""))


def entries(text: str) -> tuple[str, ...]:
    """Return the parts of a text that are separated by `|` or line ends, without the space around them."""
    return tuple(part.strip() for part in text.replace("\n", "|").split("|") if part.strip())


def _side(text: str, joint: str) -> Side:
    answer, questions = text.split("\n\n")
    return Side(joint.join(line.strip() for line in answer.strip().splitlines()), entries(questions))
