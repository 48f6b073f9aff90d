"""Requests that every format lowers, and the routes they are lowered for.

Owns the scenarios of the golden files under `tests/golden/lower` and how such a file is written. Holds no test.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zen_native import LLMRequest, Route
from zen_native.dialect import Dialect
from zen_native.formats import lower

GOLDEN = Path(__file__).parents[1] / "golden" / "lower"

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"
WAV = "UklGRiQAAABXQVZF"

WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a place.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "exclusiveMinimum": 0}},
        "required": ["city"],
    },
}
TIME: dict[str, Any] = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}


class Report(BaseModel):
    """What `output_type` is given."""

    title: str
    points: list[str]


def _user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def _call(call_id: str, name: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool-call", "id": call_id, "name": name, "input": value, **more}


def _result(call_id: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool-result", "id": call_id, "result": result, **more}


_LOOP: list[Any] = [
    "What is the weather in Oslo, and what time is it?",
    {
        "role": "assistant",
        "content": [
            "Let me look.",
            _call("call_1", "get_weather", {"city": "Oslo"}),
            _call("call_2", "get_time", {}),
        ],
    },
    {"role": "tool", "content": [_result("call_2", "no clock", is_error=True), _result("call_1", {"celsius": -3})]},
]

SCENARIOS: dict[str, dict[str, Any]] = {
    "text": {"messages": "Hello", "cache": "none"},
    "conversation": {
        "system": ["You are brief.", "Answer in English."],
        "messages": ["Hello", {"role": "assistant", "content": "Hi."}, "How are you?"],
    },
    "options": {
        "messages": "Hello",
        "cache": "none",
        "generation": {
            "max_tokens": 512,
            "temperature": 0.25,
            "top_p": 0.9,
            "top_k": 40,
            "frequency_penalty": 0.5,
            "presence_penalty": -0.5,
            "seed": 7,
            "stop": ["END", "STOP"],
        },
        "metadata": {"user_id": "u-1", "team": "blue"},
        "session_id": "session-1",
    },
    "tools": {"messages": "Weather?", "tools": [WEATHER, {**TIME, "strict": True}], "tool_choice": "auto"},
    "tool-forced": {
        "messages": "Weather?",
        "tools": [WEATHER],
        "tool_choice": {"mode": "tool", "name": "get_weather", "parallel": False},
    },
    "tool-required": {"messages": "Weather?", "tools": [WEATHER], "tool_choice": {"mode": "required"}},
    "tool-none": {"messages": "Weather?", "tools": [WEATHER], "tool_choice": "none"},
    "tool-loop": {"messages": _LOOP, "tools": [WEATHER, TIME]},
    "tool-media": {
        "messages": [
            "Take a picture.",
            {"role": "assistant", "content": [_call("call_1", "camera", {})]},
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "id": "call_1",
                        "content": ["One picture.", {"type": "image", "data": PNG, "mime_type": "image/png"}],
                    }
                ],
            },
            "Describe it.",
        ],
        "tools": [{"name": "camera"}],
    },
    "freeform": {
        "messages": [
            "Write a patch.",
            {"role": "assistant", "content": [_call("call_1", "patch", "*** Begin")]},
            {"role": "tool", "content": [_result("call_1", "done")]},
        ],
        "tools": [{"name": "patch", "description": "Changes files.", "freeform": True}],
    },
    "media": {
        "messages": [
            _user(
                "Compare.",
                {"type": "image", "data": PNG, "mime_type": "image/png", "detail": "low"},
                {"type": "image", "url": "https://example.com/cat.jpg", "mime_type": "image/jpeg"},
                {"type": "document", "data": PDF, "mime_type": "application/pdf", "filename": "notes (v2).pdf"},
                {"type": "audio", "data": WAV, "mime_type": "audio/wav"},
            )
        ]
    },
    "reasoning": {"messages": "Think.", "reasoning": {"effort": "high", "summary": "auto"}},
    "reasoning-off": {"messages": "Quick.", "reasoning": "none"},
    "reasoning-budget": {"messages": "Think.", "reasoning": {"budget_tokens": 2048}},
    "structured": {"messages": "Report.", "output_type": Report},
    "json": {"messages": "Report as JSON.", "response_format": "json"},
    "cache": {
        "system": [{"text": "Long.", "cache": {"ttl_seconds": 3600}}, "More."],
        "tools": [WEATHER, {**TIME, "cache": True}],
        "messages": [
            _user({"type": "text", "text": "Context.", "cache": True}, "One."),
            {"role": "assistant", "content": "Two."},
            "Three.",
        ],
    },
    "system-midway": {
        "system": "Be brief.",
        "messages": [
            "Hello",
            {"role": "assistant", "content": "Hi."},
            "Go on.",
            {"role": "system", "content": "From now on <b>shout</b>."},
            {"role": "assistant", "content": "OK"},
            "Well?",
        ],
    },
    "overlays": {
        "messages": "Hello",
        "cache": "none",
        "generation": {"max_tokens": 10},
        "provider_options": {"here": {"extra": {"a": 1, "b": 2}}, "elsewhere": {"extra": {"c": 3}}},
        "http": {"body": {"extra": {"b": None, "d": 4}}},
    },
    "surrogates": {"messages": ["half \ud83d, pair \ud83d\ude00"], "cache": "none"},
}


def request(scenario: str, **more: Any) -> LLMRequest:
    """The request of a scenario; not strict, so that the golden files show what is left out."""
    return LLMRequest.model_validate({"model": "here/model", "strict": False, **SCENARIOS[scenario], **more})


def route(protocol: str, model: str = "model", *, dialect: Dialect | None = None, **fields: Any) -> Route:
    """A route of a provider called `here`."""
    base: dict[str, Any] = {"provider": "here", "base_url": "https://api.example.com/v1", "path": "/x"}
    return Route(**{**base, "protocol": protocol, "model": model, "dialect": dialect or Dialect(), **fields})


def lowered(protocol: str, scenario: str, model: str, dialect: Dialect) -> dict[str, Any]:
    """What a golden file holds."""
    out = lower(request(scenario), route(protocol, model, dialect=dialect), stream=True)
    found: dict[str, Any] = {"body": out.body, "headers": out.headers, "warnings": list(out.warnings)}
    return {name: value for name, value in found.items() if value}


def golden_text(value: dict[str, Any]) -> str:
    """The text of a golden file."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def ask(**fields: Any) -> LLMRequest:
    """A strict request; `messages` is a greeting where nothing else is said, and nothing is cached."""
    return LLMRequest.model_validate({"model": "m", "messages": "Hello", "cache": "none", **fields})


def body_of(protocol: str, asked: LLMRequest, *, model: str = "model", **dialect: Any) -> dict[str, Any]:
    """The body that a request becomes at a server of that dialect."""
    return lower(asked, route(protocol, model, dialect=Dialect(**dialect)), stream=False).body


def call(call_id: str, name: str = "f", value: Any = None, **more: Any) -> dict[str, Any]:
    """A call as a part."""
    return _call(call_id, name, {} if value is None else value, **more)


def result(call_id: str, value: Any = "done", **more: Any) -> dict[str, Any]:
    """A result as a part."""
    return _result(call_id, value, **more)


def loop(*ids: str, then: str | None = None) -> list[Any]:
    """A conversation with calls of these ids, their results and, perhaps, what the user says then."""
    turns: list[Any] = [
        "Do it.",
        {"role": "assistant", "content": [call(one) for one in ids]},
        {"role": "tool", "content": [result(one) for one in ids]},
    ]
    return turns if then is None else [*turns, then]
