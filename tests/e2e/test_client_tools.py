"""Tools and outputs through whole clients, over a socket, decoded by both runtimes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from tests.kit.asking import WAYS, ask, config, is_sync, new_client, run
from tests.kit.chat import DONE, call, chunk, sse, tail
from tests.kit.order import check_order
from tests.kit.server import Reply, Server, sse_reply
from tests.kit.steps import Slow

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", WAYS),
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Async generator 'zen_native:ResourceWarning"),
]


class Weather(BaseModel):
    city: str
    degrees: int


def usage(count: int) -> dict[str, Any]:
    return tail(usage={"prompt_tokens": count, "completion_tokens": 1, "total_tokens": count + 1})


def calls(*arguments: str, name: str = "weather") -> bytes:
    frames = [chunk(call(text, name=name, call_id=f"c{place}", index=place)) for place, text in enumerate(arguments)]
    return sse(*frames, chunk({}, "tool_calls"), usage(10), DONE)


def text(said: str) -> bytes:
    return sse(chunk({"content": said}), chunk({}, "stop"), usage(20), DONE)


def weather(city: str) -> dict[str, Any]:
    """The weather in a city."""
    return {"city": city, "degrees": 20}


async def weather_async(city: str) -> dict[str, Any]:
    """The weather in a city."""
    await asyncio.sleep(0)
    return weather(city)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.mark.parametrize("function", [weather, weather_async])
def test_parallel_calls_and_their_results(kind: str, runtime: str, server: Server, function: Any) -> None:
    server.plays(
        sse_reply(calls('{"city": "Porto"}', '{"city": "Faro"}', name=function.__name__)), sse_reply(text("Mild."))
    )
    heard = ask(kind, config(server), runtime=runtime, call={"tools": [function]})
    assert heard.error is None
    check_order(heard.events)
    finish = heard.events[-1]
    assert isinstance(finish, zen.Finish)
    assert finish.usage is not None
    assert (finish.steps, finish.usage.input_tokens, finish.usage.output_tokens) == (2, 30, 2)
    first, second = [json.loads(request.body) for request in server.requests]
    assert [tool["function"]["name"] for tool in first["tools"]] == [function.__name__]
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [json.loads(message["content"])["city"] for message in second["messages"][2:]] == ["Porto", "Faro"]
    assert server.connections == 1


def test_an_output_by_schema_and_by_tool(kind: str, runtime: str, server: Server) -> None:
    answer = Weather(city="Porto", degrees=20)
    server.plays(sse_reply(text(answer.model_dump_json())))
    assert _generate(kind, server, runtime=runtime).output == answer
    assert json.loads(server.requests[0].body)["response_format"]["json_schema"]["name"] == "Weather"


def test_a_repair(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(text("It is mild.")), sse_reply(text('{"city": "Porto", "degrees": 20}')))
    response = _generate(kind, server, runtime=runtime, repair=True)
    assert response.output == Weather(city="Porto", degrees=20)
    assert len(response.steps) == 2
    said = json.loads(server.requests[1].body)["messages"]
    assert [message["role"] for message in said] == ["user", "assistant", "user"]


def test_without_a_repair_it_is_an_error(kind: str, runtime: str, server: Server) -> None:
    server.plays(sse_reply(text("It is mild.")))
    with pytest.raises(zen.InvalidProviderOutputError, match="no valid Weather") as caught:
        _generate(kind, server, runtime=runtime)
    assert caught.value.body == "It is mild."
    assert caught.value.partial.text == "It is mild."


def test_leaving_the_loop_ends_what_runs(kind: str, runtime: str, server: Server) -> None:
    tool = Slow()
    server.plays(sse_reply(calls("{}", name="slow")))
    stopped = _stopped_in_the_middle(kind, server, runtime, tool)
    assert "tool-call" in stopped
    assert tool.cancelled.wait(5)


def test_one_model_answers_to_the_end(kind: str, server: Server) -> None:
    with Server(sse_reply(calls('{"city": "Porto"}')), sse_reply(text("Mild."))) as other:
        server.plays(Reply(status=503))
        heard = ask(
            kind,
            config(server, other),
            retry=zen.RetryPolicy(attempts=1),
            call={"tools": [weather], "fallbacks": ["other/m"]},
        )
    assert heard.error is None
    assert (len(server.requests), len(other.requests)) == (1, 2)


def _generate(kind: str, server: Server, *, runtime: Any, repair: bool = False) -> zen.LLMResponse:
    asked: Any = {"output_type": Weather, "repair": repair}

    async def main() -> zen.LLMResponse:
        async with new_client(kind, config(server), runtime=runtime) as client:
            return await client.generate("mine/m", "hi", **asked)

    if is_sync(kind):
        with new_client(kind, config(server), runtime=runtime) as client:
            return client.generate("mine/m", "hi", **asked)
    answer: zen.LLMResponse = run(kind, main)
    return answer


def _stopped_in_the_middle(kind: str, server: Server, runtime: Any, tool: Slow) -> list[str]:
    seen: list[str] = []

    async def main() -> None:
        async with (
            new_client(kind, config(server), runtime=runtime) as client,
            client.stream("mine/m", "hi", tools=[tool.slow]) as stream,
        ):
            async for event in stream:
                seen.append(event.type)
                if event.type == "tool-call":
                    await tool.has(kind, tool.began)
                    break

    if is_sync(kind):
        with (
            new_client(kind, config(server), runtime=runtime) as client,
            client.stream("mine/m", "hi", tools=[tool.slow]) as stream,
        ):
            for event in stream:
                seen.append(event.type)
                if event.type == "tool-call":
                    assert tool.began.wait(30)
                    break
        return seen
    run(kind, main)
    return seen
