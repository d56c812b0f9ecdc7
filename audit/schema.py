"""Every event the log knows, with the kind of each of its fields. What is not in this table is not recorded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["str", "int", "bool", "strings", "object", "objects"]
Fields = Mapping[str, Kind]

# Who asked for what, and how policy decided. A request that was refused early has fewer of these.
_REQUEST: dict[str, Kind] = {
    "request_id": "str",
    "route": "str",
    "method": "str",
    "path": "str",  # of a request that no route answers
    "address": "str",
    "bundle": "str",
    "subject": "str",
    "roles": "strings",
    "issuer": "str",
    "tenant": "str",
    "client": "str",
    "token_id": "str",
    "object": "str",
    "action": "str",
    "decision": "object",  # effect, reason, rule
    "model": "str",
    "chains": "object",  # prompt, completion
}
# How it ended. `filters` lists what filters did: direction, filter, type, action, count.
_END: dict[str, Kind] = {"code": "str", "detail": "str", "filters": "objects", "duration_ms": "int"}

_TABLE: dict[str, dict[str, Kind]] = {
    "gateway.started": {"version": "str", "bundle": "str", "models": "object"},
    "gateway.stopped": {"version": "str"},
    "request.admitted": _REQUEST | {"stream": "bool", "prompt": "object", "filters": "objects"},
    "request.finished": _END
    | {
        "request_id": "str",
        "route": "str",
        "subject": "str",
        "model": "str",
        "admitted": "int",  # index of the request's first record, which holds the rest
        "outcome": "str",  # completed, content_filter, aborted, failed
        "finish_reason": "str",
        "usage": "object",  # prompt, completion, in tokens
        "completion": "object",  # chars, hmac or text
    },
    "request.refused": _REQUEST | _END | {"status": "int", "param": "str"},
    "request.served": _REQUEST | {"duration_ms": "int"},
    "configuration.read": _REQUEST | {"duration_ms": "int"},
    "token.issued": _REQUEST | {"client_id": "str", "jti": "str", "expires_at": "int", "duration_ms": "int"},
    "token.refused": _REQUEST | {"client_id": "str", "error": "str", "duration_ms": "int"},
}

EVENTS: Mapping[str, Fields] = MappingProxyType({name: MappingProxyType(fields) for name, fields in _TABLE.items()})
