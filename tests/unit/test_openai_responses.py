"""OpenAI Responses: messages, citations, which item a frame means, and every recorded exchange."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kit import corpus
from tests.kit.corpus import Exchange
from tests.kit.decoding import decode, pieces, text
from tests.kit.responses import (
    CREATED,
    HELLO,
    PROTOCOL,
    USAGE,
    Frame,
    added,
    call,
    completed,
    delta,
    done,
    message,
    run,
    said,
    sse,
    text_deltas,
)

from zen_native.errors import QuotaExceededError
from zen_native.events import Citation, FinishReason, TextDelta, TextEnd, TextStart, ToolCall

# Messages


def test_plain_answer(runtime: str) -> None:
    decoded = run(runtime, CREATED, *HELLO, completed(message("msg_1", "Hello"), usage=USAGE))
    assert decoded.types() == [
        "step-start", "text-start", "text-delta", "text-delta", "text-end", "step-finish", "finish",
    ]  # fmt: skip
    assert text(decoded) == "Hello"
    assert (decoded.step.response_id, decoded.step.model) == ("resp_1", "gpt-test")
    assert decoded.finish.reason == FinishReason("stop", "completed")
    assert decoded.finish.warnings == ()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17, 64])
def test_result_does_not_depend_on_the_cut(runtime: str, size: int) -> None:
    body = sse(CREATED, *HELLO, added(1, call("fc_1", "call_1", "look", '{"a":"é"}')), completed(usage=USAGE))
    assert decode(pieces(body, size), PROTOCOL, runtime).key() == decode(body, PROTOCOL, runtime).key()


def test_stream_without_event_names_and_with_done(runtime: str) -> None:
    frames = [CREATED, *HELLO, completed()]
    bare = decode(sse(": PROCESSING\n\n", *frames, "data: [DONE]\n\n", names=False), PROTOCOL, runtime)
    assert bare.key() == run(runtime, *frames).key()


def test_event_name_counts_where_the_data_has_no_type(runtime: str) -> None:
    frame = 'event: response.output_text.delta\ndata: {"item_id":"msg_1","delta":"Hi"}\n\n'
    assert text(run(runtime, added(0, message("msg_1")), frame, completed())) == "Hi"


def test_text_block_says_item_and_phase(runtime: str) -> None:
    first = message("msg_1", "Looking.", phase="commentary")
    second = message("msg_2", "Found.", phase="final_answer")
    decoded = run(
        runtime,
        added(0, {**first, "content": []}), *text_deltas("Looking."), done(0, first),
        added(1, {**second, "content": []}), *text_deltas("Found.", index=1, item_id="msg_2"), done(1, second),
        completed(first, second),
    )  # fmt: skip
    assert [said(event) for event in decoded.of(TextStart)] == [
        {"item_id": "msg_1", "phase": "commentary"},
        {"item_id": "msg_2", "phase": "final_answer"},
    ]
    assert [said(event) for event in decoded.of(TextEnd)] == [None, None]


def test_phase_that_comes_late_is_said_at_the_end(runtime: str) -> None:
    final = message("msg_1", "Hello", phase="final_answer")
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("Hello"), done(0, final), completed())
    assert said(decoded.of(TextEnd)[0]) == {"phase": "final_answer"}


def test_new_message_closes_the_text_before(runtime: str) -> None:
    tool = added(2, call("fc_1", "call_1", "look", "{}"))
    decoded = run(runtime, added(0, message("m")), *text_deltas("a"), added(1, message("msg_2")), tool, completed())
    assert decoded.types()[:5] == ["step-start", "text-start", "text-delta", "text-end", "tool-input-start"]


def test_each_content_part_is_a_block(runtime: str) -> None:
    decoded = run(runtime, added(0, message("m")), *text_deltas("a"), *text_deltas("b", part=1), completed())
    assert [event.text for event in decoded.of(TextDelta)] == ["a", "b"]
    assert len(decoded.of(TextStart)) == 2


@pytest.mark.parametrize("kind", ["text.done", "part.done", "item.done", "completed"])
def test_text_of_a_done_frame_counts_where_no_delta_came(runtime: str, kind: str) -> None:
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    item = message("msg_1", "Hello")
    frames: dict[str, list[Frame]] = {
        "text.done": [{"type": "response.output_text.done", **place, "text": "Hello"}, completed()],
        "part.done": [{"type": "response.content_part.done", **place, "part": item["content"][0]}, completed()],
        "item.done": [done(0, item), completed()],
        "completed": [completed(item)],
    }
    decoded = run(runtime, added(0, message("msg_1")), *frames[kind])
    assert [event.text for event in decoded.of(TextDelta)] == ["Hello"]


def test_done_frames_repeat_nothing(runtime: str) -> None:
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    item = message("msg_1", "Hello")
    decoded = run(
        runtime,
        added(0, message("msg_1")),
        *text_deltas("Hello"),
        {"type": "response.output_text.done", **place, "text": "Hello"},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        done(0, item),
        done(0, item),
        completed(item),
    )
    assert text(decoded) == "Hello"


def test_late_deltas_do_nothing(runtime: str) -> None:
    place = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    closed_part = {"type": "response.output_text.done", **place, "text": "Hello"}
    frames = [*text_deltas("Hello"), closed_part, *text_deltas("!"), HELLO[-1], *text_deltas("?")]
    decoded = run(runtime, added(0, message("msg_1")), *frames, completed())
    assert text(decoded) == "Hello"


def test_refusal_is_visible_text(runtime: str) -> None:
    part = {"type": "refusal", "refusal": "I can not."}
    decoded = run(
        runtime,
        added(0, message("msg_1")),
        delta("refusal", 0, "msg_1", "I can", content_index=0),
        delta("refusal", 0, "msg_1", " not.", content_index=0),
        {"type": "response.refusal.done", "output_index": 0, "item_id": "msg_1", "refusal": "I can not."},
        done(0, message("msg_1", part)),
        completed(message("msg_1", part)),
    )
    assert text(decoded) == "I can not."
    assert said(decoded.of(TextStart)[0]) == {"item_id": "msg_1", "refusal": True}
    assert decoded.finish.reason.normalized == "stop"


def test_refusal_done_only(runtime: str) -> None:
    frame = {"type": "response.refusal.done", "output_index": 0, "item_id": "msg_1", "refusal": "No."}
    assert text(run(runtime, added(0, message("msg_1")), frame, completed())) == "No."


@pytest.mark.parametrize("wrong", [None, 7, ["x"], {"text": "x"}, True])
def test_delta_of_a_wrong_type_is_absent(runtime: str, wrong: Any) -> None:
    frames = [delta(kind, 0, "msg_1", wrong) for kind in ("output_text", "refusal", "reasoning_text")]
    assert text(run(runtime, added(0, message("msg_1")), *frames, *text_deltas("ok"), completed())) == "ok"


def test_surrogate_pair_cut_between_deltas(runtime: str) -> None:
    whole = sse(*text_deltas("HALF"))
    frames = [whole.decode().replace("HALF", half) for half in ("\\ud83d", "\\ude00")]
    decoded = run(runtime, added(0, message("msg_1")), *frames, completed())
    assert [event.text for event in decoded.of(TextDelta)] == ["😀"]


# Citations

URL: Frame = {"type": "url_citation", "url": "https://a.test/", "title": "A", "start_index": 0, "end_index": 5}
FILE: Frame = {"type": "file_citation", "file_id": "file_1", "filename": "notes.txt", "index": 3}
CONTAINER: Frame = {"type": "container_file_citation", "container_id": "c_1", "file_id": "cf_1", "filename": "plot.png"}
PATH: Frame = {"type": "file_path", "file_id": "file_2", "index": 0}


def annotation(number: int, of: Any) -> Frame:
    name = "response.output_text.annotation.added"
    return {"type": name, "output_index": 0, "item_id": "msg_1", "annotation_index": number, "annotation": of}


def test_annotations_are_citations_of_the_block(runtime: str) -> None:
    every = [URL, FILE, CONTAINER, PATH]
    item = message("msg_1", {"type": "output_text", "text": "Hello", "annotations": every})
    frames = [annotation(number, one) for number, one in enumerate(every)]
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("Hello"), *frames, done(0, item), completed(item))
    block = decoded.of(TextStart)[0].id
    assert [(c.block_id, c.url, c.title) for c in decoded.of(Citation)] == [
        (block, "https://a.test/", "A"), (block, None, "notes.txt"), (block, None, "plot.png"), (block, None, None),
    ]  # fmt: skip
    assert [said(c) for c in decoded.of(Citation)] == every


def test_annotations_that_only_the_item_has(runtime: str) -> None:
    item = message("msg_1", {"type": "output_text", "text": "Hello", "annotations": [URL, FILE]})
    decoded = run(
        runtime, added(0, message("msg_1")), *text_deltas("Hello"), annotation(0, URL), done(0, item), completed()
    )
    assert [c.title for c in decoded.of(Citation)] == ["A", "notes.txt"]
    assert decoded.types()[-3] == "text-end"


def test_repeated_annotation_is_given_once(runtime: str) -> None:
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("x"), annotation(0, URL), annotation(0, URL),
                  completed())  # fmt: skip
    assert len(decoded.of(Citation)) == 1


@pytest.mark.parametrize("wrong", [None, "x", 1, []])
def test_annotation_of_a_wrong_type_is_absent(runtime: str, wrong: Any) -> None:
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("x"), annotation(0, wrong), completed())
    assert decoded.of(Citation) == []


# Which item a frame means


def test_missing_item_id_is_found_by_output_index(runtime: str) -> None:
    frames = [{"type": "response.output_text.delta", "output_index": 1, "delta": "b"},
              {"type": "response.output_text.delta", "output_index": 0, "delta": "a"}]  # fmt: skip
    decoded = run(runtime, added(0, message("msg_1")), added(1, message("msg_2")), *frames, completed())
    assert [(event.text) for event in decoded.of(TextDelta)] == ["b", "a"]
    assert [said(event)["item_id"] for event in decoded.of(TextStart)] == ["msg_2", "msg_1"]


def test_contradictory_item_id_is_corrected_by_output_index(runtime: str) -> None:
    decoded = run(runtime, added(0, message("msg_1")), *text_deltas("a", item_id="made-up"),
                  *text_deltas("b", item_id="made-up-2"), done(0, message("other", "ab")), completed())  # fmt: skip
    assert text(decoded) == "ab"
    assert len(decoded.of(TextStart)) == 1


@pytest.mark.parametrize("wrong", [True, 1.0, "1"])
def test_index_of_a_wrong_type_is_absent(runtime: str, wrong: Any) -> None:
    frames = [*text_deltas("a", part=1), {**text_deltas("b")[0], "content_index": wrong}]
    decoded = run(runtime, added(0, message("msg_1")), *frames, completed())
    assert [event.text for event in decoded.of(TextDelta)] == ["a", "b"]
    assert len(decoded.of(TextStart)) == 2  # part 1, and part 0 for want of an index


def test_index_that_open_items_share_decides_nothing(runtime: str) -> None:
    first, second = call("fc_1", "call_1", "look", ""), call("fc_2", "call_2", "look", "")
    decoded = run(
        runtime, added(0, first), added(0, second),
        delta("function_call_arguments", 0, "fc_1", '{"n":1}'), delta("function_call_arguments", 0, "fc_2", '{"n":2}'),
        completed(),
    )  # fmt: skip
    assert [event.input for event in decoded.of(ToolCall)] == [{"n": 1}, {"n": 2}]


def test_frames_with_neither_id_nor_index_mean_the_latest_item(runtime: str) -> None:
    frame = {"type": "response.output_text.delta", "delta": "a"}
    decoded = run(runtime, frame, frame, completed())
    assert text(decoded) == "aa"
    assert len(decoded.of(TextStart)) == 1


def test_open_item_goes_before_a_closed_one(runtime: str) -> None:
    stale = text_deltas("b", index=0, item_id="msg_2")
    decoded = run(runtime, *HELLO, added(1, message("msg_2")), *stale, completed())
    assert [event.text for event in decoded.of(TextDelta)] == ["Hel", "lo", "b"]


def test_repeated_added_of_a_closed_item_closes_nothing(runtime: str) -> None:
    second = [added(1, message("msg_2")), *text_deltas("a", index=1, item_id="msg_2")]
    more = text_deltas("b", index=1, item_id="msg_2")
    decoded = run(runtime, *HELLO, *second, added(0, message("msg_1")), *more, completed())
    assert len(decoded.of(TextStart)) == 2


def test_repeated_added_is_ignored(runtime: str) -> None:
    decoded = run(runtime, *HELLO, added(0, message("msg_1")), completed())
    assert decoded.types().count("text-start") == 1


def test_gaps_in_sequence_numbers_and_obfuscation_do_not_matter(runtime: str) -> None:
    frames = [{**frame, "sequence_number": 7 * n * n, "obfuscation": "x" * n} for n, frame in enumerate(HELLO)]
    assert run(runtime, *frames, completed()).key() == run(runtime, *HELLO, completed()).key()


# The corpus

_FAILS = {
    # An `error` frame says that the quota is used up.
    "openai-responses.vercel-ai.92094df862": QuotaExceededError,
}


@pytest.mark.parametrize("exchange", corpus.params("streams", "unary", protocol=PROTOCOL))
def test_recorded_exchange(runtime: str, exchange: Exchange) -> None:
    decoded = decode(exchange.body, PROTOCOL, runtime, framing=exchange.framing, provider=exchange.provider)
    expected = _FAILS.get(exchange.id)
    assert type(decoded.error) is (expected or type(None))
    assert decoded.error is not None or decoded.finish.warnings == ()
