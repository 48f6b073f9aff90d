"""Content blocks of the Messages protocol: text, thinking, calls, hosted tools, citations, other kinds."""

from __future__ import annotations

import json

import pytest
from tests.kit.decoding import Decoded, decode
from tests.kit.messages import (
    STOP,
    Frame,
    answer,
    begin,
    block,
    delta,
    end,
    json_delta,
    more,
    sse,
    start,
    stop,
    text_block,
)

from zen_native.events import (
    Citation,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolInputError,
    ToolInputStart,
    ToolResult,
)

PROTOCOL = "anthropic-messages"
SIGNATURE = "EqQBCkYIBxgCKkD+/0aB9=="


def run(runtime: str, *frames: Frame, reason: str = "end_turn", **options: object) -> Decoded:
    """The frames inside a message."""
    decoded = decode(sse(start(), *frames, end(reason), STOP), PROTOCOL, runtime, **options)
    assert decoded.error is None
    return decoded


def document(runtime: str, *content: Frame) -> Decoded:
    return decode(json.dumps(answer(*content)).encode(), PROTOCOL, runtime, framing="document")


def texts(decoded: Decoded) -> list[tuple[str, str]]:
    return [(event.id, event.text) for event in decoded.of(TextDelta)]


# Text


def test_initial_text_and_thinking_are_used(runtime: str) -> None:
    decoded = run(runtime, block(0, "thinking", thinking="So"), delta(0, "thinking_delta", thinking=" be it"), stop(0))
    assert [event.text for event in decoded.of(ReasoningDelta)] == ["So", " be it"]
    decoded = run(runtime, block(0, "text", text="Hel"), delta(0, "text_delta", text="lo"), stop(0))
    assert texts(decoded) == [("text-0", "Hel"), ("text-0", "lo")]


def test_empty_text_block_is_opened(runtime: str) -> None:
    assert run(runtime, block(0, "text", text=""), stop(0)).types()[1:3] == ["text-start", "text-end"]


def test_delta_opens_its_block(runtime: str) -> None:
    thought = run(runtime, delta(4, "thinking_delta", thinking="x")).of(ReasoningDelta)
    assert thought == [ReasoningDelta("reasoning-0", "x")]
    assert texts(run(runtime, delta(4, "text_delta", text="x"))) == [("text-0", "x")]


def test_interleaved_text_blocks_lose_nothing(runtime: str) -> None:
    frames = [block(0, "text", text=""), block(1, "text", text=""), delta(0, "text_delta", text="a")]
    decoded = run(runtime, *frames, delta(1, "text_delta", text="b"), stop(0), stop(1))
    assert [text for _, text in texts(decoded)] == ["a", "b"]


def test_late_text_is_a_block_of_its_own(runtime: str) -> None:
    decoded = run(runtime, *text_block(0, "a"), delta(0, "text_delta", text="b"))
    assert texts(decoded) == [("text-0", "a"), ("text-1", "b")]


def test_D1_delta_and_stop_without_an_index(runtime: str) -> None:
    frames = [block(0, "text", text=""), delta(0, "text_delta", text="a"), stop(0)]
    frames += [block(0, "tool_use", id="t", name="f", input={}), json_delta(0, "{}"), stop(0)]
    for frame in frames:
        del frame["index"]
    decoded = run(runtime, *frames)
    assert texts(decoded) == [("text-0", "a")]
    assert [call.id for call in decoded.of(ToolCall)] == ["t"]


def test_surrogate_pair_cut_between_two_deltas(runtime: str) -> None:
    decoded = run(runtime, delta(0, "text_delta", text="a\ud83d"), delta(0, "text_delta", text="\ude00b"))
    assert "".join(text for _, text in texts(decoded)) == "a\U0001f600b"


# Thinking


