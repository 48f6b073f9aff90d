"""Frames of questions: what goes out is byte for byte what the format writes, and only equal requests share one."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.lowering import SCENARIOS, route
from tests.unit.test_lower_golden import SERVERS

import zen_native as zen
from zen_native import LLMRequest, Route
from zen_native._plain_request import plain_request
from zen_native._routes import Place
from zen_native.errors import LLMError
from zen_native.formats import frame as module
from zen_native.formats import lower
from zen_native.formats.frame import Frames
from zen_native.providers import PROVIDERS
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings

KEPT = bytes | str | dict | tuple | module._Frame
TEXTS = st.text(st.characters(exclude_categories=()), max_size=80)
MOST = 16 << 10
"""Characters of a request that has a frame."""
OPTIONS: list[dict[str, Any]] = [
    {},
    {"system": "You are brief."},
    {"system": ["You are brief.", "Answer in English."], "cache": "none"},
    {"generation": {"max_tokens": 512, "temperature": 0.25, "stop": ["END"]}, "strict": False},
    {"reasoning": {"effort": "high"}, "generation": {"max_tokens": 4000}, "strict": False},
    {"cache": {"system": True, "messages": 1, "ttl_seconds": 3600}, "system": "s", "strict": False},
    {"tool_choice": "auto"},
    {"generation": {"temperature": 0.0, "top_p": 1.0}, "strict": False},
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
    {"messages": "a" * (MOST + 1)},
    {"messages": "a" * (MOST // 2), "system": "s" * (MOST // 2 + 1)},
    {"system": ["s" * 100] * (MOST // 100 + 1)},
    {"generation": {"stop": ["e" * 100] * (MOST // 100 + 1)}},
    {"reasoning": {"effort": "e" * MOST}, "strict": False},
    {"reasoning": {"effort": "low", "summary": "s" * MOST}, "strict": False},
    {"tool_choice": {"mode": "tool", "name": "n" * MOST}},
    {"generation": {"temperature": -0.0}},
    {"generation": {"temperature": 0.0, "top_p": -0.0}},
    {"generation": {"frequency_penalty": -0.0}},
    {"generation": {"presence_penalty": -0.0}},
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
    found = frames.lowered(request, there)
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
    for text in ("plain", '"\\\n\t\u2028\x00\x7f', "\N{GRINNING FACE}", "a" * (MOST - 100)):
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


@pytest.mark.parametrize("plain", [True, False])
def test_a_zero_with_a_sign_is_no_other_zero(plain: bool) -> None:
    """They are equal, and are written in two ways."""
    frames, there, given = Frames(), served("openai-chat"), dict[str, bool]()
    for _ in range(3):
        for zero in (0.0, -0.0):
            fields = {"generation": {"temperature": zero}}
            request = plain_request("here/model", "hi", fields) if plain else ask(**fields)
            assert request is not None
            given[str(zero)] = framed(frames, request, there) is not None
    assert given == {"0.0": True, "-0.0": False}


@pytest.mark.parametrize(
    "changed", [{"OPENAI_API_KEY": "second"}, {"OPENAI_BASE_URL": "http://127.0.0.1:9/v2"}], ids=str
)
def test_frames_go_with_their_route(changed: dict[str, str]) -> None:
    environ = {"OPENAI_API_KEY": "first", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    with zen.Client(Config(environ=environ)) as client:
        for _ in range(3):
            client._engine_of(None).prepare(ask(model="openai/of-this-test"), "openai/of-this-test")
            environ.update(changed)
    gc.collect()
    places = [each for each in gc.get_objects() if type(each) is Place and each.route.model == "of-this-test"]
    assert [place.route.secrets for place in places] == [(environ["OPENAI_API_KEY"],)]


def test_what_a_format_refuses_is_refused_every_time() -> None:
    frames, there = Frames(), served("openai-responses")
    for _ in range(3):
        assert frames.lowered(ask(generation={"top_k": 3}), there) is None


def test_a_format_that_looks_at_the_text_has_no_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(request: LLMRequest, there: Route, *, stream: bool) -> Any:
        found = lower(request, there, stream=stream)
        found.said["length"] = len(request.messages[0].content[0].text)  # type: ignore[union-attr] - all are texts
        return found

    monkeypatch.setattr(module, "lower", odd)
    frames, there = Frames(), served("openai-chat")
    for _ in range(3):
        assert frames.lowered(ask(), there) is None


def test_so_many_are_kept_and_no_more() -> None:
    frames, there = Frames(), served("openai-chat")
    for number in range(500):
        for _ in range(1 + number % 2):
            framed(frames, ask(system=f"s {number}"), there)
    kept = [len(each) for each in gc.get_referents(frames) if type(each) is dict]
    assert len(kept) == 2
    assert max(kept) == 16


def test_the_oldest_goes_first() -> None:
    frames, there = Frames(), served("openai-chat")
    for number in range(17):
        for _ in range(2):
            framed(frames, ask(system=f"s {number}"), there)
    kept = [frames.lowered(ask(system=f"s {number}"), there) is not None for number in range(17)]
    assert kept == [False, *[True] * 16]


def test_what_was_asked_once_is_known_while_fifteen_others_are_asked() -> None:
    frames, there = Frames(), served("openai-chat")
    for _ in range(2):
        given = [framed(frames, ask(system=f"s {number}"), there) is not None for number in range(16)]
    assert given == [True] * 16


def test_long_instructions_are_not_kept() -> None:
    frames, there = Frames(), served("openai-chat")
    for number in range(32):
        for _ in range(2):
            assert frames.lowered(ask(system=f"{number} {'s' * MOST}"), there) is None
    assert size_of(frames) < MOST


@pytest.mark.parametrize("length", [100, MOST - 200])
def test_how_much_is_kept_is_bounded(length: int) -> None:
    frames, there = Frames(), served("openai-chat")
    for number in range(100):
        for _ in range(1 + number % 2):
            frames.lowered(ask(system=f"{number} {'s' * length}"), there)
    assert size_of(frames) < 64 * MOST


def test_threads_share_frames() -> None:
    frames, there = Frames(), served("openai-chat")
    kinds = [ask(system=f"s {number}") for number in range(24)]
    expected = [lower(each, there, stream=True).encoded() for each in kinds]

    def go(first: int) -> None:
        for number in range(first, first + 480):
            found = frames.lowered(kinds[number % 24], there)
            assert found is None or found[1] == expected[number % 24]

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(go, first) for first in range(4)]:
            each.result(60)
    assert all(len(each) <= 16 for each in gc.get_referents(frames) if isinstance(each, dict))


def size_of(frames: Frames) -> int:
    """Bytes of all texts in there."""
    seen: dict[int, Any] = {id(frames): frames}
    for each in (found := [frames]):
        inner = [one for one in gc.get_referents(each) if isinstance(one, KEPT) and id(one) not in seen]
        seen.update({id(one): one for one in inner})
        found += inner
    return sum(sys.getsizeof(each) for each in found if isinstance(each, bytes | str))


def test_no_question_is_kept() -> None:
    there = served("openai-chat")
    frames = primed(there)
    framed(frames, ask("a question of mine"), there)
    seen: list[Any] = [frames]
    for each in seen:
        seen += [inner for inner in gc.get_referents(each) if isinstance(inner, KEPT)]
        assert not (isinstance(each, bytes | str) and "question" in str(each))
