"""Outputs of a Python type: how they are asked for, read, repaired, and what is raised where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from tests.kit.steps import BOTH, START, Script, add, call, called, ended, heard, request, results, said

import zen_native as zen
from zen_native._output_schema import OutputSchema
from zen_native.formats import lower
from zen_native.route import Dialect
from zen_native.structured import Output
from zen_native.tools import ToolLoop


class Report(BaseModel):
    """What came of it."""

    title: str
    score: int


class Node(BaseModel):
    children: list[Node] = []


@dataclass
class Point:
    x: int
    y: int


GOOD = '{"title": "t", "score": 3}'
NATIVE = zen.Route(
    provider="p", model="m", protocol="openai-chat", base_url="https://p.example", path="/x", dialect=Dialect()
)
PLAIN = zen.Route(
    provider="p",
    model="m",
    protocol="openai-chat",
    base_url="https://p.example",
    path="/x",
    dialect=Dialect(json_schema=False),
)


def output(asked: zen.LLMRequest, route: zen.Route = NATIVE, *, repair: bool = False) -> Output:
    return Output(asked, [route], repair=repair)


def step(*content: list[zen.LLMEvent], reason: str = "stop") -> list[list[zen.LLMEvent]]:
    return [[*START, *(event for one in content for event in one), *ended(reason)]]


# How it is asked for


def test_a_schema_of_the_provider_where_it_has_one() -> None:
    asked = request(add, output_type=Report)
    found = output(asked)
    assert found.way == "schema"
    told = found.asked(asked).response_format
    assert told is not None
    assert (told.type, told.name, told.strict) == ("json_schema", "Report", True)
    assert told.json_schema == Report.model_json_schema()


def test_a_forced_tool_where_not() -> None:
    asked = request(output_type=Report)
    found = output(asked, PLAIN)
    assert found.way == "forced-tool"
    told = found.asked(asked)
    assert (told.response_format, told.output_type) == (None, None)
    assert [tool.name for tool in told.tools] == ["final_answer"]
    assert told.tools[0].input_schema == Report.model_json_schema()
    assert told.tool_choice == zen.ToolChoice(mode="tool", name="final_answer")


def test_any_tool_is_forced_where_there_are_others() -> None:
    asked = request(add, zen.Tool(name="final_answer"), output_type=Report)
    told = output(asked, PLAIN).asked(asked)
    assert [tool.name for tool in told.tools] == ["add", "final_answer", "final_answer_"]
    assert told.tool_choice == zen.ToolChoice(mode="required")


def test_a_tool_is_offered_where_calls_cannot_be_forced() -> None:
    asked = request(output_type=Report, reasoning="high", model="anthropic/claude-3-7-sonnet-20250219")
    route = zen.resolve(asked.model, zen.Config(environ={"ANTHROPIC_API_KEY": "k"}))
    found = output(asked, route)
    assert found.way == "offered-tool"
    assert found.asked(asked).tool_choice is None


@pytest.mark.parametrize(
    ("model", "way"),
    [
        ("anthropic/claude-sonnet-5", "schema"),
        ("anthropic/claude-3-5-haiku-20241022", "forced-tool"),
        ("openai/gpt-5", "schema"),
        ("google/gemini-3-pro", "schema"),
        ("deepseek/deepseek-chat", "forced-tool"),
    ],
)
def test_the_way_of_a_model(model: str, way: str) -> None:
    keys = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
    config = zen.Config(environ={f"{key}_API_KEY": "k" for key in keys})
    assert output(request(output_type=Report), zen.resolve(model, config)).way == way


def test_all_models_that_may_be_asked_must_know_the_way() -> None:
    assert Output(request(output_type=Report), [NATIVE, PLAIN]).way == "forced-tool"


def test_a_response_format_of_the_callers_stays() -> None:
    mine = zen.ResponseFormat(type="json")
    asked = request(output_type=Report, response_format=mine)
    assert output(asked).asked(asked).response_format == mine


# Types


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Point, '{"x": 1, "y": 2}', Point(1, 2)),
        (list[Point], '{"value": [{"x": 1, "y": 2}]}', [Point(1, 2)]),
        (int | None, '{"value": null}', None),
        (Point | Report, f'{{"value": {GOOD}}}', Report(title="t", score=3)),
        (Node, '{"children": [{"children": []}]}', Node(children=[Node()])),
        (dict[str, int], '{"a": 1}', {"a": 1}),
    ],
)
def test_a_schema_is_an_object_and_reads_its_type(kind: Any, text: str, value: Any) -> None:
    schema = OutputSchema(kind)
    assert schema.schema["type"] == "object"
    assert schema.read(text) == value


@pytest.mark.parametrize(
    ("kind", "strict"),
    [
        (Report, True),
        (list[Point], True),
        (Node, True),
        (Point | None, True),
        (dict[str, int], False),
        (list[dict[str, int]], False),
        (list[Any], False),
        (dict[str, Any] | int, False),
    ],
)
def test_open_schemas_are_not_meant_strictly(kind: Any, strict: bool) -> None:
    assert OutputSchema(kind).response_format().strict is strict


def test_formats_ask_for_a_list_as_an_object() -> None:
    asked = request(output_type=list[int])
    body = lower(output(asked).asked(asked), NATIVE, stream=True).body
    assert body["response_format"]["json_schema"]["schema"]["type"] == "object"


# What comes of it


@BOTH
@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"\n {GOOD} \n"])
def test_the_answer_is_the_output(kind: str, text: str) -> None:
    asked = request(output_type=Report)
    events, response = heard(kind, Script([step(said(text))]), asked, output=output(asked))
    assert response.output == Report(title="t", score=3)
    assert response.text == text
    assert events[-1].steps == 1
    assert "output" not in response.to_dict()


@BOTH
def test_a_call_of_the_tool_is_the_output(kind: str) -> None:
    asked = request(output_type=Report)
    script = Script([called(call("c", "final_answer", title="t", score=3))])
    events, response = heard(kind, script, asked, output=output(asked, PLAIN))
    assert response.output == Report(title="t", score=3)
    assert response.reason == zen.FinishReason("stop", "raw-tool-calls")
    assert results(events) == [zen.ToolResult("c", "final_answer", "accepted")]
    assert [message.role for message in response.to_messages()] == ["assistant", "tool"]


@BOTH
def test_tools_run_before_the_output(kind: str) -> None:
    asked = request(add, output_type=Report)
    script = Script([called(call("a", "add", a=1)), called(call("c", "final_answer", title="t", score=3))])
    _, response = heard(kind, script, asked, output=output(asked, PLAIN))
    assert response.output == Report(title="t", score=3)
    assert script.requests[1].tool_choice == zen.ToolChoice(mode="required")
    script = Script([called(call("a", "add", a=1)), step(said(GOOD))])
    _, response = heard(kind, script, asked, output=output(asked))
    assert response.output == Report(title="t", score=3)


@BOTH
def test_a_text_is_taken_where_the_tool_was_not_called(kind: str) -> None:
    asked = request(output_type=Report)
    _, response = heard(kind, Script([step(said(GOOD))]), asked, output=output(asked, PLAIN))
    assert response.output == Report(title="t", score=3)


# What is not valid

WRONG = '{"title": "t", "score": "many"}'


@BOTH
def test_a_wrong_answer_is_an_error_with_its_text(kind: str) -> None:
    asked = request(output_type=Report)
    with pytest.raises(zen.InvalidProviderOutputError) as caught:
        heard(kind, Script([step(said(WRONG))]), asked, output=output(asked))
    assert caught.value.message == (
        "this is no valid Report: score: Input should be a valid integer, unable to parse string as an integer"
    )
    assert caught.value.body == WRONG
    assert caught.value.partial.text == WRONG
    assert caught.value.partial.usage == zen.Usage(1, 2, total_tokens=3)


@BOTH
def test_a_wrong_answer_is_asked_for_once_more(kind: str) -> None:
    asked = request(output_type=Report)
    script = Script([step(said(WRONG)), step(said(GOOD))])
    events, response = heard(kind, script, asked, output=output(asked, repair=True))
    assert response.output == Report(title="t", score=3)
    assert (events[-1].steps, events[-1].usage) == (2, zen.Usage(2, 4, total_tokens=6))
    roles = [message.role for message in script.requests[1].messages]
    assert roles == ["user", "assistant", "user"]
    told = script.requests[1].messages[2].content[0]
    assert isinstance(told, zen.TextContent)
    assert told.text.startswith("this is no valid Report: score: ")
    assert told.text.endswith(". Answer with the JSON alone, corrected.")


@BOTH
def test_a_wrong_call_is_asked_for_once_more_by_its_result(kind: str) -> None:
    asked = request(output_type=Report)
    script = Script(
        [
            called(call("c", "final_answer", title="t")),
            called(call("d", "final_answer", title="t", score=3)),
        ]
    )
    events, response = heard(kind, script, asked, output=output(asked, PLAIN, repair=True))
    assert response.output == Report(title="t", score=3)
    wrong, right = results(events)
    assert (wrong.is_error, wrong.result) == (True, "this is no valid Report: score: Field required")
    assert not right.is_error
    assert [message.role for message in script.requests[1].messages] == ["user", "assistant", "tool"]


@BOTH
@pytest.mark.parametrize("route", [NATIVE, PLAIN], ids=["schema", "tool"])
def test_there_is_one_repair(kind: str, route: zen.Route) -> None:
    asked = request(output_type=Report)
    wrong = step(said(WRONG)) if route is NATIVE else called(call("c", "final_answer", title="t"))
    script = Script([wrong, wrong, wrong])
    with pytest.raises(zen.InvalidProviderOutputError):
        heard(kind, script, asked, output=output(asked, route, repair=True))
    assert len(script.requests) == 2


@BOTH
@pytest.mark.parametrize("route", [NATIVE, PLAIN], ids=["schema", "tool"])
def test_a_repair_is_no_step_of_the_limit(kind: str, route: zen.Route) -> None:
    asked = request(output_type=Report)
    wrong = step(said(WRONG)) if route is NATIVE else called(call("c", "final_answer", title="t"))
    script = Script([wrong, step(said(GOOD))])
    _, response = heard(kind, script, asked, ToolLoop(max_steps=1), output=output(asked, route, repair=True))
    assert response.output == Report(title="t", score=3)


@BOTH
def test_broken_arguments_are_a_wrong_output(kind: str) -> None:
    asked = request(output_type=Report)
    broken: list[zen.LLMEvent] = [
        zen.ToolInputStart("c", "final_answer"),
        zen.ToolInputEnd("c"),
        zen.ToolInputError("c", "final_answer", '{"title', "cut"),
    ]
    with pytest.raises(zen.InvalidProviderOutputError, match="the answer was cut off: this is no valid") as caught:
        heard(kind, Script([called(broken, reason="length")]), asked, output=output(asked, PLAIN, repair=True))
    assert caught.value.body == '{"title'


@BOTH
def test_a_cut_answer_is_not_asked_for_again(kind: str) -> None:
    asked = request(output_type=Report)
    script = Script([step(said('{"title'), reason="length")])
    with pytest.raises(zen.InvalidProviderOutputError, match="the answer was cut off"):
        heard(kind, script, asked, output=output(asked, repair=True))
    assert len(script.requests) == 1


@BOTH
def test_no_output_is_wanted_of_what_the_caller_goes_on_with(kind: str) -> None:
    asked = request(zen.Tool(name="mine"), output_type=Report)
    _, response = heard(kind, Script([called(call("c", "mine"))]), asked, output=output(asked))
    assert response.output is None
    assert response.reason.normalized == "tool-calls"
