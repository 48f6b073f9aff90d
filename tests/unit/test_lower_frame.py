"""Frames of questions: what goes out is byte for byte what the format writes, and only equal requests share one."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.lowering import SCENARIOS, route
from tests.unit.test_lower_golden import SERVERS

from zen_native import LLMRequest, Route
from zen_native._plain_request import plain_request
from zen_native.errors import LLMError
from zen_native.formats import frame as module
from zen_native.formats import lower
from zen_native.formats.body import LONG
from zen_native.formats.frame import Frames
from zen_native.providers import PROVIDERS
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

TEXTS = st.text(st.characters(exclude_categories=()), max_size=80)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"system": "You are brief."},
    {"system": ["You are brief.", "Answer in English."], "cache": "none"},
    {"generation": {"max_tokens": 512, "temperature": 0.25, "stop": ["END"]}, "strict": False},
    {"reasoning": {"effort": "high"}, "generation": {"max_tokens": 4000}, "strict": False},
    {"cache": {"system": True, "messages": 1, "ttl_seconds": 3600}, "system": "s", "strict": False},
    {"tool_choice": "auto"},
]
# What may change its body, or be changed by its owner, has no frame.
UNFRAMED: list[dict[str, Any]] = [
    {"metadata": {"user_id": "u"}},
    {"provider_options": {"here": {"a": 1}}},
    {"http": {"body": {"a": 1}}},
    {"tools": [{"name": "f"}]},
    {"response_format": "json"},
    {"output_type": int},
    {"session_id": "s"},
    {"system": {"text": "s", "cache": True}},
    {"system": {"text": "s", "metadata": {"here": {}}}},
    {"system": " "},
    {"messages": ""},
    {"messages": " \n"},
    {"messages": "a" * (LONG + 1)},
    {"messages": {"role": "user", "content": {"type": "text", "text": "t", "cache": True}}},
    {"messages": {"role": "user", "content": {"type": "text", "text": "t", "metadata": {"here": {}}}}},
    {"messages": {"role": "user", "content": ["one", "two"]}},
    {"messages": {"role": "user", "content": {"type": "image", "url": "https://example.com/a.png"}}},
    {"messages": {"role": "system", "content": "t"}},
    {"messages": ["one", {"role": "assistant", "content": "two"}, "three"]},
]


def ask(text: str = "Hello", **fields: Any) -> LLMRequest:
    return LLMRequest.model_validate({"model": "here/model", "messages": text, **fields})


def served(protocol: str) -> Route:
    model, dialect = SERVERS[protocol]
    return route(protocol, model, dialect=dialect)


def of_provider(provider: str) -> list[Route]:
    """A route for each of its formats."""
    local = "http://127.0.0.1:9"
    routes: list[Route] = []
    for protocol in PROVIDERS[provider].endpoints:
        given = ProviderSettings(
            base_url=local, protocol=protocol, options=dict.fromkeys(PROVIDERS[provider].options, "o")
        )
        routes.append(resolve(f"{provider}/some-model", Config(providers={provider: given}, environ={})))
    return routes


def framed(frames: Frames, request: LLMRequest, there: Route) -> bytes | None:
    found = frames.lowered(request, there, (there.protocol, there.model))
    if found is None:
        return None
    expected = lower(request, there, stream=True)
    assert found[1] == expected.encoded()
    assert (found[0].headers, found[0].warnings) == (expected.headers, expected.warnings)
    assert found[0].has_long == expected.has_long
    return found[1]


def primed(there: Route, **fields: Any) -> Frames:
    """After two requests of that kind, if it has a frame."""
    frames = Frames()
    for text in ("first", "second"):
        framed(frames, ask(text, **fields), there)
    return frames


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "nothing")
@pytest.mark.parametrize("protocol", SERVERS)
def test_every_format_writes_what_the_frame_gives(protocol: str, options: dict[str, Any]) -> None:
    there = served(protocol)
    try:
        lower(ask(**options), there, stream=True)
    except LLMError:
        pytest.skip("this format cannot carry it")
    frames = primed(there, **options)

    @settings(max_examples=40)
    @given(TEXTS)
    def check(text: str) -> None:
        framed(frames, ask(text, **options), there)

    check()
    for text in ("plain", '"\\\n\t\u2028\x00\x7f', "\N{GRINNING FACE}", "a" * LONG):
        assert framed(frames, ask(text, **options), there) is not None


@pytest.mark.parametrize(
    "provider", [name for name in PROVIDERS if name not in ("bedrock", "bedrock-invoke", "vertex")]
)
def test_every_provider_is_asked_the_same(provider: str) -> None:
    for there in of_provider(provider):
        assert framed(primed(there), ask('What is "this"?'), there) is not None


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("protocol", SERVERS)
def test_no_scenario_is_written_otherwise(protocol: str, scenario: str) -> None:
    frames, there = Frames(), served(protocol)
    for _ in range(3):
        framed(frames, ask(strict=False, **SCENARIOS[scenario]), there)


@pytest.mark.parametrize("fields", [{}, {"system": "You are brief."}, {"generation": {"max_tokens": 9}}], ids=str)
@pytest.mark.parametrize("protocol", SERVERS)
def test_a_plain_request_is_asked_as_the_other_kind(protocol: str, fields: dict[str, Any]) -> None:
    frames, there = Frames(), served(protocol)
    for text in ("first", "second", '"third"'):
        plain = plain_request("here/model", text, fields)
        assert plain is not None
        found = framed(frames, plain, there)
        assert lower(plain, there, stream=True).encoded() == lower(ask(text, **fields), there, stream=True).encoded()
    assert found is not None


@pytest.mark.parametrize("fields", UNFRAMED, ids=str)
def test_what_has_no_frame(fields: dict[str, Any]) -> None:
    there = served("openai-chat")
    frames = primed(there)
    for _ in range(3):
        assert framed(frames, ask(**fields), there) is None


def test_the_first_of_a_kind_makes_none_and_the_second_does() -> None:
    frames, there = Frames(), served("openai-chat")
    assert framed(frames, ask("one"), there) is None
    assert framed(frames, ask("two"), there) is not None


def test_half_of_a_pair_goes_the_long_way() -> None:
    there = served("openai-chat")
    assert framed(primed(there), ask("half \ud83d"), there) is None


@pytest.mark.parametrize("options", OPTIONS[1:], ids=",".join)
def test_what_differs_shares_no_frame(options: dict[str, Any]) -> None:
    there = served("anthropic-messages")
    frames = primed(there)
    for _ in range(3):
        framed(frames, ask("plain"), there)
        framed(frames, ask("other", **{"strict": False, **options}), there)


def test_another_place_is_another_frame() -> None:
    frames = primed(served("openai-chat"))
    for protocol in SERVERS:
        framed(frames, ask(), served(protocol))
    there = served("openai-chat")
    assert frames.lowered(ask(), there, object()) is None


def test_what_a_format_refuses_is_refused_every_time() -> None:
    frames, there = Frames(), served("openai-responses")
    for _ in range(3):
        assert frames.lowered(ask(generation={"top_k": 3}), there, 0) is None


def test_a_format_that_looks_at_the_text_has_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(request: LLMRequest, there: Route, *, stream: bool) -> Any:
        found = lower(request, there, stream=stream)
        found.said["length"] = len(request.messages[0].content[0].text)  # type: ignore[union-attr]
        return found

    monkeypatch.setattr(module, "lower", odd)
    frames, there = Frames(), served("openai-chat")
    for _ in range(3):
        assert frames.lowered(ask(), there, 0) is None


def test_so_many_are_kept_and_no_more() -> None:
    frames, there = Frames(), served("openai-chat")
    for number in range(500):
        for _ in range(2):
            framed(frames, ask(system=f"s {number}"), there)
    assert sum(len(each) for each in gc.get_referents(frames) if isinstance(each, dict | set)) <= 128


def test_no_question_is_kept() -> None:
    there = served("openai-chat")
    frames = primed(there)
    framed(frames, ask("a question of mine"), there)
    seen: list[Any] = [frames]
    for each in seen:
        seen += [
            inner for inner in gc.get_referents(each) if isinstance(inner, bytes | str | dict | tuple | module._Frame)
        ]
        assert not (isinstance(each, bytes | str) and "question" in str(each))
