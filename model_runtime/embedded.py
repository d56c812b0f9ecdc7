"""The embedded engine: ChatGLM3 in this process, behind the Engine protocol. torch is imported when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from model_runtime.chatglm3.checkpoint import Checkpoint, read_checkpoint
from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.chatglm3.tokenizer import Tokenizer
from model_runtime.engine import ContextExceeded, Message, ModelFiles, Sampling, never
from model_runtime.generation import EventStream, Generation
from model_runtime.options import check_sampling
from model_runtime.scheduler import Scheduler
from model_runtime.worker import Worker

if TYPE_CHECKING:
    import torch

    from model_runtime.chatglm3.forward import Decoder, Sequence


def open_embedded(
    path: Path | str,
    *,
    dtype: str | torch.dtype = "float16",
    device: str | torch.device = "cpu",
    max_running: int = 8,
    max_waiting: int = 64,
    prefill_chunk: int = 256,
    threads: int | None = None,
) -> EmbeddedEngine:
    """The model in the folder `path`: config.json, safetensors, tokenizer.model.

    Raises CheckpointError, and ValueError when a number below is out of range.
    Open it after forking: neither its thread nor CUDA survives a fork. `prefill_chunk` is the number of prompt tokens
    computed between two steps of the running answers. `threads` is torch's thread count, None for its default.
    """
    from model_runtime.chatglm3.forward import Decoder
    from model_runtime.chatglm3.weights import build

    if prefill_chunk < 1 or (threads is not None and threads < 1):
        raise ValueError("prefill_chunk and threads must be at least 1")
    checkpoint = read_checkpoint(path)
    tokenizer = Tokenizer(path)
    _check_fit(checkpoint, tokenizer)
    before = checkpoint.fingerprint()
    model = build(checkpoint, dtype=dtype, device=device)
    files = ModelFiles({**checkpoint.digests(), tokenizer.file.name: tokenizer.digest})
    if checkpoint.fingerprint() != before:
        raise CheckpointError(checkpoint.folder, "changed while it was being loaded")
    worker = Worker(Scheduler(max_running, max_waiting), on_start=lambda: _use_threads(threads))
    return EmbeddedEngine(Decoder(model, checkpoint.geometry, prefill_chunk), tokenizer, files, worker)


class EmbeddedEngine:
    """The Engine protocol over one loaded model. Made by `open_embedded`."""

    def __init__(
        self,
        decoder: Decoder,
        tokenizer: Tokenizer,
        files: ModelFiles,
        worker: Worker,
    ) -> None:
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._files = files
        self._worker = worker
        self._context = decoder.geometry.context
        self._stop_ids = frozenset(tokenizer.stop_ids)
        self._blocked = _blocked(decoder, tokenizer)

    def start(self) -> None:
        """Start the engine thread now, rather than with the first generation."""
        self._worker.start()

    def generate(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        stream: bool = True,
        abandoned: Callable[[], bool] = never,
    ) -> EventStream:
        """As the protocol says. A wrong sampling option is a PromptRefused, too."""
        check_sampling(sampling)
        limit = min(self._context, sampling.max_length or self._context)
        prompt = tuple(self._tokenizer.encode_chat(messages, context=limit))
        room = limit - len(prompt)
        max_tokens = max(room, 1) if sampling.max_tokens is None else sampling.max_tokens
        if max_tokens > room:
            raise ContextExceeded(len(prompt), max_tokens, limit)
        generation = Generation(
            lambda: self._sequence(prompt, max_tokens, sampling),
            self._tokenizer.answer(sampling.stop),
            prompt_tokens=len(prompt),
            max_tokens=max_tokens,
            stop_ids=self._stop_ids,
            stream=stream,
        )
        return self._worker.submit(generation, abandoned)

    def ready(self) -> bool:
        """Whether the engine moves; true before its first start."""
        return self._worker.alive()

    def files(self) -> ModelFiles:
        """SHA-256 of config.json, the weights, their index and the tokenizer."""
        return self._files

    def close(self) -> None:
        """End the engine thread; what runs or waits ends with EngineFailed."""
        self._worker.close()

    def _sequence(self, prompt: tuple[int, ...], max_tokens: int, sampling: Sampling) -> Sequence:
        from model_runtime.chatglm3.forward import Sequence
        from model_runtime.sampler import Sampler

        sampler = Sampler(sampling.temperature, sampling.top_p, sampling.seed, self._blocked)
        return Sequence(self._decoder, prompt, len(prompt) + max_tokens, sampler)


def _check_fit(checkpoint: Checkpoint, tokenizer: Tokenizer) -> None:
    geometry, problems = checkpoint.geometry, []
    if tokenizer.size > geometry.vocabulary:
        problems.append(f"has {tokenizer.size} ids, the model only {geometry.vocabulary}")
    if tokenizer.eos != geometry.eos:
        problems.append(f"ends a sequence with id {tokenizer.eos}, config.json with {geometry.eos}")
    if problems:
        raise CheckpointError(tokenizer.file, *problems)


def _blocked(decoder: Decoder, tokenizer: Tokenizer) -> torch.Tensor:
    """True [vocabulary] for what is never drawn: padding rows, and special ids that do not end an answer."""
    import torch

    blocked = torch.arange(decoder.geometry.vocabulary, device=decoder.device) >= tokenizer.text_size
    blocked[list(tokenizer.stop_ids)] = False
    return blocked


def _use_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
