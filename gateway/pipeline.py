"""START READING HERE: the life of a request, from bearer token to sealed record.

    address limit ► authenticate ► network ► read ► authorise ► limit ► screen prompt ► record (durable)
                                                                                            │
             last byte ◄── record (durable) ◄── screen completion (stream) ◄── infer ◄──────┘

Cheap and safe comes first. Nothing reaches the model before `admit`, and the outcome is yielded only after the record
is sealed, so whoever writes the last byte writes it after the log has it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from gateway.call import Call, Incoming, Outcome, Quota
from gateway.errors import Forbidden, ModelNotFound
from gateway.identity.principal import Principal
from gateway.record import Record
from model_runtime.engine import Engine, Event, Message, Sampling
from policies.bundle import Bundle
from policies.decision import Decision
from policies.filters.chain import Chain


@dataclass(frozen=True, slots=True)
class Gate:
    """The stages, each a callable of one verb. `create_app` builds the real ones."""

    policies: Callable[[], Bundle]
    models: Callable[[str], tuple[str, Engine] | None]
    limit_address: Callable[[Bundle, str], None]
    authenticate: Callable[[str | None], Principal]
    check_network: Callable[[Bundle, Incoming], None]
    authorise: Callable[[Bundle, Incoming, Principal, str, str], Decision]
    limit: Callable[[Bundle, Principal, str], Quota]
    screen_prompt: Callable[[Call, Chain, Record], tuple[Message, ...]]
    infer: Callable[[Engine, tuple[Message, ...], Sampling, bool, Callable[[], bool]], Iterator[Event]]
    screen_completion: Callable[[Iterator[Event], Chain, Record], Iterator[str]]


def serve(record: Record, read: Callable[[], Call], gate: Gate) -> Generator[str | Outcome]:
    """Carry one call from bearer token to last chunk: pieces of answer text, then its Outcome.

    Raises GatewayError for every refusal. Every way out, a closed generator too, leaves a sealed record.
    """
    with record:
        bundle, principal = identify(record, gate)
        call = record.call = read()
        model = gate.models(call.model)
        name = model[0] if model else call.model
        authorise(record, gate, f"model/{name}", "chat")
        if model is None:
            raise ModelNotFound(param="model")
        record.quota = gate.limit(bundle, principal, name)
        chains = bundle.filters.select(roles=principal.roles, model=name, route=record.incoming.route)
        record.choose(name, chains.prompt.name, chains.completion.name)
        prompt = gate.screen_prompt(call, chains.prompt, record)
        record.admit()
        events = gate.infer(model[1], prompt, call.sampling, call.stream, record.incoming.client_gone)
        yield from gate.screen_completion(events, chains.completion, record)
    yield record.outcome


def identify(record: Record, gate: Gate) -> tuple[Bundle, Principal]:
    """Who calls, from where, under which policy. One bundle serves the whole request, whatever is activated later."""
    bundle = record.bundle = gate.policies()
    gate.limit_address(bundle, record.incoming.address)
    principal = record.principal = gate.authenticate(record.incoming.authorization)
    gate.check_network(bundle, record.incoming)
    return bundle, principal


def authorise(record: Record, gate: Gate, obj: str, action: str) -> None:
    """Ask policy once, with the decision in the record whichever way it falls."""
    assert record.bundle is not None  # noqa: S101 - identify ran before; for the type checker
    assert record.principal is not None  # noqa: S101 - as above
    record.asked = (obj, action)
    decision = record.decision = gate.authorise(record.bundle, record.incoming, record.principal, obj, action)
    if not decision:
        raise Forbidden(detail=decision.reason)


def admit_read(record: Record, gate: Gate, obj: str, action: str) -> Bundle:
    """The stages of a request that asks no model. The caller seals the record with `record.serve` before it answers."""
    bundle, principal = identify(record, gate)
    authorise(record, gate, obj, action)
    record.quota = gate.limit(bundle, principal, obj)
    return bundle
