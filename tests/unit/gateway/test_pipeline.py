"""The order of the stages, and that every way out leaves exactly one sealed record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.gate import EchoEngine, FakeStages, MemoryLog, call, default_bundle, principal, record

from audit.errors import AuditUnavailable as LogUnavailable
from gateway import pipeline
from gateway.call import Call, Outcome
from gateway.errors import (
    AuditUnavailable,
    Forbidden,
    GatewayError,
    InvalidToken,
    ModelNotFound,
    ModelUnavailable,
    NetworkForbidden,
    PromptBlocked,
    RateLimited,
    Unprocessable,
)
from gateway.record import ClientGone, Record
from model_runtime.engine import EngineFailed
from policies.bundle import Bundle

ORDER = [
    "limit_address",
    "authenticate",
    "check_network",
    "authorise",
    "limit",
    "screen_prompt",
    "infer",
    "screen_completion",
]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return default_bundle()


def run(stages: FakeStages, log: MemoryLog, read: Callable[[], Call] = lambda: call("hi")) -> list[str | Outcome]:
    return list(pipeline.serve(record(log), read, stages.gate()))


def test_a_served_call_passes_every_stage_in_order(bundle: Bundle) -> None:
    """Cheap and safe first, the model last, and two records: admitted, finished."""
    stages, log = FakeStages(bundle), MemoryLog()
    answer = run(stages, log)
    assert stages.ran == ORDER
    assert answer[:2] == ["Hello ", "world"]
    assert isinstance(answer[2], Outcome)
    assert answer[2].finish_reason == "stop"
    assert log.names() == ["request.admitted", "request.finished"]


def test_an_answer_that_is_not_streamed_comes_in_one_piece(bundle: Bundle) -> None:
    """Nobody waits for its pieces, so they are screened once, as a whole."""
    answer = run(FakeStages(bundle), MemoryLog(), lambda: call("hi", stream=False))
    assert answer[0] == "Hello world"
    assert isinstance(answer[1], Outcome)


def test_the_outcome_is_recorded_before_it_is_yielded(bundle: Bundle) -> None:
    """Whoever writes the last byte writes it after the log has the record."""
    log = MemoryLog()
    answer = pipeline.serve(record(log), lambda: call("hi"), FakeStages(bundle).gate())
    assert next(answer) == "Hello "
    assert log.names() == ["request.admitted"]
    assert next(answer) == "world"
    assert log.names() == ["request.admitted"]
    assert isinstance(next(answer), Outcome)
    assert log.names() == ["request.admitted", "request.finished"]


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("limit_address", RateLimited()),
        ("authenticate", InvalidToken(detail="expired")),
        ("check_network", NetworkForbidden()),
        ("limit", RateLimited()),
        ("screen_prompt", PromptBlocked()),
        ("authorise", RuntimeError("a defect")),
    ],
)
def test_a_refusal_stops_there_and_is_recorded(bundle: Bundle, stage: str, error: Exception) -> None:
    """No later stage runs, the model is not asked, and one record names the code."""
    stages, log = FakeStages(bundle, refuse={stage: error}), MemoryLog()
    with pytest.raises(type(error)):
        run(stages, log)
    assert stages.ran == ORDER[: ORDER.index(stage) + 1]
    assert not stages.engine.asked
    assert log.names() == ["request.refused"]
    assert log.events[0][1]["code"] == (error.code if isinstance(error, GatewayError) else "internal_error")


def test_a_body_that_cannot_be_read_is_a_recorded_refusal(bundle: Bundle) -> None:
    """Reading happens after the caller is known and before policy is asked."""

    def read() -> Call:
        raise Unprocessable(param="messages")

    stages, log = FakeStages(bundle), MemoryLog()
    with pytest.raises(Unprocessable):
        run(stages, log, read)
    assert stages.ran == ORDER[:3]
    assert log.events[0][1]["subject"] == "alice"


def test_what_policy_denies_never_reaches_the_model(bundle: Bundle) -> None:
    """The record of a 403 holds the decision and why."""
    stages, log = FakeStages(bundle, caller=principal("nobody")), MemoryLog()
    with pytest.raises(Forbidden):
        run(stages, log)
    assert not stages.engine.asked
    assert log.events[0][1]["decision"] == {"effect": "deny", "reason": "no-matching-rule", "rule": None}


def test_an_unknown_model_is_not_found(bundle: Bundle) -> None:
    """Policy is asked first, so a caller without any right learns nothing of which models exist."""
    log = MemoryLog()
    with pytest.raises(ModelNotFound):
        run(FakeStages(bundle), log, lambda: call("hi", model="other"))
    with pytest.raises(Forbidden):
        run(FakeStages(bundle, caller=principal("nobody")), log, lambda: call("hi", model="other"))


def test_a_log_that_cannot_be_written_keeps_the_request_from_the_model(bundle: Bundle) -> None:
    """No record, no answer: 503, and the engine was never asked."""
    stages, log = FakeStages(bundle), MemoryLog(broken=LogUnavailable("disk full"))
    with pytest.raises(AuditUnavailable):
        run(stages, log)
    assert not stages.engine.asked


def test_a_refusal_that_cannot_be_recorded_is_503(bundle: Bundle) -> None:
    """Even a refusal does not leave unrecorded as what it is."""
    stages = FakeStages(bundle, refuse={"authenticate": InvalidToken()})
    with pytest.raises(AuditUnavailable):
        run(stages, MemoryLog(broken=LogUnavailable("gone")))


def test_an_outcome_that_cannot_be_recorded_is_not_yielded(bundle: Bundle) -> None:
    """The log dies in mid-answer: the pieces have left, the end never does."""
    log = MemoryLog()
    answer = pipeline.serve(record(log), lambda: call("hi"), FakeStages(bundle).gate())
    assert next(answer) == "Hello "
    log.broken = LogUnavailable("disk full")
    assert next(answer) == "world"
    with pytest.raises(AuditUnavailable):
        next(answer)


def test_closing_the_answer_cancels_and_records_it_as_aborted(bundle: Bundle) -> None:
    """A dropped connection closes the generator: the engine is stopped before the record is sealed."""
    stages, log = FakeStages(bundle), MemoryLog()
    answer = pipeline.serve(record(log), lambda: call("hi"), stages.gate())
    next(answer)
    answer.close()
    assert stages.engine.closed == 1
    assert log.events[-1][1]["outcome"] == "aborted"
    assert log.events[-1][1]["completion"]["chars"] == len("Hello ")


def test_a_client_that_left_is_noticed_between_two_pieces(bundle: Bundle) -> None:
    """The engine is stopped although nobody closes the generator."""
    stages, log = FakeStages(bundle), MemoryLog()
    with pytest.raises(ClientGone):
        list(pipeline.serve(record(log, gone=lambda: True), lambda: call("hi"), stages.gate()))
    assert stages.engine.closed == 1
    assert log.events[-1][1]["outcome"] == "aborted"


def test_an_engine_that_breaks_is_503_and_recorded_as_failed(bundle: Bundle) -> None:
    """The record keeps the operator's detail; the caller reads the code alone."""
    stages, log = FakeStages(bundle, engine=EchoEngine(error=EngineFailed("GPU on fire"))), MemoryLog()
    with pytest.raises(ModelUnavailable) as caught:
        run(stages, log)
    assert "GPU" not in caught.value.public
    assert log.events[-1][1]["outcome"] == "failed"
    assert log.events[-1][1]["detail"] == "GPU on fire"


def test_an_engine_without_an_end_is_a_failure(bundle: Bundle) -> None:
    """An answer that just stops is never taken for a whole one."""

    class Endless(EchoEngine):
        def _run(self):  # type: ignore[no-untyped-def]  # as the base class
            yield from list(super()._run())[:-1]

    log = MemoryLog()
    with pytest.raises(ModelUnavailable):
        run(FakeStages(bundle, engine=Endless()), log)
    assert log.events[-1][1]["outcome"] == "failed"


def test_reads_that_ask_no_model_pass_the_same_stages(bundle: Bundle) -> None:
    """Authentication, network, policy and limit hold for every endpoint."""
    stages, log = FakeStages(bundle), MemoryLog()
    opened: Record = record(log)
    with opened:
        pipeline.admit_read(opened, stages.gate(), "models", "read")
        opened.serve()
    assert stages.ran == ORDER[:5]
    assert log.names() == ["request.served"]
    with pytest.raises(Forbidden), record(log) as denied:
        pipeline.admit_read(denied, FakeStages(bundle, caller=principal("guest")).gate(), "models", "read")
