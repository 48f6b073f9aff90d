"""Requests that are sent without pydantic: the same as their `LLMRequest`, and nobody is shown one."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError
from tests.kit.asking import KEY, WHOLE
from tests.kit.lowering import route

import zen_native as zen
from zen_native._plain_request import PlainRequest, plain_request
from zen_native.formats import lower
from zen_native.formats.body import long_characters

CONFIG = zen.Config(providers={"mine": zen.ProviderSettings(base_url="https://mine.example", api_key=KEY)}, environ={})
TALK = ["Hello", {"role": "assistant", "content": "Hi."}, {"role": "user", "content": "Go on."}]
PLAIN: list[tuple[Any, dict[str, Any]]] = [
    ("Hello", {}),
    ("Hello", {"system": "Be brief."}),
    (TALK, {"system": "Be brief."}),
    (tuple(TALK), {}),
    ([{"role": "system", "content": "Be brief."}, "Hello", {"role": "system", "content": "<b>"}], {}),
    ([{"role": "assistant", "content": "Hi."}], {}),
    ("half \ud83d, pair \ud83d\ude00, é", {}),
    ("long" * 20_000, {}),
    ("Hello", {"generation": {}}),
    ("Hello", {"generation": {"max_tokens": 512, "temperature": 0.25, "top_p": 1, "top_k": 40, "seed": 0}}),
    ("Hello", {"generation": {"frequency_penalty": -0.5, "presence_penalty": -2, "temperature": 0}, "system": "Hi."}),
]
PROTOCOLS = {
    "openai-chat": "gpt-5.4",
    "openai-responses": "gpt-5.4",
    "anthropic-messages": "claude-sonnet-4-5",
    "bedrock-invoke-anthropic": "global.anthropic.claude-opus-4-8-20260528-v1:0",
    "bedrock-converse": "eu.anthropic.claude-sonnet-4-6",
    "google-generate-content": "gemini-3.5-flash",
}


class Text(str):
    """What merely is like a text."""

    __slots__ = ()


def both(messages: Any, fields: dict[str, Any]) -> tuple[zen.LLMRequest, zen.LLMRequest]:
    """A request as pydantic makes it, and without."""
    plain = plain_request("mine/m", messages, fields)
    assert isinstance(plain, PlainRequest)
    return zen.LLMRequest.model_validate({"model": "mine/m", "messages": messages, **fields}), plain


def same(real: object, plain: object) -> None:
    """Every field of the models, at every depth, defaults included."""
    if isinstance(real, BaseModel):
        for name in type(real).model_fields:
            same(getattr(real, name), getattr(plain, name))
    elif isinstance(real, tuple):
        assert isinstance(plain, tuple)
        for one, other in zip(real, plain, strict=True):
            same(one, other)
    else:
        assert real == plain


@pytest.mark.parametrize(("messages", "fields"), PLAIN)
def test_it_has_what_the_models_have(messages: Any, fields: dict[str, Any]) -> None:
    real, plain = both(messages, fields)
    same(real, plain)
    assert long_characters(real) == long_characters(plain)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("messages", "fields"), PLAIN)
def test_it_is_lowered_like_them(protocol: str, messages: Any, fields: dict[str, Any]) -> None:
    def lowered(request: zen.LLMRequest) -> object:
        try:
            return lower(request, route(protocol, PROTOCOLS[protocol]), stream=True)
        except zen.UnsupportedError as error:
            return error.message

    real, plain = both(messages, fields)
    assert lowered(plain) == lowered(real)


@pytest.mark.parametrize(
    ("model", "messages", "fields"),
    [
        ("", "Hello", {}),
        ("mine/\ud83d", "Hello", {}),
        (Text("mine/m"), "Hello", {}),
        (None, "Hello", {}),
        ("mine/m", None, {}),
        ("mine/m", "", {}),
        ("mine/m", Text("Hello"), {}),
        ("mine/m", b"Hello", {}),
        ("mine/m", [], {}),
        ("mine/m", ["Hello", ""], {}),
        ("mine/m", [["Hello"]], {}),
        ("mine/m", iter(["Hello"]), {}),
        ("mine/m", {"role": "user", "content": "Hello"}, {}),
        ("mine/m", [MappingProxyType({"role": "user", "content": "Hello"})], {}),
        ("mine/m", [{"role": "user", "content": ["Hello"]}], {}),
        ("mine/m", [{"role": "user", "content": "Hello", "name": "x"}], {}),
        ("mine/m", [{"role": "user"}], {}),
        ("mine/m", [{"role": "tool", "content": "Hello"}], {}),
        ("mine/m", [{"role": ["user"], "content": "Hello"}], {}),
        ("mine/m", [{"role": "developer", "content": "Hello"}], {}),
        ("mine/m", "Hello", {"system": None}),
        ("mine/m", "Hello", {"system": ""}),
        ("mine/m", "Hello", {"system": ["Be brief."]}),
        ("mine/m", "Hello", {"tools": []}),
        ("mine/m", "Hello", {"generation": None}),
        ("mine/m", "Hello", {"generation": MappingProxyType({})}),
        ("mine/m", "Hello", {"generation": {"max_tokens": None}}),
        ("mine/m", "Hello", {"generation": {"max_tokens": True}}),
        ("mine/m", "Hello", {"generation": {"max_tokens": 1.0}}),
        ("mine/m", "Hello", {"generation": {"max_tokens": -1}}),
        ("mine/m", "Hello", {"generation": {"temperature": "1"}}),
        ("mine/m", "Hello", {"generation": {"temperature": 10**400}}),
        ("mine/m", "Hello", {"generation": {"stop": ["END"]}}),
        ("mine/m", "Hello", {"generation": {"max_token": 1}}),
        ("mine/m", "Hello", {"generation": {1: 1}}),
        ("mine/m", "Hello", {"system": "Be brief.", "generation": {}, "reasoning": "low"}),
        ("mine/m", "Hello", {"sytem": "Be brief."}),
    ],
)
def test_all_else_is_for_the_models(model: Any, messages: Any, fields: dict[str, Any]) -> None:
    assert plain_request(model, messages, fields) is None


def test_a_whole_request_is_one_already() -> None:
    assert plain_request(zen.LLMRequest(model="mine/m", messages="Hello"), None, {}) is None  # type: ignore[arg-type] # plain text is a message


@pytest.mark.parametrize(
    ("messages", "said"),
    [([], "at least 1 item"), ([{"role": "user"}], "Field required"), (["x", 3], "valid dictionary")],
)
def test_mistakes_are_told_at_the_call(messages: Any, said: str) -> None:
    with zen.Client(CONFIG) as client, pytest.raises(ValidationError, match=said):
        client.stream("mine/m", messages)


# Who sees a request


def answering() -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, content=b"".join(WHOLE)))


@pytest.mark.parametrize("place", ["call", "client"])
def test_a_function_that_decides_is_given_the_model(place: str) -> None:
    shown: list[object] = []

    def decide(request: zen.LLMRequest) -> bool:
        shown.append(request)
        return True

    chosen: dict[str, Any] = {"runtime": decide}
    with zen.Client(CONFIG, transport=answering(), **(chosen if place == "client" else {})) as client:
        client.generate("mine/m", "Hello", **(chosen if place == "call" else {}))
    assert shown == [zen.LLMRequest.model_validate({"model": "mine/m", "messages": "Hello"})]


def test_telemetry_is_given_the_model() -> None:
    shown: list[object] = []

    class Telemetry:
        def step(self, request: zen.LLMRequest, _route: Any, open_step: Any) -> Any:
            shown.append(request)
            return open_step(None)

        def loop(self, *_: Any) -> Any:
            raise AssertionError("there are no tools")

    with zen.Client(CONFIG, transport=answering(), telemetry=Telemetry()) as client:
        client.generate("mine/m", "Hello")
    assert shown == [zen.LLMRequest.model_validate({"model": "mine/m", "messages": "Hello"})]


def test_options_count_for_equality_as_in_the_models() -> None:
    """By them a client knows what it was asked before."""
    _, one = both("Hello", {"generation": {"temperature": 1}})
    _, same_one = both("Bye", {"generation": {"temperature": 1.0}})
    _, other = both("Hello", {"generation": {"top_p": 1}})
    assert one.generation == same_one.generation != other.generation
    assert hash(one.generation) == hash(same_one.generation)
