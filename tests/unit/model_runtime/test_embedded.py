"""The embedded engine, whole: a tiny checkpoint behind the Engine protocol."""

from __future__ import annotations

import gc
import hashlib
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from model_runtime.chatglm3 import CheckpointError, Tokenizer  # noqa: E402  # torch first: skipped without it
from model_runtime.embedded import EmbeddedEngine, open_embedded  # noqa: E402
from model_runtime.engine import (  # noqa: E402
    ContextExceeded,
    Delta,
    Engine,
    EngineFailed,
    Event,
    Finish,
    Message,
    PromptRefused,
    Sampling,
)

GREEDY = Sampling(temperature=0.0, max_tokens=40)
HELLO = (Message("user", "你好，世界！"),)


def opened(folder: Path, **options: Any) -> EmbeddedEngine:
    return open_embedded(folder, dtype="float32", device="cpu", **{"threads": 1, **options})


@pytest.fixture
def engine(folder: Path) -> Iterator[EmbeddedEngine]:
    made = opened(folder)
    yield made
    made.close()


def text(events: Iterator[Event]) -> tuple[str, Finish]:
    *deltas, finish = list(events)
    assert isinstance(finish, Finish)
    assert all(isinstance(delta, Delta) and delta.text for delta in deltas)
    return "".join(delta.text for delta in deltas if isinstance(delta, Delta)), finish


def drawn(seed: int, **options: Any) -> Sampling:
    return Sampling(temperature=1.5, seed=seed, **{"max_tokens": 40, **options})


def test_it_is_an_engine(engine: EmbeddedEngine, folder: Path) -> None:
    """The protocol holds, and the digests are those of all four files."""
    assert isinstance(engine, Engine)
    assert engine.ready()
    names = ("config.json", "model.safetensors", "tokenizer.model")
    assert engine.files().digests == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_counts_and_length(engine: EmbeddedEngine, folder: Path) -> None:
    """Prompt and completion are counted with the engine's own tokenizer."""
    _, finish = text(engine.generate(HELLO, drawn(3, max_tokens=5)))
    prompt = len(Tokenizer(folder).encode_chat(HELLO))
    assert finish.prompt_tokens == prompt
    assert 1 <= finish.completion_tokens <= 5
    assert finish.reason == ("length" if finish.completion_tokens == 5 else finish.reason)


def test_answers_do_not_depend_on_what_else_runs(engine: EmbeddedEngine) -> None:
    """Eight seeded answers at once, prompts in chunks beside them, equal the same answers one by one."""
    prompts = [(Message("user", "hello world " * (seed % 4)),) for seed in range(8)]
    alone = [text(engine.generate(prompt, drawn(seed))) for seed, prompt in enumerate(prompts)]
    together: dict[int, tuple[str, Finish]] = {}

    def ask(seed: int) -> None:
        together[seed] = text(engine.generate(prompts[seed], drawn(seed)))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[seed] for seed in range(8)] == alone
    assert len({answer for answer, _ in alone}) > 4


def test_prefill_chunk_changes_nothing(engine: EmbeddedEngine, folder: Path) -> None:
    """Prompts computed in small chunks give the same answer."""
    chunked = opened(folder, prefill_chunk=3)
    try:
        assert text(chunked.generate(HELLO, GREEDY)) == text(engine.generate(HELLO, GREEDY))
    finally:
        chunked.close()


def test_whole_answer_is_the_streamed_one(engine: EmbeddedEngine) -> None:
    """A caller that does not stream gets the same text in one delta."""
    events = list(engine.generate(HELLO, drawn(3), stream=False))
    assert len(events) == 2
    assert text(iter(events)) == text(engine.generate(HELLO, drawn(3)))


def test_stop_string_cuts_the_same_answer(engine: EmbeddedEngine) -> None:
    """With a stop string the answer is the same text up to it, and its reason is stop."""
    answers = {seed: text(engine.generate(HELLO, drawn(seed)))[0] for seed in range(20)}
    seed, whole = next((seed, answer) for seed, answer in answers.items() if len(answer) > 6)
    stop = whole[3:5]
    cut, finish = text(engine.generate(HELLO, drawn(seed, stop=(stop,))))
    assert cut == whole[: whole.index(stop)].rstrip()
    assert finish.reason == "stop"


def test_only_text_and_stop_ids_are_drawn(engine: EmbeddedEngine, folder: Path) -> None:
    """Padding rows and special ids other than the stop ids are masked, however likely the model finds them."""
    tokenizer = Tokenizer(folder)
    blocked = {token for token in range(320) if engine._blocked[token]}
    assert blocked == set(range(300, 320)) - set(tokenizer.stop_ids)


@pytest.mark.parametrize(("asked", "words"), [(300, 1), (1, 200), (None, 200)])
def test_prompt_beyond_the_context(engine: EmbeddedEngine, asked: int | None, words: int) -> None:
    """What does not fit into the context is refused at the call, with the counts; the context is 256 tokens here."""
    with pytest.raises(ContextExceeded) as caught:
        engine.generate((Message("user", "hello世 " * words),), Sampling(max_tokens=asked))
    assert caught.value.context == 256
    assert caught.value.prompt_tokens + caught.value.max_tokens > 256


