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
from gateway.contents import Keeper
from gateway.errors import AuditUnavailable, GatewayError, InternalError, UnknownField
from gateway.identity.principal import Principal
from gateway.texts import Texts
from model_runtime.engine import Message
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
        "_emit",
        "_hits",
        "_keeper",
        "_receipt",
        "_started",
        "_state",
        "_texts",
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
        self._texts: Texts | None = None
        self._receipt: Receipt | None = None
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
        """Note which model answers and which chains the policy obliges us to run. From here on texts are kept."""
        assert self.bundle is not None  # noqa: S101 - identify ran before; for the type checker
        assert self.principal is not None  # noqa: S101 - as above
        self.model = model
        self.chains = {"prompt": prompt_chain, "completion": completion_chain}
        rule = self.bundle.audit.select(
            self.principal.roles,
            subject=self.principal.subject,
            tenant=self.principal.tenant,
            client=self.principal.client_id,
            model=model,
            route=self.incoming.route,
        )
        self._texts = Texts(self._keeper, rule, self.principal.subject, self.incoming.request_id)

    def hit(self, direction: Direction, hits: Iterable[Hit]) -> None:
        """Count what filters did: which filter, on what type, how often; never the matched value."""
        for hit in hits:
            self._hits[direction, hit.filter, hit.type, hit.action] += 1

    def withheld(self, direction: Direction) -> OnWithheld | None:
        """Where filters hand over what they withhold, for a keyed digest of it; None where policy keeps nothing."""
        return self._kept().noting(direction)

    def answered(self, text: str) -> None:
        """Note a piece of answer that is about to leave."""
        self._kept().answered(text)

    def finish(self, reason: str, usage: Usage | None) -> None:
        """Note that the answer is complete."""
        self.outcome = Outcome("content_filter" if reason == "content_filter" else "completed", reason, usage)

    def admit(self) -> None:
        """Write the request record. Returns once it is durable, so that the model may be asked.

        At level `encrypted` the prompt is sealed before it, and the store is known to be ready for the answer.
        """
        assert self.call is not None  # noqa: S101 - the pipeline has read it; for the type checker
        try:
            texts = self._kept().admitted(self.call.messages, self.prompt)
        except ContentsUnavailable as error:
            raise AuditUnavailable(detail=str(error)) from error
        self._append("request.admitted", stream=self.call.stream, filters=self._take_hits(), **texts)
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
            filters=self._take_hits(),
            duration_ms=self._elapsed(),
            **self._refused_texts(known),
        )
        self._state = "sealed"

    def _finish(self, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit | ClientGone):
            self.outcome = Outcome("aborted")
        elif isinstance(error, GatewayError):
            self.outcome = Outcome("failed", code=error.code)
        elif error is not None:
            self.outcome = Outcome("failed", code=InternalError.code)
        texts, failure = self._kept().finished()
        unsealed = AuditUnavailable(detail=str(failure)) if failure else None
        if unsealed is not None:
            self.outcome = Outcome("failed", code=unsealed.code)
        outcome, cause = self.outcome, unsealed or error
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
            filters=self._take_hits(),
            duration_ms=self._elapsed(),
            **texts,
        )
        self._state = "sealed"
        if unsealed is not None:
            raise unsealed from failure

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

    def _kept(self) -> Texts:
        assert self._texts is not None  # noqa: S101 - no text is screened, admitted or answered before `choose`
        return self._texts

    def _refused_texts(self, error: GatewayError) -> dict[str, Any]:
        """Of a request that got as far as its filters; a store that has just failed is not asked again."""
        if self._texts is None or self.call is None:
            return {}
        return self._texts.refused(self.call.messages, seal=not isinstance(error, AuditUnavailable))

    def _take_hits(self) -> list[dict[str, Any]] | None:
        hits = [
            {"direction": direction, "filter": name, "type": kind, "action": action, "count": count}
            for (direction, name, kind, action), count in sorted(self._hits.items())
        ]
        self._hits.clear()
        return hits or None

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
