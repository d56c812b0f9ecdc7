"""Ask the engine, translate its errors, and stop it when the client has gone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import cast

from gateway import drain
from gateway.errors import ContextLengthExceeded, ModelBusy, ModelUnavailable, ShuttingDown, Unprocessable
from gateway.record import ClientGone
from model_runtime.engine import (
    Abandoned,
    ContextExceeded,
    Engine,
    EngineBusy,
    EngineFailed,
    Event,
    Message,
    PromptRefused,
    Sampling,
)


def infer(
    engine: Engine,
    messages: tuple[Message, ...],
    sampling: Sampling,
    stream: bool,
    client_gone: Callable[[], bool],
) -> Iterator[Event]:
    """Yield the engine's events. Raises GatewayError, or ClientGone once nobody waits for the answer any more.

    A worker whose grace time is over ends what still runs with ShuttingDown, so that its record can be sealed.

    Leaving this generator in any way closes the engine's, which cancels the generation.
    """

    def abandoned() -> bool:
        return client_gone() or drain.expired.is_set()

    try:
        events = cast("Generator[Event]", engine.generate(messages, sampling, stream=stream, abandoned=abandoned))
        with closing(events):
            for event in events:
                if client_gone():
                    raise ClientGone
                if drain.expired.is_set():
                    raise ShuttingDown
                yield event
    except Abandoned as error:
        raise (ShuttingDown if drain.expired.is_set() else ClientGone) from error
    except ContextExceeded as error:
        raise ContextLengthExceeded(
            f"the prompt has {error.prompt_tokens} tokens and {error.max_tokens} are asked for, "
            f"but the model's context holds {error.context}",
            param="messages",
        ) from error
    except PromptRefused as error:
        raise Unprocessable("the model cannot answer this prompt", detail=str(error), param="messages") from error
    except EngineBusy as error:
        raise ModelBusy(detail=str(error), retry_after=error.retry_after) from error
    except EngineFailed as error:
        raise ModelUnavailable(detail=str(error)) from error
