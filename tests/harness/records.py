"""Records as a gateway leaves them, one of each sort that the export formats treat differently."""

from __future__ import annotations

from typing import Any

from audit import canonical
from audit.export.record import Record

ORIGIN = "host-a/hangu"
TIME = "2026-11-23T08:00:00.001000Z"
SECONDS = 1_795_420_800  # of TIME, since 1970
BUNDLE = "sha256:" + "ab" * 32

_WHO: dict[str, Any] = {
    "request_id": "req-1",
    "route": "/v1/chat/completions",
    "method": "POST",
    "address": "10.0.0.7",
    "bundle": BUNDLE,
    "subject": "李雷",
    "roles": ["user", "护士"],
    "issuer": "https://id.example",
    "tenant": "医院",
    "client": "ward-app",
    "token_id": "tok-1",
    "object": "model/chatglm3-6b",
    "action": "chat",
    "model": "chatglm3-6b",
    "decision": {"effect": "allow", "reason": "matched-rule", "rule": "policy.csv:5:1"},
    "chains": {"prompt": "default", "completion": "default"},
}
_HIT = {"direction": "prompt", "filter": "pii", "type": "cn_id", "action": "redact", "count": 2}

STARTED = {"event": "gateway.started", "version": "0.1.0", "schema": 1, "bundle": BUNDLE}
ADMITTED = {
    "event": "request.admitted",
    **_WHO,
    "stream": True,
    "prompt": {"messages": 1, "chars": 4, "hmac": "aa" * 32, "text": [["user", "医保报销"]]},
    "filters": [_HIT],
}
FINISHED = {
    "event": "request.finished",
    "request_id": "req-1",
    "route": "/v1/chat/completions",
    "subject": "李雷",
    "model": "chatglm3-6b",
    "admitted": 3,
    "outcome": "completed",
    "finish_reason": "stop",
    "usage": {"prompt": 12, "completion": 34},
    "completion": {"chars": 2, "hmac": "bb" * 32, "text": "可以"},
    "duration_ms": 250,
}
BLOCKED = {**FINISHED, "outcome": "content_filter", "finish_reason": "content_filter"}
DENIED = {
    "event": "request.refused",
    **_WHO,
    "decision": {"effect": "deny", "reason": "no-matching-rule"},
    "status": 403,
    "code": "forbidden",
    "detail": "no rule | allows = this\\\nat all",
    "duration_ms": 1,
}
UNKNOWN_CALLER = {
    "event": "request.refused",
    "request_id": "req-2",
    "route": "/v1/chat/completions",
    "method": "POST",
    "address": "2001:db8::7",
    "status": 401,
    "code": "invalid_token",
    "detail": "signature",
}
FLOOD = {**UNKNOWN_CALLER, "status": 429, "code": "rate_limited", "count": 70, "seconds": 10}
TOKEN = {"event": "token.issued", "request_id": "req-3", "client_id": "ward-app", "address": "10.0.0.7", "jti": "j"}
READ = {"event": "audit.read", "command": "query", "user": "auditor", "uid": 1000, "filters": {"subject": "李雷"}}
ERASED = {"event": "content.erased", "subject": "李雷", "keys": 2, "files": 1, "user": "root", "uid": 0}
KEYS = {"event": "issuer.keys_changed", "issuer": "https://id.example", "added": [{"kid": "k1"}], "removed": []}
POLICY = {"event": "policy.file", "bundle": BUNDLE, "path": "policy.csv", "part": 1, "parts": 1, "text": "p, 医保"}
HEARTBEAT = {"event": "audit.heartbeat"}
FOREIGN: dict[str, Any] = {
    "n": 1,
    "index": 9,
    "filters.x": 1,
    "subject": 7,
    "roles": "user",
    "filters": "x",
    "usage": [],
    "status": "200",
}
SAMPLES: tuple[dict[str, Any], ...] = (
    STARTED,
    ADMITTED,
    FINISHED,
    BLOCKED,
    DENIED,
    UNKNOWN_CALLER,
    FLOOD,
    TOKEN,
    READ,
    ERASED,
    KEYS,
    POLICY,
    HEARTBEAT,
    FOREIGN,
)


def record(fields: dict[str, Any], index: int = 5) -> Record:
    """The record of these members."""
    return Record(ORIGIN, index, TIME, canonical.encode(fields), fields)
