"""OpenAI Responses: calls that the provider runs, their results, and the media they make."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kit.decoding import Decoded, decode
from tests.kit.responses import (
    PROTOCOL,
    Frame,
    added,
    completed,
    delta,
    done,
    message,
    response,
    run,
    said,
    text_deltas,
)

from zen_native.events import FinishReason, Media, ToolCall, ToolInputDelta, ToolResult


def only_call(decoded: Decoded) -> ToolCall:
    (event,) = decoded.of(ToolCall)
    return event


HOSTED: list[tuple[Frame, str, Any, Any]] = [
    (
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
        "web_search", {"type": "search", "query": "q"}, {"status": "completed"},
    ),
    (
        {"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["q"], "results": [{"text": "t"}]},
        "file_search", {"queries": ["q"]}, {"status": "completed", "results": [{"text": "t"}]},
    ),
    (
        {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "1", "container_id": "c",
         "outputs": [{"type": "logs", "logs": "1"}]},
        "code_interpreter", {"code": "1", "container_id": "c"},
        {"status": "completed", "outputs": [{"type": "logs", "logs": "1"}]},
    ),
    (
        {"id": "mcp_1", "type": "mcp_call", "name": "add", "server_label": "s", "arguments": '{"a":1}', "output": "2",
         "error": None},
        "add", {"a": 1}, {"server_label": "s", "output": "2", "error": None},
    ),
    (
        {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "add"}]},
        "mcp_list_tools", {"server_label": "s"}, {"tools": [{"name": "add"}]},
    ),
    (
        {"id": "xs_1", "type": "x_search_call", "call_id": "", "name": "x_semantic_search", "arguments": '{"q":"a"}',
         "status": "completed"},
        "x_semantic_search", {"q": "a"}, {"status": "completed"},
    ),
    (
        {"id": "new_1", "type": "something_new_call", "status": "completed", "answer": 1},
        "something_new", {}, {"status": "completed", "answer": 1},
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", ["streamed", "done only", "completed only", "document"])
@pytest.mark.parametrize(("item", "name", "value", "result"), HOSTED, ids=[item["type"] for item, *_ in HOSTED])
def test_hosted_call_and_result(runtime: str, item: Frame, name: str, value: Any, result: Any, form: str) -> None:
    if form == "document":
        body = json.dumps(response(output=[item])).encode()
        decoded = decode(body, PROTOCOL, runtime, framing="document")
    else:
        start = {key: item[key] for key in ("id", "type", "name", "call_id") if key in item}
        frames = [[added(0, start), done(0, item)], [done(0, item)], []][
            ["streamed", "done only", "completed only"].index(form)
        ]
        decoded = run(runtime, *frames, completed(item))
    event = only_call(decoded)
    assert (event.id, event.name, event.input, event.provider_executed) == (item["id"], name, value, True)
    (outcome,) = decoded.of(ToolResult)
    assert outcome == ToolResult(item["id"], name, result, False, True, {"test": {"item": item}})
    assert decoded.finish.reason == FinishReason("stop", "completed")


def test_sources_of_a_search_are_its_result(runtime: str) -> None:
    sources = [{"type": "url", "url": "https://a.test/"}]
    item = {"id": "ws_1", "type": "web_search_call", "action": {"type": "search", "query": "q", "sources": sources}}
    decoded = run(runtime, done(0, item), completed(item))
    assert only_call(decoded).input == {"type": "search", "query": "q"}
    assert decoded.of(ToolResult)[0].result == {"sources": sources}


def test_hosted_call_starts_when_it_is_announced(runtime: str) -> None:
    item = HOSTED[0][0]
    decoded = run(runtime, added(0, item), added(1, message("msg_1")), *text_deltas("a", index=1), completed())
    assert decoded.types()[1] == "tool-input-start"


def test_code_of_the_interpreter_streams(runtime: str) -> None:
    item = HOSTED[2][0]
    pieces = [delta("code_interpreter_call_code", 0, "ci_1", piece) for piece in ("a=", "1")]
    whole = {"type": "response.code_interpreter_call_code.done", "output_index": 0, "item_id": "ci_1", "code": "a=1"}
    final = {**item, "code": "a=1"}
    decoded = run(runtime, added(0, {**item, "code": ""}), *pieces, whole, done(0, final), completed(final))
    assert [event.text for event in decoded.of(ToolInputDelta)] == ["a=", "1"]
    assert only_call(decoded).input == {"code": "a=1", "container_id": "c"}


def test_code_that_no_item_repeats(runtime: str) -> None:
    frames = [
        added(0, {"id": "ci_1", "type": "code_interpreter_call"}),
        delta("code_interpreter_call_code", 0, "ci_1", "1"),
    ]
    assert only_call(run(runtime, *frames, completed())).input == {"code": "1"}


@pytest.mark.parametrize("error", ["It broke.", {"code": 500, "message": "It broke."}])
def test_failed_hosted_call(runtime: str, error: Any) -> None:
    item = {"id": "mcp_1", "type": "mcp_call", "name": "add", "arguments": "{}", "error": error}
    (outcome,) = run(runtime, done(0, item), completed()).of(ToolResult)
    assert outcome.is_error


def test_status_failed_is_an_error_result(runtime: str) -> None:
    item = {"id": "ws_1", "type": "web_search_call", "status": "failed"}
    assert run(runtime, done(0, item), completed()).of(ToolResult)[0].is_error


def test_approval_request_is_a_call_without_result(runtime: str) -> None:
    item = {"id": "mcpr_1", "type": "mcp_approval_request", "name": "add", "arguments": '{"a":1}', "server_label": "s"}
    decoded = run(runtime, added(0, item), done(0, item), completed(item))
    event = only_call(decoded)
    assert (event.name, event.input, event.provider_executed) == ("add", {"a": 1}, True)
    assert said(event) == {"item_id": "mcpr_1", "item": item}
    assert decoded.of(ToolResult) == []


@pytest.mark.parametrize(
    ("image", "mime_type"),
    [
        ({"result": "iVBORw0KGgo="}, "image/png"),
        ({"result": "iVBORw0KGgo=", "output_format": "webp"}, "image/webp"),
        ({"result": "/9j/4AAQ"}, "image/jpeg"),
        ({"result": "https://images.test/1"}, "image/png"),
    ],
)
def test_image_is_media(runtime: str, image: Frame, mime_type: str) -> None:
    item = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "revised_prompt": "A cat", **image}
    partial = {"type": "response.image_generation_call.partial_image", "output_index": 0, "partial_image_b64": "AAAA"}
    decoded = run(runtime, added(0, {"id": "ig_1", "type": item["type"]}), partial, done(0, item), completed(item))
    (media,) = decoded.of(Media)
    assert (media.id, media.mime_type, media.data or media.url) == ("ig_1", mime_type, image["result"])
    assert (media.url is None) == (not image["result"].startswith("https:"))
    assert only_call(decoded).input == {"revised_prompt": "A cat"}
    (outcome,) = decoded.of(ToolResult)
    assert image["result"] not in json.dumps(said(outcome))
    assert "result" not in outcome.result


def test_shell_in_a_container(runtime: str) -> None:
    place = {"type": "container_reference", "container_id": "c"}
    item = {
        "id": "sh_1",
        "type": "shell_call",
        "call_id": "call_1",
        "action": {"commands": ["ls"]},
        "environment": place,
    }
    output = {"id": "sho_1", "type": "shell_call_output", "call_id": "call_1", "output": [{"stdout": "x"}]}
    progress = {"type": "response.shell_call_command.delta", "output_index": 0, "command_index": 0, "delta": "ls"}
    decoded = run(runtime, added(0, {**item, "action": {"commands": []}}), progress, done(0, item), added(1, output),
                  done(1, output), completed(item, output))  # fmt: skip
    event = only_call(decoded)
    assert (event.id, event.name, event.input, event.provider_executed) == ("call_1", "shell", item["action"], True)
    assert said(event) == {"item_id": "sh_1", "item": item}
    assert decoded.of(ToolResult) == [
        ToolResult("call_1", "shell", {"output": [{"stdout": "x"}]}, False, True, {"test": {"item": output}})
    ]
    assert decoded.finish.reason.normalized == "stop"


def test_server_tool_search_without_call_ids(runtime: str) -> None:
    item = {
        "id": "tsc_1",
        "type": "tool_search_call",
        "call_id": None,
        "execution": "server",
        "arguments": {"paths": ["a"]},
    }
    output = {"id": "tso_1", "type": "tool_search_output", "call_id": None, "execution": "server", "tools": []}
    decoded = run(runtime, added(0, {**item, "arguments": {}}), done(0, item), done(1, output), completed(item, output))
    assert (only_call(decoded).id, only_call(decoded).input) == ("tsc_1", {"paths": ["a"]})
    assert [(result.id, result.name) for result in decoded.of(ToolResult)] == [("tsc_1", "tool_search")]


def test_program_and_output_of_an_earlier_program(runtime: str) -> None:
    program = {"id": "cm_1", "type": "program", "call_id": "call_1", "code": "1", "fingerprint": "f"}
    output = {"id": "cmo_1", "type": "program_output", "call_id": "call_0", "result": "1"}
    decoded = run(runtime, done(0, output), done(1, program), completed(output, program))
    assert (only_call(decoded).input, only_call(decoded).provider_executed) == ({"code": "1"}, True)
    assert [(result.id, result.name) for result in decoded.of(ToolResult)] == [("call_0", "program")]


@pytest.mark.parametrize(("provider", "hosted"), [("xai", True), ("test", False)])
def test_xai_runs_its_own_custom_tools(runtime: str, provider: str, hosted: bool) -> None:
    item = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_1", "name": "x_keyword_search", "input": "a"}
    decoded = run(runtime, added(0, item), done(0, item), completed(item), provider=provider)
    assert only_call(decoded).provider_executed is hosted
    assert len(decoded.of(ToolResult)) == hosted
