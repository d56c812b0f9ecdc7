"""A log as a busy gateway leaves it, written by the real journal with large commits: a million records in a minute.

    write_log(folder, records=1_000_000)

The same arguments give the same records. Nine requests of ten reach the model and leave two records; the rest are
refusals and sign-ins. One request of five is of a role whose prompts and answers are kept in clear at level `redacted`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import Signer
from audit.journal import Journal, Rotation

ORIGIN = "benchmark/hangu"
START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z
SPAN_NS = 30 * 86_400 * 1_000_000_000
COMMIT = 200  # records: more than writers leave, so that the log is soon written
KEY_ID = "0123456789abcdef"

Record = dict[str, Any]

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
_CHINESE = (
    "医保报销住院门诊药品费用患者检查报告血压血糖手术麻醉护理病历摘要翻译合同条款付款日期发票审批流程请问如何办理"
)
_WORDS = [_CHINESE[place : place + 2] for place in range(0, len(_CHINESE), 2)]
_WORDS += ["CT", "MRI", " API ", "Python ", "budget ", "report ", "patient ", "summary ", "invoice ", "deadline "]
_ROLES = ("doctor", "nurse", "clerk", "auditor", "admin")
_IN_CLEAR = "clerk"
_OUTCOMES = (("completed", "stop"), ("completed", "length"), ("content_filter", "content_filter"), ("aborted", None))
_HITS = (("cn-id", "cn_id"), ("phone", "cn_mobile"), ("card", "bank_card"), ("secret", "api_key"))


def write_log(directory: Path, records: int, private: Ed25519PrivateKey | None = None, seed: int = 1) -> None:
    """Write a sealed log of at least so many records into a new directory, spread over thirty days."""
    rng = random.Random(seed)
    journal = Journal(directory, Signer(ORIGIN, private or Ed25519PrivateKey.generate()), Rotation(), START_NS)
    answered: list[tuple[int, Record]] = []
    written = 0
    while written < records or answered:
        batch = [_finished(rng, index, admitted) for index, admitted in answered]
        while written + len(batch) < records and len(batch) < COMMIT:
            batch.append(_opening(rng, written + len(batch)))
        first = journal.append(
            [orjson.dumps(record, option=orjson.OPT_SORT_KEYS) for record in batch],
            START_NS + SPAN_NS * written // (records + COMMIT),
        )
        written += len(batch)
        answered = [
            (first + place, record) for place, record in enumerate(batch) if record["event"] == "request.admitted"
        ]
    journal.close(START_NS + SPAN_NS)


def _opening(rng: random.Random, number: int) -> Record:
    """The first record of a request, or its only one."""
    chance = rng.random()
    who = _who(rng, number)
    if chance < 0.87:
        return who | _admitted(rng, who)
    if chance < 0.90:
        return {"event": "token.issued", "client_id": who["client"], "jti": rng.randbytes(12).hex()} | {
            name: who[name] for name in ("request_id", "route", "method", "address", "bundle")
        }
    deny = {"effect": "deny", "reason": "no-matching-rule", "rule": None}
    status, code, decision = rng.choice(
        ((403, "forbidden", deny), (403, "forbidden", deny), (429, "rate_limited", who["decision"]))
    )
    return who | {
        "event": "request.refused",
        "status": status,
        "code": code,
        "decision": decision,
        "detail": "no rule allows `chat` on `model/chatglm3-6b`",
        "duration_ms": 2,
    }


def _who(rng: random.Random, number: int) -> Record:
    person = min(int(rng.paretovariate(0.6)), 20_000)  # a few ask often, many seldom
    return {
        "request_id": f"req_{number:08x}{rng.randbytes(8).hex()}",
        "route": "chat.completions",
        "method": "POST",
        "address": f"10.{person % 7}.{person // 250 % 250}.{person % 250}",
        "bundle": "%064x" % (number // 200_000 + 0xABCDEF),
        "subject": f"user:{_SURNAMES[person % 20]}{_GIVEN[person // 20 % 20]}-{person}",
        "roles": ["user", _ROLES[person % len(_ROLES)]],
        "issuer": "hospital-idp",
        "tenant": "hospital",
        "client": f"ward-app-{person % 12}",
        "token_id": rng.randbytes(12).hex(),
        "object": "model/chatglm3-6b",
        "action": "chat",
        "decision": {"effect": "allow", "reason": "matched-rule", "rule": f"policy.csv:{5 + person % 4}:1"},
        "model": "chatglm3-6b",
        "chains": {"prompt": "default-prompt", "completion": "default-completion"},
    }


def _admitted(rng: random.Random, who: Record) -> Record:
    text = _text(rng, 30)
    prompt: Record = {"messages": 1, "chars": len(text), "hmac": rng.randbytes(32).hex(), "key": KEY_ID}
    if _IN_CLEAR in who["roles"]:
        prompt |= {"whole": True, "text": [["user", text]]}
    return {"event": "request.admitted", "stream": True, "prompt": prompt} | _hits(rng, "prompt", 0.2)


def _finished(rng: random.Random, index: int, admitted: Record) -> Record:
    text = _text(rng, 120)
    completion: Record = {"chars": len(text), "hmac": rng.randbytes(32).hex(), "key": KEY_ID}
    if _IN_CLEAR in admitted["roles"]:
        completion |= {"whole": True, "text": text}
    outcome, reason = rng.choices(_OUTCOMES, (96, 2, 1.5, 0.5))[0]
    return {
        "event": "request.finished",
        "request_id": admitted["request_id"],
        "route": admitted["route"],
        "subject": admitted["subject"],
        "model": admitted["model"],
        "admitted": index,
        "outcome": outcome,
        "finish_reason": reason,
        "usage": {"prompt": admitted["prompt"]["chars"] // 2 + 4, "completion": len(text) // 2},
        "completion": completion,
        "duration_ms": rng.randrange(200, 9000),
    } | _hits(rng, "completion", 0.05)


def _hits(rng: random.Random, direction: str, share: float) -> Record:
    """What filters did in this share of the texts."""
    if rng.random() > share:
        return {}
    name, kind = rng.choice(_HITS)
    hit = {"direction": direction, "filter": name, "type": kind}
    withheld = [hit | {"hmac": rng.randbytes(32).hex(), "key": KEY_ID}]
    return {"filters": [hit | {"action": "redact", "count": 1}], "withheld": withheld}


def _text(rng: random.Random, words: int) -> str:
    return "".join(rng.choices(_WORDS, k=rng.randrange(words // 2, words + words // 2)))
