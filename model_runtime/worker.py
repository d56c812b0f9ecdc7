"""The engine thread: admit, step, finish, cancel. It alone touches the model; it knows nothing of tensors."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable

from model_runtime.engine import EngineFailed, never
from model_runtime.generation import EventStream, Generation, ModelLost
from model_runtime.scheduler import Scheduler

_log = logging.getLogger(__name__)

_LAST_STEP = 30.0  # seconds that closing waits for the step in progress


class Worker:
    """Runs generations, all at once, each one token a step. `start` starts its thread; nothing runs before.

    An error in one generation ends that one. ModelLost, and what is no Exception, ends the thread: every generation
    then ends with EngineFailed and every later `submit` raises it. A step that lasts over `stall_after` seconds counts
    as lost as well: `alive` turns false and readers are told.
    """

    def __init__(
        self,
        scheduler: Scheduler[Generation],
        *,
        on_start: Callable[[], None] = lambda: None,
        stall_after: float = 120.0,
    ) -> None:
        self._scheduler = scheduler
        self._on_start = on_start
        self._stall_after = stall_after
        self._changed = threading.Condition()  # guards the scheduler and the three fields below
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended: EngineFailed | None = None
        self._step_began: float | None = None

    def start(self) -> None:
        """Start the thread, once."""
        with self._changed:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._main, name="hangu-engine", daemon=True)
                self._thread.start()
                # Daemon threads are cut off inside torch at exit, which can abort the process: end this one first.
                atexit.register(self.close)

    def submit(self, generation: Generation, abandoned: Callable[[], bool] = never) -> EventStream:
        """Queue `generation`. Raises EngineBusy when the queue is full, EngineFailed when the engine has ended."""
        self.start()
        with self._changed:
            if not self.alive():
                raise self._refusal()
            self._scheduler.submit(generation)
            self._changed.notify()
        return EventStream(generation, self.alive, abandoned)

    def alive(self) -> bool:
        """Whether generations move. True before the first start."""
        if self._closing or self._ended is not None:
            return False
        began = self._step_began
        if began is not None and time.monotonic() - began > self._stall_after:
            return False
        return self._thread is None or self._thread.is_alive()  # dead without `_ended` in the child of a fork

    def close(self) -> None:
        """End the thread after the step in progress; what runs or waits ends with EngineFailed. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(_LAST_STEP)
            atexit.unregister(self.close)

    def step(self) -> None:
        """One step: a chunk of one prompt, a token of every answer."""
        with self._changed:
            work = self._scheduler.plan()
        for generation in work.dropped:
            generation.release()
        if work.prefill is not None and self._move(work.prefill):
            with self._changed:
                self._scheduler.prefilled(work.prefill)
        for generation in work.decode:
            self._move(generation)

    def _move(self, generation: Generation) -> bool:
        """Move one generation by a step; whether a token came and more will. Its error is its own, no one else's."""
        try:
            came = generation.step()
        except ModelLost:
            raise
        except Exception as error:  # noqa: BLE001  # any failure ends this generation, and no other
            came = False
            generation.fail(_failure(error))
        if generation.done:
            with self._changed:
                self._scheduler.remove(generation)
        return came and not generation.done

    def _refusal(self) -> EngineFailed:
        return EngineFailed("the engine is not running" if self._ended is None else str(self._ended))

    def _main(self) -> None:
        reason = "the engine was closed"
        try:
            self._on_start()
            while self._has_work():
                self._step_began = time.monotonic()
                self.step()
                self._step_began = None
        except BaseException as error:  # noqa: BLE001  # whatever it was, readers wait for this thread's word
            _log.critical("the engine thread ended", exc_info=error)
            reason = f"the engine broke: {error!r}"
        self._end(reason)

    def _has_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or not self._scheduler.idle)
            return not self._closing

    def _end(self, reason: str) -> None:
        with self._changed:
            self._ended = EngineFailed(reason)
            left = self._scheduler.drain()
        for generation in left:
            generation.fail(EngineFailed(reason))


def _failure(error: Exception) -> EngineFailed:
    _log.error("a generation failed", exc_info=error)
    failure = EngineFailed(f"the generation failed: {error!r}")
    # Without its traceback, whose frames would keep the cache alive for as long as the error is.
    failure.__cause__ = error.with_traceback(None)
    return failure
