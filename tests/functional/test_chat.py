"""Chat over HTTP: OpenAI's endpoint, the older ones, streams, and what the answers carry."""

from __future__ import annotations

from typing import Any

import pytest
from harness.server import Server
from harness.sse import events, text_of
from harness.upstream import ScriptedUpstream

PAIRS = [["你好", "你好！"]]
TURNS = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "你好！"}]


def test_a_whole_answer_has_openais_shape(gateway: Server, upstream: ScriptedUpstream) -> None:
    """Id, object, model, one choice, finish reason and usage."""
    upstream.answers["shape"] = ["Hello ", "world"]
    body = gateway.chat("shape").json()
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert body["model"] == "chatglm3-demo"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello world"}
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def test_a_stream_ends_with_done_and_usage_when_asked(gateway: Server, upstream: ScriptedUpstream) -> None:
    """First the role, then the text, the finish reason, the usage, `[DONE]`; one id throughout."""
    upstream.answers["stream"] = ["函", "谷", "关"]
    answer = gateway.chat("stream", stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    stream = events(answer)
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text_of(stream) == "函谷关"
    assert stream[-3]["choices"][0]["finish_reason"] == "stop"
    assert stream[-2]["usage"]["completion_tokens"] == 3
    assert stream[-1] == "[DONE]"
    assert len({event["id"] for event in stream[:-1]}) == 1


def test_usage_is_not_streamed_unasked(gateway: Server, upstream: ScriptedUpstream) -> None:
    """A client that did not ask gets no chunk without choices."""
    stream = events(gateway.chat("plain", stream=True))
    assert all(event == "[DONE]" or event["choices"] for event in stream)


def test_every_answer_names_its_request_policy_and_record(gateway: Server) -> None:
    """The receipt in the header finds the record of this very request."""
    answer = gateway.chat("receipt")
    origin, _, index = answer.headers["hangu-record"].rpartition("/")
    assert origin.startswith("hangu.demo/")
    assert len(answer.headers["hangu-policy"]) == 64
    mine = gateway.records_of(answer)
    assert [r["event"] for r in mine] == ["request.admitted", "request.finished"]
    assert mine[1]["admitted"] == int(index)


def test_limits_are_in_the_headers_that_clients_read(gateway: Server) -> None:
    """`x-ratelimit-*` count down."""
    first, second = (gateway.chat("count").headers for _ in range(2))
    assert int(first["x-ratelimit-limit-requests"]) == 1_000_000
    assert int(second["x-ratelimit-remaining-requests"]) < int(first["x-ratelimit-remaining-requests"])
    assert first["x-ratelimit-reset-requests"].endswith("s")


def test_all_roles_and_text_parts_reach_the_model(gateway: Server, upstream: ScriptedUpstream) -> None:
    """`developer` counts as system; a list of text parts is one text."""
    messages = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "a", "name": "li_lei"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": [{"type": "text", "text": "part one, "}, {"type": "text", "text": "part two"}]},
    ]
    answer = gateway.post("/v1/chat/completions", {"model": "chatglm3-demo", "messages": messages})
    assert answer.status == 200
    sent = upstream.seen[-1]["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
    assert sent[-1]["content"] == "part one, part two"


def test_sampling_parameters_reach_the_model(gateway: Server, upstream: ScriptedUpstream) -> None:
    """What the client sets is what the engine gets."""
    answer = gateway.chat("sampled", temperature=0.1, top_p=0.5, max_tokens=11, stop=["END"], seed=42, n=1)
    assert answer.status == 200
    sent = upstream.seen[-1]
    assert (sent["temperature"], sent["top_p"], sent["max_tokens"], sent["seed"]) == (0.1, 0.5, 11, 42)
    assert sent["stop"] == ["END"]


def test_models_are_listed_for_those_who_may_see_them(gateway: Server) -> None:
    """Users see the models; guests, who may only chat, get 403."""
    listed = gateway.request("GET", "/v1/models", role="user")
    assert [model["id"] for model in listed.json()["data"]] == ["chatglm3-demo"]
    assert gateway.request("GET", "/v1/models/chatglm3-demo", role="user").json()["id"] == "chatglm3-demo"
    assert gateway.request("GET", "/v1/models", role="guest").status == 403
    assert gateway.request("GET", "/v1/models/other", role="user").code == "model_not_found"


@pytest.mark.parametrize("history", [PAIRS, TURNS, []])
def test_the_older_endpoint_keeps_the_form_of_the_history(gateway: Server, history: list[Any]) -> None:
    """Pairs come back as pairs, messages as messages, and what comes back can be sent again."""
    first = gateway.post("/api/chat", {"message": "天气", "history": history}).json()
    assert first["response"] == "You said: 天气"
    assert first["user_id"] == "demo-user"
    new = ["天气", "You said: 天气"]
    if history is PAIRS:
        assert first["history"] == [*PAIRS, new]
    else:
        assert [turn["content"] for turn in first["history"][-2:]] == new
    again = gateway.post("/api/chat", {"message": "再见", "history": first["history"]})
    assert again.status == 200


def test_secure_chat_runs_the_strict_chain(gateway: Server, upstream: ScriptedUpstream) -> None:
    """The strict chain is recorded, and the caller is named `user`."""
    answer = gateway.post("/api/secure-chat", {"message": "secure"})
    assert answer.json()["user"] == "demo-user"
    record = gateway.records_of(answer)[0]
    assert record["chains"] == {"prompt": "strict", "completion": "strict"}


def test_guests_get_the_strict_chain_everywhere(gateway: Server) -> None:
    """Role decides the chain, whatever the endpoint."""
    answer = gateway.chat("guest", role="guest")
    record = gateway.records_of(answer)[0]
    assert record["chains"]["completion"] == "strict"
    assert record["roles"] == ["guest"]


def test_only_administrators_read_the_configuration(gateway: Server) -> None:
    """Admin reads it without any secret; user and guest are refused and recorded."""
    answer = gateway.request("GET", "/api/admin/configuration", role="admin")
    assert answer.json()["bundle"]["digest"] == answer.headers["hangu-policy"]
    assert "secret" not in answer.body.decode().lower()
    for role in ("user", "guest"):
        assert gateway.request("GET", "/api/admin/configuration", role=role).code == "forbidden"
    reads = [r for r in gateway.records() if r["event"] == "configuration.read"]
    assert reads[-1]["subject"] == "demo-admin"
