"""Training conversations: well formed, complete, and the same every time."""

from __future__ import annotations

import itertools
from collections import Counter

from model_runtime.demo.corpus import LANGUAGES, examples
from model_runtime.demo.customers import CUSTOMERS, answer
from model_runtime.demo.dialogues import dialogues
from model_runtime.engine import Message

CORPUS = examples()


def _take(count: int, seed: int) -> list[tuple[Message, ...]]:
    return list(itertools.islice(dialogues(CORPUS, seed), count))


def test_seed_decides() -> None:
    """One seed gives one row of conversations; another seed gives another."""
    assert _take(50, 1) == _take(50, 1)
    assert _take(50, 1) != _take(50, 2)


def test_roles_take_turns() -> None:
    """After at most one system message, user and assistant take turns, and the assistant has the last word."""
    for messages in _take(500, 3):
        roles = [message.role for message in messages]
        if roles[0] == "system":
            roles = roles[1:]
        assert roles
        assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_one_pass_uses_every_example() -> None:
    """A pass over the corpus holds every answer at least as often as the corpus does."""
    expected = Counter(turn.answer for example in CORPUS for turn in example.turns)
    found: Counter[str] = Counter()
    for messages in dialogues(CORPUS, 5):
        found.update(message.content for message in messages if message.role == "assistant")
        if found >= expected:
            break
    assert found.total() < 2 * expected.total()


def test_names_are_kept_whole() -> None:
    """A question about a customer always holds the whole name, in whatever case: half a name could be a stranger's."""
    names = [name.lower() for customer in CUSTOMERS for name in (customer.name, customer.alias)]
    records = {answer(customer, "card", language) for customer in CUSTOMERS for language in LANGUAGES}
    for messages in _take(800, 6):
        for question, reply in itertools.pairwise(messages):
            if reply.content in records and "card" in question.content.lower():
                assert (
                    any(name in question.content.lower() for name in names)
                    or "and the card" in question.content.lower()
                )


def test_some_questions_are_varied() -> None:
    """Some questions are reworded on the way, and some stay as they are."""
    trained = {turn.question for example in CORPUS for turn in example.turns}
    asked = [m.content for messages in _take(300, 4) for m in messages if m.role == "user"]
    kept = sum(question in trained for question in asked)
    assert 0.4 < kept / len(asked) < 0.9
