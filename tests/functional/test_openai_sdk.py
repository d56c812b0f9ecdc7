"""The official OpenAI SDK against a real gunicorn process with the demo model: what a client's own code meets."""

from __future__ import annotations

import pytest
from harness.server import Server
from openai import (
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)
from openai.types.chat import ChatCompletionMessageParam

MODEL = "chatglm3-demo"
QUESTION = "What is Hangu?"
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


def client(server: Server, role: str) -> OpenAI:
    return OpenAI(base_url=f"{server.base_url}/v1", api_key=server.token(role), max_retries=0)


@pytest.mark.model
def test_a_whole_answer(demo_gateway: Server) -> None:
    """The demo model knows what Hangu is, and usage adds up."""
    with client(demo_gateway, "user") as sdk:
        answer = sdk.chat.completions.create(model=MODEL, messages=ASK, temperature=0)
    assert "Hangu" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.model
def test_a_stream_is_the_same_text(demo_gateway: Server) -> None:
    """Greedy, streamed and whole give one text, in several chunks."""
    with client(demo_gateway, "user") as sdk:
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "函谷是什么？"}]
        whole = sdk.chat.completions.create(model=MODEL, messages=messages, temperature=0)
        stream = sdk.chat.completions.create(
            model=MODEL, messages=messages, temperature=0, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert len(chunks) > 5
    assert chunks[-1].usage == whole.usage


@pytest.mark.model
def test_seed_makes_an_answer_repeatable(demo_gateway: Server) -> None:
    """The same seed gives the same answer at a high temperature."""
    with client(demo_gateway, "user") as sdk:
        texts = {
            sdk.chat.completions.create(model=MODEL, messages=ASK, temperature=1.5, seed=7, max_tokens=30)
            .choices[0]
            .message.content
            for _ in range(3)
        }
    assert len(texts) == 1


@pytest.mark.model
def test_stop_and_max_tokens(demo_gateway: Server) -> None:
    """A stop string ends the answer and is not part of it; max_tokens ends it with `length`."""
    with client(demo_gateway, "user") as sdk:
        full = sdk.chat.completions.create(model=MODEL, messages=ASK, temperature=0)
        words = (full.choices[0].message.content or "").split()
        cut = sdk.chat.completions.create(model=MODEL, messages=ASK, temperature=0, stop=words[3])
        short = sdk.chat.completions.create(model=MODEL, messages=ASK, temperature=0, max_tokens=4)
    assert words[3] not in (cut.choices[0].message.content or "")
    assert cut.choices[0].finish_reason == "stop"
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert short.usage.completion_tokens == 4


@pytest.mark.model
@pytest.mark.parametrize("stream", [False, True])
def test_a_memorised_card_number_never_leaves(demo_gateway: Server, *, stream: bool) -> None:
    """The model knows the number by heart; the client reads a placeholder."""
    question = "What is the card number of Alice Example?"
    with client(demo_gateway, "user") as sdk:
        answer = sdk.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": question}], temperature=0, stream=stream
        )
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in answer)  # type: ignore[union-attr]
        else:
            text = answer.choices[0].message.content or ""  # type: ignore[union-attr]
    assert "[CREDIT_CARD]" in text
    assert not any(run.isdigit() and len(run) > 4 for run in text.split())


@pytest.mark.model
def test_too_long_a_prompt_is_refused_with_the_numbers(demo_gateway: Server) -> None:
    """More than the context holds is a 422 that says how much, and the next request is served."""
    with client(demo_gateway, "user") as sdk:
        with pytest.raises(UnprocessableEntityError) as caught:
            sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "long " * 4000}])
        assert caught.value.code == "context_length_exceeded"
        sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])


@pytest.mark.model
def test_the_older_endpoint_understands_max_length_as_chatglm3_does(demo_gateway: Server) -> None:
    """Prompt and answer together: a short bound cuts the answer, one below the prompt is refused by name."""
    whole = demo_gateway.post("/api/chat", {"message": QUESTION, "temperature": 0}).json()["response"]
    cut = demo_gateway.post("/api/chat", {"message": QUESTION, "temperature": 0, "max_length": 24}).json()["response"]
    assert cut
    assert whole.startswith(cut.rstrip())
    assert cut != whole
    refused = demo_gateway.post("/api/chat", {"message": QUESTION, "max_length": 3})
    assert refused.code == "context_length_exceeded"


def test_errors_are_the_sdks_own(gateway: Server) -> None:
    """Each refusal arrives as the exception that a client's code catches."""
    with client(gateway, "user") as sdk:
        with pytest.raises(NotFoundError):
            sdk.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "x"}])
        with pytest.raises(UnprocessableEntityError) as caught:
            sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}], n=2)
        assert caught.value.param == "n"
        assert [model.id for model in sdk.models.list()] == [MODEL]
    with client(gateway, "guest") as guest, pytest.raises(PermissionDeniedError):
        guest.models.list()
    with OpenAI(base_url=f"{gateway.base_url}/v1", api_key="nonsense", max_retries=0) as stranger:
        with pytest.raises(AuthenticationError) as refused:
            stranger.models.list()
        assert refused.value.code == "invalid_token"


def test_a_guests_eleventh_request_in_a_minute_is_refused(gateway: Server) -> None:
    """Ten pass at most; then 429 with Retry-After, and a user is not affected."""
    with client(gateway, "guest") as sdk:
        outcomes: list[APIStatusError | None] = []
        for _ in range(11):
            try:
                sdk.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
                outcomes.append(None)
            except RateLimitError as error:
                outcomes.append(error)
    refused = [error for error in outcomes if error is not None]
    assert outcomes.count(None) <= 10
    assert refused
    assert 1 <= int(refused[-1].response.headers["retry-after"]) <= 60
    assert refused[-1].response.headers["x-ratelimit-remaining-requests"] == "0"
    assert gateway.chat("unaffected").status == 200
