"""Run the chains of the decision over what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import cast

from gateway.call import Call, Usage
from gateway.errors import ModelUnavailable, PromptBlocked
from gateway.record import Record
from model_runtime.engine import Delta, Event, Finish, Message
from policies.filters.chain import Chain
from policies.filters.verdict import Hit


def screen_prompt(call: Call, chain: Chain, record: Record) -> tuple[Message, ...]:
    """The messages as the model may see them: redacted, or PromptBlocked naming the field and the filter.

    A text that names something (`user`, `stop`) cannot be rewritten without changing what was asked: a match blocks.
    """
    for param, text in call.labels:
        screened = chain.screen(text, record.withheld("prompt"))
        record.hit("prompt", screened.hits)
        touched = screened.blocked or next((hit for hit in screened.hits if hit.action != "flag"), None)
        if touched:
            raise _blocked(touched, param)
    record.prompt = tuple(
        _screen_message(message, param, chain, record)
        for message, param in zip(call.messages, call.message_params, strict=True)
    )
    return record.prompt


def _screen_message(message: Message, param: str, chain: Chain, record: Record) -> Message:
    screened = chain.screen(message.content, record.withheld("prompt"))
    record.hit("prompt", screened.hits)
    if screened.blocked:
        raise _blocked(screened.blocked, param)
    return message if screened.text == message.content else replace(message, content=screened.text)


def _blocked(hit: Hit, param: str) -> PromptBlocked:
    return PromptBlocked(
        f"the content filter `{hit.filter}` blocked the prompt", detail=f"{hit.filter}: {hit.type}", param=param
    )


def screen_completion(events: Iterator[Event], chain: Chain, record: Record) -> Iterator[str]:
    """The answer as it may leave, piece by piece, the same as screening it whole.

    A blocking match cuts the answer where it starts, ends the generation and finishes with `content_filter`.
    """
    stream = chain.open(record.withheld("completion"))
    with closing(cast("Generator[Event]", events)):
        for text, finish in _pieces(events, streamed=record.call is not None and record.call.stream):
            piece = stream.feed(text) if finish is None else stream.last(text)
            record.hit("completion", piece.hits)
            if piece.blocked:
                record.finish("content_filter", None)
            elif finish is not None:
                record.finish(finish.reason, Usage(finish.prompt_tokens, finish.completion_tokens))
            if piece.text:
                record.answered(piece.text)
                yield piece.text
            if piece.blocked or finish is not None:
                return
    raise ModelUnavailable(detail="the engine ended without a finish event")


def _pieces(events: Iterator[Event], *, streamed: bool) -> Iterator[tuple[str, Finish | None]]:
    """The texts to screen, the last with the finish; one text in all when nobody waits for the pieces."""
    waiting: list[str] = []
    for event in events:
        if not isinstance(event, Delta):
            yield "".join(waiting), event
        elif streamed:
            yield event.text, None
        else:
            waiting.append(event.text)
