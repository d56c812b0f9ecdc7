"""The corpus: complete, free of contradictions, and the same every time."""

from __future__ import annotations

from model_runtime.demo import WEIGHTS, held_out
from model_runtime.demo.corpus import LANGUAGES, TOPICS, digest, examples

DIGEST = "b9cc5b8b3bb5c8525e0da1fa5d48ffcd95fb9185ca38a4448de43b4814569e24"


def test_digest_is_pinned() -> None:
    """The corpus is the one that the shipped weights were trained on, as the model card says."""
    assert digest(examples()) == DIGEST
    assert DIGEST in (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_digest_sees_every_part() -> None:
    """Leaving out or reordering an example changes the digest."""
    corpus = examples()
    assert len({digest(corpus), digest(corpus[1:]), digest(corpus[::-1])}) == 3


def test_no_contradiction() -> None:
    """A question has one answer, wherever it stands."""
    answers: dict[str, str] = {}
    for example in examples():
        turn = example.turns[0]
        assert answers.setdefault(turn.question, turn.answer) == turn.answer


def test_topic_names_are_unique() -> None:
    """Held-out questions can refer to a topic by its name."""
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_every_topic_has_several_wordings() -> None:
    """Each topic can be asked for in at least three ways in each language."""
    for topic in TOPICS:
        for language in LANGUAGES:
            assert len(topic.side(language).questions) >= 3, (topic.name, language)


def test_held_out_questions_are_not_trained() -> None:
    """No held-out question is in the corpus."""
    trained = {turn.question.lower() for example in examples() for turn in example.turns}
    for language in LANGUAGES:
        asked = [question for _, question in (*held_out.REWORDED[language], *held_out.FRESH[language])]
        asked += [*held_out.UNKNOWN[language], *held_out.FRESH_UNKNOWN[language]]
        assert not [question for question in asked if question.lower() in trained]