def test_max_length_bounds_prompt_and_answer_together(folder: Path) -> None:
    """ChatGLM3's own meaning: the answer gets what the prompt leaves, and a prompt that reaches it is refused."""
    made = opened(folder)
    try:
        made._stop_ids = frozenset()  # a random model would stop by chance before the end
        _, finish = text(made.generate(HELLO, Sampling(temperature=0.0, max_length=60)))
        assert finish.prompt_tokens + finish.completion_tokens == 60
        _, beyond = text(made.generate(HELLO, Sampling(temperature=0.0, max_length=100_000)))
        assert beyond.prompt_tokens + beyond.completion_tokens == 256
        with pytest.raises(ContextExceeded) as caught:
            made.generate(HELLO, Sampling(max_length=finish.prompt_tokens))
        assert caught.value.context == finish.prompt_tokens
    finally:
        made.close()


def test_context_is_used_to_its_last_token(folder: Path) -> None:
    """Without a token limit the answer may fill the context exactly."""
    made = opened(folder)
    try:
        made._stop_ids = frozenset()  # a random model would stop by chance before the end
        _, finish = text(made.generate(HELLO, Sampling(temperature=0.0)))
    finally:
        made.close()
    assert finish.prompt_tokens + finish.completion_tokens == 256
    assert finish.reason == "length"


@pytest.mark.parametrize(
    ("messages", "sampling"),
    [
        ((), Sampling()),
        ((Message("user", "\ud800"),), Sampling()),
        ((Message("root", "x"),), Sampling()),  # type: ignore[arg-type]  # a hostile caller
        ((Message("user", None),), Sampling()),  # type: ignore[arg-type]  # a hostile caller
        (HELLO, Sampling(temperature=float("nan"))),
        (HELLO, Sampling(max_tokens=0)),
        (HELLO, Sampling(stop=("",))),
    ],
)
def test_refused_at_the_call(engine: EmbeddedEngine, messages: tuple[Message, ...], sampling: Sampling) -> None:
    """A malformed request never reaches the engine thread."""
    with pytest.raises(PromptRefused):
        engine.generate(messages, sampling)


def test_disconnect_frees_the_cache(engine: EmbeddedEngine) -> None:
    """When a client goes away, its key/value cache is gone a step later."""
    caches: list[weakref.ref[Any]] = []
    make = engine._sequence

    def watched(*args: Any) -> Any:
        sequence = make(*args)
        caches.append(weakref.ref(sequence._cache))
        return sequence

    engine._sequence = watched  # type: ignore[method-assign, assignment]  # only to hold a weak reference
    engine._stop_ids = frozenset()
    stream = engine.generate(HELLO, Sampling(temperature=0.0))
    other = engine.generate(HELLO, Sampling(temperature=1.0, seed=1))
    next(stream)
    stream.close()
    list(other)
    gc.collect()
    assert [cache() for cache in caches] == [None, None]


def test_engine_closed_while_streaming(engine: EmbeddedEngine) -> None:
    """Closing the engine ends a running answer with EngineFailed; it is not ready any more."""
    engine._stop_ids = frozenset()
    stream = engine.generate(HELLO, Sampling(temperature=1.5, seed=3))
    engine.close()
    with pytest.raises(EngineFailed):
        list(stream)
    assert not engine.ready()
    with pytest.raises(EngineFailed):
        engine.generate(HELLO, GREEDY)


@pytest.mark.parametrize(
    ("key", "value", "problem"), [("eos_token_id", 5, "ends a sequence"), ("padded_vocab_size", 304, "has 309 ids")]
)
def test_tokenizer_that_does_not_fit_the_model(folder: Path, key: str, value: int, problem: str) -> None:
    """A tokenizer with more ids than the model has rows, or another end of sequence, is refused at load."""
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(CheckpointError, match=problem):
        opened(folder)


@pytest.mark.parametrize("options", [{"prefill_chunk": 0}, {"threads": 0}, {"max_running": 0}, {"max_waiting": -1}])
def test_settings_out_of_range(folder: Path, options: dict[str, int]) -> None:
    """Settings that could never serve a request are refused when the engine is opened."""
    with pytest.raises(ValueError, match="at least"):
        opened(folder, **options)


def test_protocol_without_torch() -> None:
    """The protocol, the threads and the plans import neither torch nor SentencePiece nor transformers."""
    modules = "engine, generation, scheduler, worker, options, stop, chatglm3"
    heavy = "{'torch', 'transformers', 'sentencepiece'}"
    check = f"from model_runtime import {modules}\nimport sys\nprint({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_process_ends_while_an_answer_runs(folder: Path) -> None:
    """A process that forgets to close its engine ends all the same, and cleanly."""
    script = (
        "import sys\nfrom model_runtime.embedded import open_embedded\n"
        "from model_runtime.engine import Message, Sampling\n"
        "engine = open_embedded(sys.argv[1], dtype='float32', device='cpu', threads=1)\n"
        "engine._stop_ids = frozenset()\n"
        "stream = engine.generate((Message('user', 'hello'),), Sampling(temperature=1.5, seed=3))\nnext(stream)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
