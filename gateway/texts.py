"""The texts of one request, each kept at the level that policy sets for this caller, model and route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.contents.sealer import Direction
from audit.errors import ContentsUnavailable
from gateway.contents import Keeper, prompt_text
from model_runtime.engine import Message
from policies.audit_rules import AuditRule, Level
from policies.filters.verdict import OnWithheld


class Texts:
    """Made once policy has chosen how texts are kept: nothing of a request that is refused before is kept."""

    __slots__ = ("_answer", "_keeper", "_request", "_rule", "_subject", "_withheld")

    def __init__(self, keeper: Keeper, rule: AuditRule, subject: str, request: str) -> None:
        self._keeper = keeper
        self._rule = rule
        self._subject = subject
        self._request = request
        self._withheld = keeper.withheld()
        self._answer = keeper.answer(rule.completion)

    def noting(self, direction: Direction) -> OnWithheld | None:
        """Where filters hand over what they withhold, for a keyed digest of it; None where policy keeps nothing."""
        level = self._rule.prompt if direction == "prompt" else self._rule.completion
        return None if level is Level.NONE else self._withheld.noting(direction)

    def answered(self, piece: str) -> None:
        """Note a piece of answer that is about to leave."""
        self._answer.add(piece)

    def admitted(self, messages: Sequence[Message], screened: Sequence[Message]) -> dict[str, Any]:
        """What the record of an admitted request holds of its texts.

        Raises ContentsUnavailable where the prompt cannot be sealed, or the answer could not be.
        """
        fields = self._keeper.prompt(self._rule.prompt, messages, screened) | self._seal_prompt(messages)
        if self._rule.completion is Level.ENCRYPTED:
            self._keeper.prepare(self._subject)
        return {"prompt": fields, **self._withheld.take()}

    def refused(self, messages: Sequence[Message], *, seal: bool) -> dict[str, Any]:
        """What the record of a refused request holds of its texts: what was blocked was asked, too.

        Without `seal`, or where the store takes nothing, it holds the digest alone: nothing is served in any case.
        """
        fields = self._keeper.prompt(self._rule.prompt, messages, None)
        if seal:
            try:
                fields |= self._seal_prompt(messages)
            except ContentsUnavailable as error:
                fields["unsealed"] = str(error)
        return {"prompt": fields, **self._withheld.take()}

    def finished(self) -> tuple[dict[str, Any], ContentsUnavailable | None]:
        """What the record of an outcome holds of its texts, and why the answer could not be sealed where it had to."""
        fields, text, failure = self._answer.fields(), self._answer.sealable(), None
        if text is not None:
            try:
                fields["sealed"] = self._keeper.seal(self._subject, self._request, "completion", text)
            except ContentsUnavailable as error:
                failure = error
        return {"completion": fields, **self._withheld.take()}, failure

    def _seal_prompt(self, messages: Sequence[Message]) -> dict[str, Any]:
        if self._rule.prompt is not Level.ENCRYPTED:
            return {}
        return {"sealed": self._keeper.seal(self._subject, self._request, "prompt", prompt_text(messages))}
