"""Every event the log knows, with the kind of each of its fields. What is not in this table is not recorded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

# Counted up when an event or a field goes away or changes its meaning; new ones may come without that. Every worker
# writes it into `gateway.started`, so a reader knows what the records that follow mean. docs/events.md explains each.
VERSION: Final = 1

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

# Keyed digests of the first 64 values that filters withheld: direction, filter, type, hmac, key; and how many more.
_WITHHELD: dict[str, Kind] = {"withheld": "objects", "withheld_more": "int"}

_GATEWAY: dict[str, dict[str, Kind]] = {
    "gateway.started": {"version": "str", "schema": "int", "pid": "int", "bundle": "str", "models": "object"},
    "gateway.stopped": {"version": "str", "pid": "int"},
    "configuration.loaded": {"version": "str", "sha256": "str", "workers": "int", "threads": "int"},
    "configuration.refused": {"places": "strings", "more": "int"},
    "policy.file": {"bundle": "str", "path": "str", "part": "int", "parts": "int", "text": "str"},
    "policy.activated": {"bundle": "str", "name": "str", "version": "str", "files": "objects"},  # path, sha256, bytes
    "policy.refused": {"problems": "strings", "more": "int"},
    "clients.loaded": {"part": "int", "parts": "int", "clients": "objects"},  # id, roles, scopes, audience, secret
    "issuer.keys_loaded": {"issuer": "str", "keys": "objects"},  # kid, thumbprint
    "issuer.keys_changed": {"issuer": "str", "added": "objects", "removed": "objects"},  # kid, thumbprint
    "issuer.keys_unavailable": {"issuer": "str", "error": "str"},
    "issuer.keys_restored": {"issuer": "str"},
    "audit.writer_restarted": {"exit_code": "int"},
}

_REQUESTS: dict[str, dict[str, Kind]] = {
    "request.admitted": _REQUEST | _WITHHELD | {"stream": "bool", "prompt": "object", "filters": "objects"},
    "request.finished": _END
    | _WITHHELD
    | {
        "request_id": "str",
        "route": "str",
        "subject": "str",
        "model": "str",
        "admitted": "int",  # index of the request's first record, which holds the rest
        "outcome": "str",  # completed, content_filter, aborted, failed
        "finish_reason": "str",
        "usage": "object",  # prompt, completion, in tokens
        "completion": "object",  # chars, hmac, key, text, whole, sealed
    },
    # `count`: this record stands for so many refusals of one address, all within `seconds` before it.
    "request.refused": _REQUEST
    | _END
    | _WITHHELD
    | {"prompt": "object", "status": "int", "param": "str", "count": "int", "seconds": "int"},
    "request.served": _REQUEST | {"duration_ms": "int"},
    "configuration.read": _REQUEST | {"duration_ms": "int"},
    "token.issued": _REQUEST | {"client_id": "str", "jti": "str", "expires_at": "int", "duration_ms": "int"},
    "token.refused": _REQUEST | {"client_id": "str", "error": "str", "duration_ms": "int"},
}

# Sealed texts (docs/contents.md). `erasing` comes before anything is destroyed, `erased` after it.
_ERASURE: dict[str, Kind] = {"subject": "str", "older_than_days": "int", "keys": "int", "user": "str", "uid": "int"}
_CONTENTS: dict[str, dict[str, Kind]] = {
    "content.erasing": _ERASURE,
    "content.erased": _ERASURE | {"files": "int"},
    "content.rewrapping": {"auditor": "str", "user": "str", "uid": "int"},
    "content.rewrapped": {"auditor": "str", "keys": "int", "problems": "int", "user": "str", "uid": "int"},
}

# A command that shows what is in the log. `filters` is what was asked for; texts that were searched for are not in it.
_READS: dict[str, dict[str, Kind]] = {
    "audit.read": {
        "command": "str",
        "filters": "object",
        "logs": "strings",
        "results": "int",
        "user": "str",
        "uid": "int",
    }
}

# What the writer records of its own accord.
_WRITER: dict[str, dict[str, Kind]] = {"audit.heartbeat": {}, "audit.clock": {"behind_ms": "int"}}

EVENTS: Mapping[str, Fields] = MappingProxyType(
    {
        name: MappingProxyType(fields)
        for area in (_GATEWAY, _REQUESTS, _CONTENTS, _READS, _WRITER)
        for name, fields in area.items()
    }
)
