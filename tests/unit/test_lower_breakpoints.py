"""Breakpoints of OpenAI's prompt cache: who takes them, where they stand, and when the server sets one of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.lowering import PNG, ask, loop, route

from zen_native import Config, LLMRequest, ProviderSettings
from zen_native.dialect import Dialect
from zen_native.formats import lower
from zen_native.formats.common import Lowered
from zen_native.routing import resolve

FORMATS = ("openai-responses", "openai-chat")
MODEL = "gpt-5.6-sol"
PLAIN = {"mode": "explicit"}
LONG = {"mode": "explicit", "ttl": "12h"}
HOUR = {"ttl_seconds": 3600}

Marks = list[tuple[str, Any]]


def lowered(protocol: str, asked: LLMRequest, model: str = MODEL) -> Lowered:
    known = Dialect(cache_breakpoints=True, prompt_cache_key=True, media=frozenset({"image", "document"}))
    return lower(asked, route(protocol, model, dialect=known), stream=False)


def marks(body: dict[str, Any]) -> Marks:
    """Every breakpoint, with the text that it stands at, or the type of the part."""
    found: Marks = []
    for item in body.get("input") or body["messages"]:
        for part in item.get("content") or item.get("output") or ():
            if isinstance(part, dict) and "prompt_cache_breakpoint" in part:
                found.append((part.get("text", part["type"]), part["prompt_cache_breakpoint"]))
    assert json.dumps(body).count("prompt_cache_breakpoint") == len(found)
    return found


@pytest.mark.parametrize("protocol", FORMATS)
class TestBothFormats:
    def test_hints_are_breakpoints(self, protocol: str) -> None:
        image = {"type": "image", "data": PNG, "mime_type": "image/png", "cache": True}
        said = {"role": "user", "content": [image, {"text": "Long.", "type": "text", "cache": True}, "Short."]}
        out = lowered(protocol, ask(cache="auto", system=["a", {"text": "b", "cache": True}], messages=[said]))
        picture = "input_image" if protocol == "openai-responses" else "image_url"
        assert marks(out.body) == [("b", PLAIN), (picture, PLAIN), ("Long.", PLAIN)]
        assert out.warnings == ()

    def test_auto_leaves_a_breakpoint_to_the_server(self, protocol: str) -> None:
        body = lowered(protocol, ask(cache="auto", system="x", tools=[{"name": "f"}])).body
        assert marks(body) == []
        assert "prompt_cache_options" not in body

    def test_none_caches_nothing_but_hints(self, protocol: str) -> None:
        for system, expected in (("x", []), ([{"text": "x", "cache": True}], [("x", PLAIN)])):
            body = lowered(protocol, ask(cache="none", system=system)).body
            assert body["prompt_cache_options"] == {"mode": "explicit"}
            assert marks(body) == expected

    def test_a_policy_sets_all_that_there_are(self, protocol: str) -> None:
        policy = {"system": True, "messages": 2}
        body = lowered(protocol, ask(cache=policy, system=["x", "y"], messages=loop("1", then="Go on."))).body
        assert body["prompt_cache_options"] == {"mode": "explicit"}
        assert marks(body) == [("y", PLAIN), ("done", PLAIN), ("Go on.", PLAIN)]

    def test_tools_are_cached_by_the_server_s_own(self, protocol: str) -> None:
        body = lowered(protocol, ask(cache={"tools": True, "system": True}, system="x", tools=[{"name": "f"}])).body
        assert "prompt_cache_options" not in body
        assert marks(body) == [("x", PLAIN)]

    @pytest.mark.parametrize(("policy", "left"), [("none", 4), ("auto", 3)])
    def test_four_are_written_and_one_may_be_the_server_s(self, protocol: str, policy: str, left: int) -> None:
        parts = [{"type": "text", "text": str(i), "cache": True} for i in range(6)]
        out = lowered(protocol, ask(cache=policy, messages=[{"role": "user", "content": parts}]))
        assert [text for text, _ in marks(out.body)] == ["0", "1", "2", "3"][:left]
        assert out.warnings == (f"{6 - left} cache hints were over the limit or out of place",)

    def test_answers_and_tools_take_none(self, protocol: str) -> None:
        answer = {"role": "assistant", "content": [{"type": "text", "text": "Hi.", "cache": True}]}
        tools = [{"name": "f", "cache": True}]
        out = lowered(protocol, ask(cache={"messages": "latest-assistant"}, tools=tools, messages=["x", answer, "y"]))
        assert marks(out.body) == []
        assert out.warnings == ("2 cache hints were over the limit or out of place",)

    @pytest.mark.parametrize(
        ("model", "takes"),
        [
            ("gpt-5.6", True),
            ("gpt-5.10-mini", True),
            ("gpt-6", True),
            ("gpt-5.5", False),
            ("gpt-5", False),
            ("gpt-4.1", False),
            ("gpt-2026.1", False),
            ("o9", False),
        ],
    )
    def test_generations(self, protocol: str, model: str, takes: bool) -> None:
        out = lowered(protocol, ask(cache="none", system=[{"text": "x", "cache": True}], session_id="s"), model)
        assert bool(marks(out.body)) == ("prompt_cache_options" in out.body) == takes
        assert bool(out.warnings) != takes
        assert out.body["prompt_cache_key"] == "s"

    def test_the_sdk_takes_them(self, protocol: str) -> None:
        pytest.importorskip("openai", reason="the SDKs are in the dependency group sdk")
        from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
        from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
        from tests.kit.typed import misfits

        pdf = {"type": "document", "data": "JVBERi0xLjQK", "mime_type": "application/pdf", "cache": HOUR}
        said = [{"role": "user", "content": [pdf, {"type": "text", "text": "Long.", "cache": True}]}, *loop("1")[1:]]
        body = lowered(protocol, ask(cache={"messages": 1}, system=[{"text": "x", "cache": True}], messages=said)).body
        types = (ResponseCreateParamsNonStreaming, CompletionCreateParamsNonStreaming)
        assert misfits(body, types[FORMATS.index(protocol)]) == []
        assert len(marks(body)) == 4


def test_an_hour_or_more_is_the_longer_lifetime_of_responses() -> None:
    asked = ask(system=[{"text": "x", "cache": HOUR}, {"text": "y", "cache": {"ttl_seconds": 3599}}])
    assert marks(lowered("openai-responses", asked).body) == [("x", LONG), ("y", PLAIN)]
    assert marks(lowered("openai-chat", asked).body) == [("x", PLAIN), ("y", PLAIN)]


def test_a_result_in_pieces_is_marked_at_its_last() -> None:
    turns = loop("1")
    pieces = {"type": "tool-result", "id": "1", "content": ["one", "two"], "cache": True}
    turns[2] = {"role": "tool", "content": [pieces]}
    assert marks(lowered("openai-responses", ask(messages=turns)).body) == [("two", PLAIN)]


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        (f"openai/{MODEL}", True),
        (f"openai-chat/{MODEL}", True),
        (f"azure/{MODEL}", False),
        (f"opencode/{MODEL}", False),
        (f"openrouter/openai/{MODEL}", False),
    ],
)
def test_who_takes_them(model: str, takes: bool) -> None:
    """The others say nothing of them, or want marks of another kind."""
    azure = ProviderSettings(base_url="https://a.openai.azure.com", api_key="sk-0")
    keys = {name: ProviderSettings(api_key="sk-0") for name in ("openai", "openai-chat", "opencode", "openrouter")}
    found = resolve(model, Config(providers={**keys, "azure": azure}, environ={}))
    body = lower(ask(system=[{"text": "x", "cache": True}], session_id="s"), found, stream=False).body
    assert ("prompt_cache_breakpoint" in json.dumps(body)) == ("prompt_cache_options" in body) == takes
