"""Topics: how their text is read."""

from __future__ import annotations

from model_runtime.demo.topic import Side, entries, topic


def test_lines_of_an_answer_are_joined() -> None:
    """English lines are joined by a space, Chinese lines by nothing, and the questions follow the empty line."""
    made = topic(
        "gate",
        en="""
            A gate
            is here.

            Where? | What?
            Why?
        """,
        zh="""
            这里有
            一座关。

            在哪里？
        """,
    )
    assert made.side("en") == Side("A gate is here.", ("Where?", "What?", "Why?"))
    assert made.side("zh") == Side("这里有一座关。", ("在哪里？",))


def test_empty_entries_vanish() -> None:
    """Empty parts between separators are no entries."""
    assert entries(" a | | b\n\n c|") == ("a", "b", "c")
