"""One request's record: opened at the edge, admitted before the model, sealed on every way out.

Exactly one of these sequences is in the log for every request, each event durable before the step that follows it:

* `request.refused`                          nothing was served
* `request.served`                           something other than a chat was served
* `request.admitted`, `request.finished`     a chat reached the model; the outcome says how it ended

What cannot be recorded is not served: an append that fails raises AuditUnavailable in place of the answer.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Literal, Self

from audit.client import Receipt
from audit.contents.sealer import Direction
from audit.errors import AuditUnavailable as LogUnavailable
from audit.errors import ContentsUnavailable, RecordRefused
from gateway.call import Call, Incoming, Outcome, Quota, Usage
from gateway.contents import Answer, Keeper, prompt_text
from gateway.errors import AuditUnavailable, GatewayError, InternalError, UnknownField
from gateway.identity.principal import Principal
from model_runtime.engine import Message
from policies.audit_rules import AuditRule, Level
from policies.bundle import Bundle
from policies.decision import Decision
from policies.filters.verdict import Hit, OnWithheld

Emit = Callable[..., Receipt]
State = Literal["open", "admitted", "sealed", "lost"]  # lost: the log did not take it

UNROUTED = "unrouted"
_RECORDED_PATH = 256  # characters


class ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


class Record:
    """What happened to one request so far. Use it as a context manager: leaving the block seals it."""

    __slots__ = (
        "_answer",
        "_emit",
        "_hits",
        "_keeper",
        "_receipt",
        "_rule",
        "_started",
        "_state",
        "_withheld",
        "asked",
        "bundle",
        "call",
        "chains",
        "decision",
        "incoming",
        "model",
        "outcome",
        "principal",
        "prompt",
        "quota",
    )

    def __init__(self, incoming: Incoming, emit: Emit, keeper: Keeper) -> None:
        self.incoming = incoming
        self.bundle: Bundle | None = None
        self.principal: Principal | None = None
        self.decision: Decision | None = None
        self.asked: tuple[str, str] | None = None
        self.call: Call | None = None
        self.quota: Quota | None = None
        self.model: str | None = None
        self.chains: dict[str, str] | None = None
        self.prompt: tuple[Message, ...] = ()
        self.outcome = Outcome("failed")
        self._emit = emit
        self._keeper = keeper
        self._hits: Counter[tuple[str, str, str, str]] = Counter()
        self._withheld = keeper.withheld()
        self._rule: AuditRule | None = None
        self._receipt: Receipt | None = None
        self._answer: Answer | None = None
        self._started = time.monotonic()
        self._state: State = "open"

    @property
    def open(self) -> bool:
        """Whether nothing has been written about this request yet."""
        return self._state == "open"

    def headers(self) -> dict[str, str]:
        """The response headers that tie an answer to its record (design section 5)."""
        headers = {"X-Request-ID": self.incoming.request_id}
        if self.bundle is not None:
            headers["Hangu-Policy"] = self.bundle.digest
        if self._receipt is not None:
            headers["Hangu-Record"] = f"{self._receipt.origin}/{self._receipt.index}"
        if self.quota is not None:
            headers["x-ratelimit-limit-requests"] = str(self.quota.limit)
            headers["x-ratelimit-remaining-requests"] = str(self.quota.remaining)
            headers["x-ratelimit-reset-requests"] = f"{self.quota.reset}s"
        return headers

    def choose(self, model: str, prompt_chain: str, completion_chain: str) -> None:
        """Note which model answers and which chains the policy obliges us to run."""
        self.model = model
        self.chains = {"prompt": prompt_chain, "completion": completion_chain}

    def hit(self, direction: Direction, hits: Iterable[Hit]) -> None:
        """Count what filters did: which filter, on what type, how often; never the matched value."""
        for hit in hits:
            self._hits[direction, hit.filter, hit.type, hit.action] += 1

    def withheld(self, direction: Direction) -> OnWithheld | None:
        """Where filters hand over what they withhold, for a keyed digest of it; None where policy keeps nothing."""
        return None if self._level(direction) is Level.NONE else self._withheld.noting(direction)

    def answered(self, text: str) -> None:
        """Note a piece of answer that is about to leave."""
        self._open_answer().add(text)

    def finish(self, reason: str, usage: Usage | None) -> None:
        """Note that the answer is complete."""
        self.outcome = Outcome("content_filter" if reason == "content_filter" else "completed", reason, usage)

    def admit(self) -> None:
        """Write the request record. Returns once it is durable, so that the model may be asked.

        At level `encrypted` the prompt is sealed before it, and the store is known to be ready for the answer.
        """
        try:
            prompt = self._prompt_fields()
            if self._level("completion") is Level.ENCRYPTED:
                self._keeper.prepare(self._subject())
        except ContentsUnavailable as error:
            raise AuditUnavailable(detail=str(error)) from error
        self._append(
            "request.admitted",
            prompt=prompt,
            stream=self.call.stream if self.call else None,
            filters=self._take_hits(),
            **self._take_withheld(),
        )
        self._state = "admitted"

    def serve(self, event: str = "request.served", **fields: Any) -> None:
        """Write the record of an answer that needs no model. Returns once it is durable."""
        self._append(event, **fields, duration_ms=self._elapsed())
        self._state = "sealed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._state == "admitted":
            self._finish(error)
        elif self._state == "open" and error is not None:
            self.refuse(error)

    def refuse(self, error: BaseException) -> None:
        """Write that nothing was served, and why."""
        known = error if isinstance(error, GatewayError) else InternalError(detail=type(error).__name__)
        if known.counted:
            self._state = "sealed"
            return
        self._append(
            "request.refused",
            status=known.status,
            code=known.code,
            detail=known.detail,
            param=None if isinstance(known, UnknownField) else known.param,  # an unknown name is the caller's text
            prompt=self._refused_prompt(known),
            filters=self._take_hits(),
            duration_ms=self._elapsed(),
            **self._take_withheld(),
        )
        self._state = "sealed"

    def _finish(self, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit | ClientGone):
            self.outcome = Outcome("aborted")
        elif isinstance(error, GatewayError):
            self.outcome = Outcome("failed", code=error.code)
        elif error is not None:
            self.outcome = Outcome("failed", code=InternalError.code)
        completion, unsealed = self._completion_fields()
        if unsealed is not None:
            self.outcome = Outcome("failed", code=AuditUnavailable.code)
        outcome = self.outcome
        cause = unsealed or error
        self._write(
            "request.finished",
            request_id=self.incoming.request_id,
            route=self.incoming.route,
            subject=self.principal.subject if self.principal else None,
            model=self.model,
            admitted=self._receipt.index if self._receipt else None,
            outcome=outcome.result,
            code=outcome.code,
            detail=cause.detail if isinstance(cause, GatewayError) else type(cause).__name__ if cause else None,
            finish_reason=outcome.finish_reason,
            usage={"prompt": outcome.usage.prompt, "completion": outcome.usage.completion} if outcome.usage else None,
            completion=completion,
            filters=self._take_hits(),
            duration_ms=self._elapsed(),
            **self._take_withheld(),
        )
        self._state = "sealed"
        if unsealed is not None:
            raise unsealed

    def _append(self, event: str, **fields: Any) -> None:
        self._write(event, **(self._who() | fields))

    def _write(self, event: str, **fields: Any) -> None:
        try:
            receipt = self._emit(event, **fields)
        except (LogUnavailable, RecordRefused) as error:
            self._state = "lost"
            raise AuditUnavailable(detail=str(error)) from error
        if self._receipt is None:
            self._receipt = receipt

    def _who(self) -> dict[str, Any]:
        """Who asked for what, and how policy decided. The outcome lacks this: it names the record it follows."""
        incoming, principal, decision = self.incoming, self.principal, self.decision
        fields: dict[str, Any] = {
            "request_id": incoming.request_id,
            "route": incoming.route,
            "method": incoming.method,
            "path": incoming.path[:_RECORDED_PATH] if incoming.route == UNROUTED else None,
            "address": incoming.address,
            "bundle": self.bundle.digest if self.bundle else None,
            "model": self.model,
            "chains": self.chains,
        }
        if principal is not None:
            fields |= {
                "subject": principal.subject,
                "roles": list(principal.roles),
                "issuer": principal.issuer,
                "tenant": principal.tenant,
                "client": principal.client_id,
                "token_id": principal.token_id,
            }
        if self.asked is not None:
            fields |= {"object": self.asked[0], "action": self.asked[1]}
        if decision is not None:
            fields["decision"] = {
                "effect": decision.effect.value,
                "reason": decision.reason,
                "rule": str(decision.rule) if decision.rule else None,
            }
        return fields

    def _level(self, direction: Direction) -> Level:
        """What policy keeps of a text of this call. Contents are only there once the caller and the model are known."""
        if self._rule is None:
            assert self.bundle is not None  # noqa: S101 - content is only recorded after identify
            principal = self.principal
            self._rule = self.bundle.audit.select(
                principal.roles if principal else (),
                subject=principal.subject if principal else None,
                tenant=principal.tenant if principal else None,
                client=principal.client_id if principal else None,
                model=self.model or "",
                route=self.incoming.route,
            )
        return self._rule.prompt if direction == "prompt" else self._rule.completion

    def _subject(self) -> str:
        assert self.principal is not None  # noqa: S101 - as above
        return self.principal.subject

    def _prompt_fields(self) -> dict[str, Any]:
        """The prompt at its level. Raises ContentsUnavailable where it has to be sealed and cannot be."""
        messages = self.call.messages if self.call else ()
        fields = self._keeper.prompt(self._level("prompt"), messages, self.prompt or None)
        if self._level("prompt") is Level.ENCRYPTED:
            text = prompt_text(messages)
            fields["sealed"] = self._keeper.seal(self._subject(), self.incoming.request_id, "prompt", text)
        return fields

    def _refused_prompt(self, error: GatewayError) -> dict[str, Any] | None:
        """The prompt of a call that got as far as the filters, at its level: what was blocked was asked, too."""
        if self.call is None or self.chains is None:
            return None
        try:
            if not isinstance(error, AuditUnavailable):  # then the store has failed already
                return self._prompt_fields()
        except ContentsUnavailable:
            pass
        return self._keeper.prompt(self._level("prompt"), self.call.messages, None)

    def _completion_fields(self) -> tuple[dict[str, Any], AuditUnavailable | None]:
        """The answer at its level, and the failure where it had to be sealed and could not be."""
        answer = self._open_answer()
        fields, text = answer.fields(), answer.sealable()
        if text is not None:
            try:
                fields["sealed"] = self._keeper.seal(self._subject(), self.incoming.request_id, "completion", text)
            except ContentsUnavailable as error:
                return fields, AuditUnavailable(detail=str(error))
        return fields, None

    def _open_answer(self) -> Answer:
        if self._answer is None:
            self._answer = self._keeper.answer(self._level("completion"))
        return self._answer

    def _take_withheld(self) -> dict[str, Any]:
        return self._withheld.take()

    def _take_hits(self) -> list[dict[str, Any]] | None:
        hits = [
            {"direction": direction, "filter": name, "type": kind, "action": action, "count": count}
            for (direction, name, kind, action), count in sorted(self._hits.items())
        ]
        self._hits.clear()
        return hits or None

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