def test_C4_signature_is_byte_exact_and_names_its_issuer(runtime: str) -> None:
    frames = [
        block(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm"),
        delta(0, "signature_delta", signature=SIGNATURE),
        stop(0),
    ]
    decoded = run(runtime, *frames)
    assert decoded.of(ReasoningDelta) == [ReasoningDelta("reasoning-0", "Hm")]
    assert decoded.of(ReasoningEnd) == [ReasoningEnd("reasoning-0", SIGNATURE, {"test": {"issuer": "test"}})]
    whole = document(runtime, {"type": "thinking", "thinking": "Hm", "signature": SIGNATURE})
    assert whole.of(ReasoningEnd) == decoded.of(ReasoningEnd)


def test_C7_signature_without_thinking(runtime: str) -> None:
    for frames in (
        [block(0, "thinking", thinking="", signature=SIGNATURE), stop(0)],
        [block(0, "thinking", thinking=""), delta(0, "signature_delta", signature=SIGNATURE), stop(0)],
        [delta(0, "signature_delta", signature=SIGNATURE), stop(0)],
    ):
        decoded = run(runtime, *frames)
        assert [event.signature for event in decoded.of(ReasoningEnd)] == [SIGNATURE]
        assert decoded.of(ReasoningDelta) == []


def test_last_signature_wins(runtime: str) -> None:
    frames = [block(0, "thinking", thinking="x", signature="a")]
    frames += [delta(0, "signature_delta", signature=said) for said in ("b", SIGNATURE)]
    assert [event.signature for event in run(runtime, *frames, stop(0)).of(ReasoningEnd)] == [SIGNATURE]


def test_signature_after_the_next_block_is_not_lost(runtime: str) -> None:
    frames = [block(0, "thinking", thinking="x"), *text_block(1, "y"), delta(0, "signature_delta", signature=SIGNATURE)]
    assert [event.signature for event in run(runtime, *frames).of(ReasoningEnd)] == [None, SIGNATURE]


def test_C7_redacted_thinking(runtime: str) -> None:
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    start_event = ReasoningStart("reasoning-0", {"test": {"redacted_data": "b3BhcXVl"}})
    for decoded in (run(runtime, begin(0, redacted), stop(0)), document(runtime, redacted)):
        assert decoded.of(ReasoningStart) == [start_event]
        assert decoded.of(ReasoningEnd) == [ReasoningEnd("reasoning-0")]
        assert decoded.of(ReasoningDelta) == []


# Calls

USE: Frame = block(0, "tool_use", id="toolu_1", name="look", input={})


def test_call_in_pieces(runtime: str) -> None:
    decoded = run(runtime, USE, json_delta(0, ""), json_delta(0, '{"a": '), json_delta(0, "[1, 2.0]}"), stop(0))
    assert decoded.types()[1:6] == [
        "tool-input-start", "tool-input-delta", "tool-input-delta", "tool-input-end", "tool-call",
    ]  # fmt: skip
    assert decoded.of(ToolCall) == [ToolCall("toolu_1", "look", {"a": [1, 2.0]})]


@pytest.mark.parametrize("pieces", [[], [""], ["", ""], [" "], [None]])
def test_D5_no_arguments_are_an_empty_object(runtime: str, pieces: list[str]) -> None:
    decoded = run(runtime, USE, *(json_delta(0, piece) for piece in pieces), stop(0))
    assert decoded.of(ToolCall) == [ToolCall("toolu_1", "look", {})]


def test_D6_input_of_the_start_block_is_kept(runtime: str) -> None:
    given = {
        "city": "Z\u00fcrich",
        "n": [1, 1.5, 1e21, 1e-7, -0.0, True, None, '\u0007"\\/'],
        "big": 12345678901234567890,
    }
    for frames in ([stop(0)], [json_delta(0, ""), stop(0)], []):
        decoded = run(runtime, block(0, "tool_use", id="toolu_1", name="look", input=given), *frames)
        assert decoded.of(ToolCall) == [ToolCall("toolu_1", "look", given)]
        assert [event.text for event in decoded.of(ToolInputDelta)] == [
            '{"city":"Z\u00fcrich","n":[1,1.5,1e+21,1e-07,-0.0,true,null,"\\u0007\\"\\\\/"],"big":12345678901234567890}'
        ]


def test_D6_input_of_the_start_block_survives_a_cut(runtime: str) -> None:
    frames = [block(0, "tool_use", id="toolu_1", name="look", input={"a": 1})]
    decoded = run(runtime, *frames, {**USE, "index": 1}, json_delta(1, '{"b'), reason="max_tokens")
    assert [call.input for call in decoded.of(ToolCall)] == [{"a": 1}]
    assert [failed.raw for failed in decoded.of(ToolInputError)] == ['{"b']


def test_D7_deltas_replace_the_input_of_the_start_block(runtime: str) -> None:
    for given in ({}, {"a": 0}, None, ""):
        opening = block(0, "tool_use", id="toolu_1", name="look", input=given)
        decoded = run(runtime, opening, json_delta(0, '{"a":1}'), stop(0))
        assert decoded.of(ToolCall) == [ToolCall("toolu_1", "look", {"a": 1})]
        assert [event.text for event in decoded.of(ToolInputDelta)] == ['{"a":1}']


def test_D8_arguments_that_are_no_json(runtime: str) -> None:
    decoded = run(runtime, USE, json_delta(0, '{"a": "unfinished'), stop(0))
    assert decoded.of(ToolCall) == []
    assert decoded.of(ToolInputError) == [
        ToolInputError("toolu_1", "look", '{"a": "unfinished', "the arguments are not valid JSON")
    ]


def test_interleaved_calls(runtime: str) -> None:
    second = block(1, "tool_use", id="toolu_2", name="look", input={})
    pieces = [json_delta(0, '{"a"'), json_delta(1, '{"b"'), json_delta(0, ":1}"), json_delta(1, ":2}")]
    decoded = run(runtime, USE, second, *pieces, stop(1), stop(0))
    assert [(call.id, call.input) for call in decoded.of(ToolCall)] == [("toolu_2", {"b": 2}), ("toolu_1", {"a": 1})]


def test_text_may_interleave_with_a_call(runtime: str) -> None:
    frames = [block(1, "text", text="a"), USE, delta(1, "text_delta", text="b"), json_delta(0, "{}"), stop(0), stop(1)]
    assert texts(run(runtime, *frames)) == [("text-0", "a"), ("text-0", "b")]


def test_orphan_argument_delta_is_ignored(runtime: str) -> None:
    decoded = run(runtime, json_delta(0, "{}"), *text_block(0, "x"), json_delta(0, "{}"))
    assert decoded.key() == run(runtime, *text_block(0, "x")).key()


def test_argument_delta_after_the_stop_is_ignored(runtime: str) -> None:
    call = [USE, json_delta(0, "{}"), stop(0)]
    assert run(runtime, *call, json_delta(0, '{"late": 1}'), stop(0)).key() == run(runtime, *call).key()


def test_start_of_the_same_call_repeated_is_ignored(runtime: str) -> None:
    rest = [json_delta(0, "{}"), stop(0)]
    assert run(runtime, USE, USE, *rest).key() == run(runtime, USE, *rest).key()


def test_D2_index_reused_by_another_call(runtime: str) -> None:
    second = block(0, "tool_use", id="toolu_2", name="look", input={})
    decoded = run(runtime, USE, json_delta(0, '{"a":1}'), second, json_delta(0, '{"b":2}'), stop(0))
    assert sorted((call.id, tuple(call.input)) for call in decoded.of(ToolCall)) == [
        ("toolu_1", ("a",)), ("toolu_2", ("b",)),
    ]  # fmt: skip


def test_caller_of_a_call_is_metadata(runtime: str) -> None:
    caller = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
    decoded = run(runtime, block(0, "tool_use", id="toolu_1", name="look", input={}, caller=caller), stop(0))
    assert decoded.of(ToolCall) == [ToolCall("toolu_1", "look", {}, False, {"test": {"caller": caller}})]


# Tools that the provider runs


def test_hosted_call_and_its_result(runtime: str) -> None:
    found = [{"type": "web_search_result", "title": "T", "url": "https://a.example/", "encrypted_content": "b3A="}]
    frames = [
        block(0, "server_tool_use", id="srv_1", name="web_search", input={}),
        json_delta(0, '{"query":"q"}'),
        stop(0),
        block(1, "web_search_tool_result", tool_use_id="srv_1", content=found, caller={"type": "direct"}),
        stop(1),
    ]
    decoded = run(runtime, *frames)
    assert [event.provider_executed for event in decoded.of(ToolInputStart)] == [True]
    assert decoded.of(ToolCall) == [
        ToolCall("srv_1", "web_search", {"query": "q"}, True, {"test": {"type": "server_tool_use"}})
    ]
    metadata = {"test": {"type": "web_search_tool_result", "caller": {"type": "direct"}}}
    assert decoded.of(ToolResult) == [ToolResult("srv_1", "web_search", found, False, True, metadata)]


def test_mcp_call_keeps_its_server(runtime: str) -> None:
    content = [{"type": "text", "text": "ok"}]
    frames = [
        block(0, "mcp_tool_use", id="mcp_1", name="ask", input={"q": 1}, server_name="wiki"),
        stop(0),
        block(1, "mcp_tool_result", tool_use_id="mcp_1", is_error=True, content=content),
    ]
    decoded = run(runtime, *frames)
    metadata = {"test": {"type": "mcp_tool_use", "server_name": "wiki"}}
    assert decoded.of(ToolCall) == [ToolCall("mcp_1", "ask", {"q": 1}, True, metadata)]
    failed = {"test": {"type": "mcp_tool_result", "is_error": True}}
    assert decoded.of(ToolResult) == [ToolResult("mcp_1", "ask", content, True, True, failed)]


RESULTS = [
    ("web_search", "max_uses_exceeded"),
    ("web_fetch", "url_not_accessible"),
    ("code_execution", "unavailable"),
    ("bash_code_execution", "execution_time_exceeded"),
    ("text_editor_code_execution", "file_not_found"),
    ("tool_search", "too_many_requests"),
    ("advisor", "overloaded"),
    ("not_known_yet", "whatever"),
]


@pytest.mark.parametrize(("tool", "code"), RESULTS)
def test_result_of_every_hosted_tool(runtime: str, tool: str, code: str) -> None:
    good = {"type": f"{tool}_result", "text": "fine"}
    bad = {"type": f"{tool}_tool_result_error", "error_code": code}
    blocks = [
        {"type": f"{tool}_tool_result", "tool_use_id": f"srv_{n}", "content": c} for n, c in enumerate((good, bad))
    ]
    metadata = {"test": {"type": f"{tool}_tool_result"}}
    expected = [
        ToolResult("srv_0", tool, good, False, True, metadata),
        ToolResult("srv_1", tool, bad, True, True, metadata),
    ]
    assert document(runtime, *blocks).of(ToolResult) == expected
    frames = [begin(index, said) for index, said in enumerate(blocks)]
    assert run(runtime, *frames).of(ToolResult) == expected


def test_result_without_an_id(runtime: str) -> None:
    decoded = run(runtime, block(0, "advisor_tool_result", content={"type": "advisor_result"}))
    assert [event.id for event in decoded.of(ToolResult)] == ["result-0"]


# Citations

CITATIONS: list[tuple[Frame, str | None, str | None]] = [
    ({"type": "char_location", "document_title": "D", "start_char_index": 0, "end_char_index": 9}, None, "D"),
    ({"type": "page_location", "document_title": "D", "start_page_number": 1, "end_page_number": 2}, None, "D"),
    ({"type": "content_block_location", "document_title": None, "start_block_index": 0}, None, None),
    ({"type": "web_search_result_location", "url": "https://a.example/", "title": "T"}, "https://a.example/", "T"),
    ({"type": "search_result_location", "source": "https://b.example/", "title": "S"}, "https://b.example/", "S"),
]


@pytest.mark.parametrize(("citation", "url", "title"), CITATIONS)
def test_citation(runtime: str, citation: Frame, url: str | None, title: str | None) -> None:
    raw = {**citation, "cited_text": "quoted"}
    expected = [Citation("text-0", url, title, "quoted", {"test": raw})]
    frames = [block(0, "text", text=""), delta(0, "citations_delta", citation=raw), delta(0, "text_delta", text="x")]
    assert run(runtime, *frames, stop(0)).of(Citation) == expected
    assert document(runtime, {"type": "text", "text": "x", "citations": [raw]}).of(Citation) == expected


def test_citation_opens_its_block(runtime: str) -> None:
    decoded = run(runtime, delta(0, "citations_delta", citation={"type": "char_location", "cited_text": "q"}))
    assert decoded.types()[1:4] == ["text-start", "citation", "text-end"]


# Other kinds


def test_compaction_is_kept_for_replay(runtime: str) -> None:
    frames = [
        block(0, "compaction", content=None, encrypted_content=None),
        delta(0, "compaction_delta", content="Summary.", encrypted_content="b3A="),
        stop(0),
        *text_block(1, "x"),
    ]
    kept = {"type": "compaction", "content": "Summary.", "encrypted_content": "b3A="}
    decoded = run(runtime, *frames, raw_events=True)
    assert decoded.step.metadata == {"test": {"blocks": [{"index": 0, "block": kept}]}}
    assert [event.data for event in decoded.of(Raw)] == frames[:2]
    assert document(runtime, kept, {"type": "text", "text": "x"}).step.metadata == decoded.step.metadata


def test_fallback_names_the_model_that_answers(runtime: str) -> None:
    said = {"type": "fallback", "from": {"model": "claude-test-1"}, "to": {"model": "claude-test-2"}}
    decoded = run(runtime, begin(0, said), stop(0), *text_block(1, "x"))
    assert decoded.step.model == "claude-test-2"
    assert decoded.step.metadata == {"test": {"blocks": [{"index": 0, "block": said}]}}


def test_C8_unknown_block_is_kept_with_its_deltas(runtime: str) -> None:
    said = {"type": "hologram", "depth": 3}
    pieces = [{"type": "hologram_delta", "n": 1}, {"type": "input_json_delta", "partial_json": "{"}]
    frames = [begin(0, said), *(more(0, piece) for piece in pieces)]
    decoded = run(runtime, *frames, stop(0), *text_block(1, "x"), raw_events=True)
    assert decoded.step.metadata == {"test": {"blocks": [{"index": 0, "block": said, "deltas": pieces}]}}
    assert [event.data for event in decoded.of(Raw)] == frames


@pytest.mark.parametrize("said", [None, {}, [], 1, "x"])
def test_delta_that_says_nothing(runtime: str, said: object) -> None:
    opening = begin(0, {"type": "hologram"})
    empty = {"type": "content_block_delta", "index": 0, "delta": said}
    assert run(runtime, opening, empty, raw_events=True).key() == run(runtime, opening, raw_events=True).key()


def test_unknown_content_is_bounded(runtime: str) -> None:
    decoded = run(runtime, block(0, "hologram"), *(delta(0, "hologram_delta", n=n) for n in range(1500)))
    assert decoded.step.metadata is not None
    (kept,) = decoded.step.metadata["test"]["blocks"]
    assert len(kept["deltas"]) == 1023
    assert decoded.finish.warnings == ("content of unknown kinds was not kept whole",)


@pytest.mark.parametrize("kind", [None, 1, "", [], {}])
def test_block_whose_type_is_no_text(runtime: str, kind: object) -> None:
    assert texts(run(runtime, begin(0, {"type": kind}), delta(0, "text_delta", text="x"))) == [("text-0", "x")]


def test_content_item_that_is_no_object_is_raw_as_it_came(runtime: str) -> None:
    body = json.dumps({"type": "message", "content": ["odd", 2], "stop_reason": "end_turn"}).encode()
    decoded = decode(body, "anthropic-messages", runtime, framing="document", raw_events=True)
    assert [event.data for event in decoded.of(Raw)] == ["odd", 2]
