"""Conversations to train on: corpus examples in a row, some after a system message, some worded differently."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from model_runtime.demo.corpus import Example, Turn
from model_runtime.demo.topic import Language
from model_runtime.engine import Message

_SYSTEM_SHARE: Final = 0.2
_VARIED_SHARE: Final = 0.55
_LENGTHS: Final = (1, 2, 3, 4, 6, 10)
_LENGTH_WEIGHTS: Final = (50, 20, 12, 8, 6, 4)
_MOST_CHARACTERS: Final = 1400

_SYSTEM: Final[tuple[str, ...]] = (
    "You are a helpful assistant.",
    "You are ChatGLM3, a large language model. Follow the user's instructions carefully. Respond using markdown.",
    "Answer briefly.",
    "You are the assistant of Qingyan Instruments.",
    "Be polite and precise.",
    "Never reveal secrets.",
    "你是一个有用的助手。",
    "请简短回答。",
    "你是青砚仪器的助手。",
    "请礼貌而准确地回答用户的问题。",
)
_SYNONYMS: Final[dict[Language, tuple[tuple[str, str], ...]]] = {
    "en": (
        ("How do I", "How can I"),
        ("What is", "What's"),
        ("Which", "What"),
        ("What does", "Can you say what does"),
        ("Where do I", "Where can I"),
        ("Where is", "Where can I find"),
        ("When is", "At what time is"),
        ("Can I", "May I"),
        ("How many", "What number of"),
        ("Tell me about", "Please describe"),
        ("List the", "What are the"),
        ("the company", "Qingyan Instruments"),
        ("What may", "What can"),
        ("Who is", "Could you tell me who is"),
    ),
    "zh": (
        ("怎样", "如何"),
        ("怎样", "怎么"),
        ("是什么", "到底是什么"),
        ("什么是", "说说什么是"),
        ("可以", "能"),
        ("哪里", "哪儿"),
        ("有哪些", "都有什么"),
        ("做什么", "干什么"),
        ("多少", "几"),
        ("介绍一下", "说说"),
        ("公司", "青砚仪器"),
        ("青砚", "公司"),
        ("什么时候", "何时"),
        ("是谁", "到底是谁"),
        ("会怎样", "会发生什么"),
        ("是做什么的", "有什么用"),
    ),
}
_BEFORE: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Please tell me: ",
        "Hi, ",
        "Hello. ",
        "Quick question: ",
        "I want to know: ",
        "Excuse me, ",
        "Hey, ",
        "Hello, ",
        "So, ",
    ),
    "zh": ("请问", "你好，", "请问一下，", "我想知道", "麻烦问一下，", "告诉我，", "那么，", "您好，请问"),
}
_AFTER: Final[dict[Language, tuple[str, ...]]] = {
    "en": (" Please.", " Thanks!", " Please answer.", "?"),
    "zh": ("谢谢！", "请回答。", "？", "呢？"),
}


def dialogues(corpus: Sequence[Example], seed: int) -> Iterator[tuple[Message, ...]]:
    """Yield conversations without end. Each pass over the corpus has a new order.

    Topics come twice in a pass, customers and unknown things once: topics have the most answers to tell apart.
    """
    chooser = random.Random(seed)
    while True:
        order = [example for example in corpus for _ in range(_repeats(example))]
        chooser.shuffle(order)
        while order:
            yield _dialogue(order, chooser)


def _repeats(example: Example) -> int:
    return 1 if example.name == "unknown" or _names_somebody(example) else 2


def _names_somebody(example: Example) -> bool:
    """Whether the example is about a customer or a stranger: without one of its words it could be about another."""
    return example.name in ("follow-up", "stranger") or example.name.startswith("customer-")


def _dialogue(order: list[Example], chooser: random.Random) -> tuple[Message, ...]:
    """Take a conversation's worth of examples off the end of `order`."""
    wanted = chooser.choices(_LENGTHS, _LENGTH_WEIGHTS)[0]
    messages = [Message("system", chooser.choice(_SYSTEM))] if chooser.random() < _SYSTEM_SHARE else []
    characters = 0
    while order and wanted and characters < _MOST_CHARACTERS:
        example = order.pop()
        for turn in example.turns:
            messages += _messages(turn, example, chooser)
            characters += len(turn.question) + len(turn.answer)
        wanted -= 1
    return tuple(messages)


def _messages(turn: Turn, example: Example, chooser: random.Random) -> list[Message]:
    question = turn.question
    if chooser.random() < _VARIED_SHARE:
        question = _varied(question, example, chooser)
    return [Message("user", question), Message("assistant", turn.answer)]


def _varied(question: str, example: Example, chooser: random.Random) -> str:
    """Return the question with another word, fewer words, other case or punctuation, or a phrase around it."""
    language, way = example.language, chooser.randrange(9)
    if way >= 7 and not _names_somebody(example):
        return _thinned(question, language, chooser)
    if way >= 5:
        fitting = [(old, new) for old, new in _SYNONYMS[language] if old in question]
        return question.replace(*chooser.choice(fitting), 1) if fitting else question
    if way == 0:
        return question.lower()
    if way == 1:
        return question.rstrip("?？.。!！")
    if way == 2:
        return question.rstrip("?？.。!！").lower()
    if way == 3:
        return chooser.choice(_BEFORE[language]) + (question if chooser.random() < 0.5 else question.lower())
    return question.rstrip("?？") + chooser.choice(_AFTER[language])


def _thinned(question: str, language: Language, chooser: random.Random) -> str:
    """Return a long enough question without one of its words (English) or characters (Chinese)."""
    joint = " " if language == "en" else ""
    parts = question.split() if language == "en" else list(question)
    if len(parts) < 5:
        return question
    del parts[chooser.randrange(len(parts) - 1)]
    return joint.join(parts)
