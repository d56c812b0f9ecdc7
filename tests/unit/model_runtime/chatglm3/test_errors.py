"""The error of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from model_runtime.chatglm3.errors import CheckpointError


def test_many_problems_are_all_kept_and_some_shown() -> None:
    """The message names the first problems and counts the rest; all of them are there to be read."""
    error = CheckpointError("模型/config.json", *(f"problem {n}" for n in range(10)))
    assert str(error).startswith("模型/config.json: problem 0; problem 1; ")
    assert str(error).endswith("problem 7; and 2 more")
    assert len(error.problems) == 10
    assert error.path == Path("模型/config.json")
