"""A dialogue that every server of the end-to-end tests can hold: what is asked, and what must come of it.

Owns the questions and their checks. `tests.kit.wire` has the answers of the server of our own, `answers.json` in
`tests/e2e/servers` those of aimock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.kit.asking import Heard, ask
from tests.kit.order import check_order

import zen_native as zen

__all__ = [
    "AFTER", "ANSWER", "BEFORE", "CALLS", "HARBOURS", "PROTOCOLS", "REPORT", "RESULTS", "TEXT", "THOUGHT",
    "Talk", "check_answer", "check_calls", "check_refusal", "check_report", "check_text", "check_thought",
]  # fmt: skip

TEXT = "The tide turns at six, says the almanac."
THOUGHT = "Count the hours from noon, then add a half."
ANSWER = "Half past six."
BEFORE = "I look at both."
CALLS = (("call_a1", "tide", {"port": "Brest"}), ("call_b2", "tide", {"port": "Whitby"}))
RESULTS = {"call_a1": "high at six", "call_b2": "high at nine"}
AFTER = "Brest at six, Whitby at nine."
REPORT = {"port": "Brest", "height": 7.5}

HARBOURS = zen.Tool(
    name="tide",
    description="When the water is high.",
    input_schema={"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
)
_SCHEMA = {
    "type": "object",
    "properties": {"port": {"type": "string"}, "height": {"type": "number"}},
    "required": ["port", "height"],
    "additionalProperties": False,
}
_CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_MODELS = {
    "openai-chat": ("chat", "gpt-5", "/v1"),
    "openai-responses": ("openai", "gpt-5", "/v1"),
    "anthropic-messages": ("anthropic", "claude-sonnet-4-5", ""),
    "google-generate-content": ("google", "gemini-2.5-pro", ""),
    "bedrock-converse": ("bedrock", _CLAUDE, ""),
    "bedrock-invoke-anthropic": ("bedrock-invoke", _CLAUDE, ""),
}
"""By protocol: provider, model, and what a base URL ends with."""
PROTOCOLS = tuple(_MODELS)


@dataclass(frozen=True)
class Talk:
    """Who asks whom: a client of that kind and runtime, a server at that URL, in that protocol."""

    protocol: str
    kind: str
    runtime: str
    url: str
    key: str | zen.AwsCredentials = "sk-sentinel-0123456789"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the client."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of every request."""

    @property
    def model(self) -> str:
        """By its full name."""
        provider, model, _ = _MODELS[self.protocol]
        return f"{provider}/{model}"

    @property
    def config(self) -> zen.Config:
        """How that server is reached."""
        provider, _, prefix = _MODELS[self.protocol]
        known: dict[str, Any] = {"protocol": self.protocol} if provider == "chat" else {}
        known |= {"aws" if isinstance(self.key, zen.AwsCredentials) else "api_key": self.key}
        at = zen.ProviderSettings(base_url=self.url + prefix, **known)
        return zen.Config(providers={provider: at}, environ={"AWS_REGION": "us-east-1"})

    def hears(self, messages: Any, model: str | None = None, **fields: Any) -> Heard:
        """What comes of a question. An error is given back, not raised; nothing is tried again unless `options` say."""
        options = {"retry": zen.RetryPolicy(attempts=1), **self.options}
        heard = ask(
            self.kind,
            self.config,
            call={"request": model or self.model, "messages": messages, **self.fields, **fields},
            runtime=self.runtime,
            **options,
        )
        check_order(heard.events, failed=heard.error is not None)
        return heard

    def learns(self, messages: Any, **fields: Any) -> zen.LLMResponse:
        """The whole answer to a question."""
        heard = self.hears(messages, **fields)
        if heard.error is not None:
            raise heard.error
        return zen.fold(heard.events)


def check_text(talk: Talk) -> None:
    """A text, with usage and the reason of its end."""
    response = talk.learns("hello")
    assert response.text == TEXT
    assert response.reason is not None
    assert response.reason.normalized == "stop"
    assert response.usage is not None


def check_thought(talk: Talk) -> None:
    """Reasoning apart from the text, which is sent back in the next turn."""
    response = talk.learns("think", reasoning={"effort": "low"})
    assert (response.reasoning, response.text) == (THOUGHT, ANSWER)
    again = ({"role": "user", "content": "think"}, *response.to_messages(), {"role": "user", "content": "hello"})
    assert talk.learns(again).text == TEXT


def check_calls(talk: Talk) -> zen.LLMResponse:
    """Two calls side by side."""
    response = talk.learns("tides", tools=[HARBOURS])
    assert response.text in (BEFORE, "")
    assert [(call.name, call.input) for call in response.tool_calls] == [(name, put) for _, name, put in CALLS]
    assert response.reason is not None
    # aimock writes a reason that Google has not; the calls are there all the same.
    assert response.reason.normalized == "tool-calls" or response.reason.raw == "FUNCTION_CALL"
    return response


def check_answer(talk: Talk) -> None:
    """Two calls, their results, and the answer to these."""
    response = check_calls(talk)
    results = [
        {"role": "tool", "content": [{"type": "tool-result", "id": call.id, "name": call.name, "result": result}]}
        for call, result in zip(response.tool_calls, RESULTS.values(), strict=True)
    ]
    history = ({"role": "user", "content": "tides"}, *response.to_messages(), *results)
    assert talk.learns(history, tools=[HARBOURS]).text == AFTER


def check_report(talk: Talk) -> None:
    """JSON by a schema."""
    form = zen.ResponseFormat(type="json_schema", name="report", json_schema=_SCHEMA)
    assert json.loads(talk.learns("report", response_format=form).text) == REPORT


def check_refusal(talk: Talk, question: str, expected: type[zen.LLMError], status: int) -> zen.LLMError:
    """An error of exactly that class, with the provider's status, and no event."""
    heard = talk.hears(question)
    assert heard.events == []
    assert type(heard.error) is expected, repr(heard.error)
    assert heard.error.status == status
    if status == 429:
        assert heard.error.retry_after == pytest.approx(3.0)
    return heard.error
