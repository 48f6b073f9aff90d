"""The EventStream framing in pure Python: each rule by name, every cut, every flipped byte, the recorded vectors."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from struct import pack
from typing import Any
from zlib import crc32

import pytest
from tests.kit.framing import Outcome, case_bytes, cases, cut_as, run, run_cut

from zen_native.errors import LLMError
from zen_native.runtimes.pure.eventstream import EventStreamReader, parse_frame
from zen_native.runtimes.pure.frame import Limits
from zen_native.runtimes.pure.framing import new_framing
from zen_native.runtimes.pure.header import HeaderValue, parse_headers

FOREIGN = ("InvalidProviderOutputError", "response is not an event stream")
CUT = ("IncompleteStreamError", "stream ended inside a frame")


def header(name: str | bytes, kind: int, value: bytes) -> bytes:
    raw = name.encode() if isinstance(name, str) else name
    return bytes([len(raw)]) + raw + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    return header(name, 7, pack(">H", len(value.encode())) + value.encode())


def build(headers: bytes, payload: bytes = b"", total: int | None = None, header_length: int | None = None) -> bytes:
    """A frame with right checksums and, where asked, wrong lengths."""
    size = len(headers) + len(payload) + 16 if total is None else total
    lengths = pack(">II", size, len(headers) if header_length is None else header_length)
    signed = lengths + pack(">I", crc32(lengths)) + headers + payload
    return signed + pack(">I", crc32(signed))


def event(name: str, payload: str = "{}") -> bytes:
    headers = text(":event-type", name) + text(":content-type", "application/json") + text(":message-type", "event")
    return build(headers, payload.encode())


STREAM = event("messageStart") + event("delta", '{"text": "h\u00e9"}') + event("messageStop", "")
FRAMES = [("event", "messageStart", "{}"), ("event", "delta", '{"text": "h\u00e9"}'), ("event", "messageStop", "")]


def refused(headers: bytes, payload: bytes = b"") -> tuple[str, str]:
    outcome = run_cut("eventstream", event("a") + build(headers, payload))
    assert outcome.frames == [("event", "a", "{}")]
    assert outcome.error is not None
    return outcome.error


def test_frames_in_order_whatever_the_cut() -> None:
    assert run_cut("eventstream", STREAM) == Outcome(FRAMES)


def test_vector_in_full() -> None:
    """Written out, so that the checksums do not rest on the code that makes the other frames."""
    vector = bytes.fromhex(
        "0000002b00000014c9e91501"  # 43 bytes, 20 of them headers
        "0b3a6576656e742d7479706507000564656c74"  # :event-type, a string: delta
        "617b226e223a317d1bf18de9"  # the payload and the checksum
    )
    assert run_cut("eventstream", vector) == Outcome([("event", "delta", '{"n":1}')])


def test_exception_frame_is_named_by_its_exception_type() -> None:
    headers = text(":exception-type", "throttlingException") + text(":message-type", "exception")
    outcome = run_cut("eventstream", build(headers, b'{"message": "slow down"}'))
    assert outcome == Outcome([("exception", "throttlingException", '{"message": "slow down"}')])


def test_error_frame_carries_its_message_in_a_header() -> None:
    headers = text(":message-type", "error") + text(":error-code", "500") + text(":error-message", "it broke")
    assert run_cut("eventstream", build(headers, b"ignored")) == Outcome([("error", "500", "it broke")])


def test_error_frame_without_code_and_message_is_empty() -> None:
    assert run_cut("eventstream", build(text(":message-type", "error"))) == Outcome([("error", "", "")])


def test_event_type_alone_is_an_event() -> None:
    assert run_cut("eventstream", build(text(":event-type", "a"), b"1")) == Outcome([("event", "a", "1")])


def test_message_type_alone_is_an_event_without_a_name() -> None:
    assert run_cut("eventstream", build(text(":message-type", "event"), b"1")) == Outcome([("event", "", "1")])


def test_frame_without_any_type_is_refused() -> None:
    assert refused(text("a", "b")) == ("InvalidProviderOutputError", "frame has no message type")


def test_unknown_message_type_is_refused() -> None:
    error = refused(text(":message-type", "novel"))
    assert error == ("InvalidProviderOutputError", "message type novel is unknown")


def test_type_that_is_no_string_is_refused() -> None:
    error = refused(text(":event-type", "a") + header(":message-type", 4, b"\0\0\0\1"))
    assert error == ("InvalidProviderOutputError", "header :message-type is not a string")


def test_last_value_of_a_repeated_header_wins() -> None:
    headers = text(":message-type", "error") + text(":event-type", "a") + text(":message-type", "event")
    assert run_cut("eventstream", build(headers, b"1")) == Outcome([("event", "a", "1")])


def test_all_header_types_are_read() -> None:
    block = (
        header("t", 0, b"")
        + header("f", 1, b"")
        + header("byte", 2, b"\xfe")
        + header("short", 3, b"\xff\xfd")
        + header("int", 4, b"\x80\0\0\0")
        + header("long", 5, b"\x7f" + b"\xff" * 7)
        + header("bytes", 6, b"\0\x02\xff\0")
        + text("\u00e9", "\U0001f984")
        + header("timestamp", 8, b"\0" * 7 + b"\x2a")
        + header("uuid", 9, bytes(range(16)))
    )
    expected = {
        "t": HeaderValue("bool", True),
        "f": HeaderValue("bool", False),
        "byte": HeaderValue("byte", -2),
        "short": HeaderValue("short", -3),
        "int": HeaderValue("int", -(1 << 31)),
        "long": HeaderValue("long", (1 << 63) - 1),
        "bytes": HeaderValue("bytes", b"\xff\0"),
        "\u00e9": HeaderValue("string", "\U0001f984"),
        "timestamp": HeaderValue("timestamp", 42),
        "uuid": HeaderValue("uuid", bytes(range(16))),
    }
    assert parse_headers(block) == expected
    frame = build(block + text(":event-type", "a"), b"1")
    assert run_cut("eventstream", frame) == Outcome([("event", "a", "1")])
    for end in range(1, len(block)):
        if end not in header_ends(block):
            with pytest.raises(LLMError, match="header block ends inside a header"):
                parse_headers(block[:end])


def header_ends(block: bytes) -> set[int]:
    return {end for end in range(len(block) + 1) if parses(block[:end])}


def parses(block: bytes) -> bool:
    try:
        parse_headers(block)
    except LLMError:
        return False
    return True


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"\0", "header name is empty"),
        (b"\0" * 1000, "header name is empty"),
        (header("a", 10, b""), "header type 10 is unknown"),
        (header("a", 255, b""), "header type 255 is unknown"),
        (header(b"\xff", 0, b""), "header name is not UTF-8"),
        (header("a", 7, b"\0\x01\xff"), "header value is not UTF-8"),
        (b"\x05abc", "header block ends inside a header"),
        (b"\x01a", "header block ends inside a header"),
        (header("a", 7, b"\0\x05abc"), "header block ends inside a header"),
        (header("a", 9, b"\0" * 15), "header block ends inside a header"),
    ],
)
def test_bad_header_is_refused(block: bytes, message: str) -> None:
    assert refused(block) == ("InvalidProviderOutputError", message)


def test_payload_is_decoded_with_replacement() -> None:
    frame = build(text(":event-type", "a"), b"\xf0\x9f\x98|\xff")
    assert run_cut("eventstream", frame) == Outcome([("event", "a", "\ufffd|\ufffd")])


def test_G15_any_flipped_byte_is_refused() -> None:
    frame = event("a")
    for at in range(len(frame)):
        for bit in range(8):
            bad = frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
            outcome = run("eventstream", [bad, frame])
            assert outcome.error is not None
            assert "event" not in {kind for kind, _, _ in outcome.frames}


def test_prelude_checksum_is_checked_as_soon_as_it_is_there() -> None:
    framing = new_framing("eventstream", Limits(), [].append)
    bad = b"\0\0\x10\0\0\0\0\0\0\0\0\0"
    assert list(framing.feed(bad[:11])) == []
    with pytest.raises(LLMError, match="prelude checksum mismatch"):
        list(framing.feed(bad[11:]))


def test_message_checksum_is_checked() -> None:
    frame = event("a")
    outcome = run_cut("eventstream", STREAM + frame[:-1] + bytes([frame[-1] ^ 1]))
    assert outcome == Outcome(FRAMES, error=("ChecksumError", "message checksum mismatch"))


@pytest.mark.parametrize(
    ("total", "headers", "error"),
    [
        (0, 0, ("InvalidProviderOutputError", "frame length 0 is too small")),
        (15, 0, ("InvalidProviderOutputError", "frame length 15 is too small")),
        (20, 5, ("InvalidProviderOutputError", "header length 5 does not fit a frame of 20 bytes")),
        (1001, 0, ("LimitExceededError", "frame is larger than 1000 bytes (max_frame_bytes)")),
        (0xFFFFFFFF, 0, ("LimitExceededError", "frame is larger than 1000 bytes (max_frame_bytes)")),
        (500, 101, ("LimitExceededError", "header block is larger than 100 bytes (max_header_bytes)")),
    ],
)
def test_lengths_are_refused_before_anything_is_buffered(total: int, headers: int, error: tuple[str, str]) -> None:
    limits = Limits(max_frame_bytes=1000, max_header_bytes=100)
    prelude = build(b"", b"", total, headers)[:12]
    for pieces in ([prelude], cut_as(prelude, 1), [event("a"), prelude]):
        assert run("eventstream", pieces, limits).error == error


def test_frame_of_exactly_the_limit_passes() -> None:
    block = text(":event-type", "a")
    frame = build(block, b"x" * 100)
    limits = Limits(max_frame_bytes=len(frame), max_header_bytes=len(block))
    assert run_cut("eventstream", frame, limits).error is None


def test_leftover_bytes_are_incomplete_at_every_length() -> None:
    frame = event("a")
    for end in range(1, len(frame)):
        assert run("eventstream", [STREAM + frame[:end]]) == Outcome(FRAMES, error=CUT)


def test_empty_body_is_silent() -> None:
    for body in (b"", b" \r\n"):
        assert run_cut("eventstream", body) == Outcome()


@pytest.mark.parametrize("body", ['{"message": "no"}', "[1]", "<html></html>\n"])
def test_A15_document_instead_of_a_stream_comes_whole(body: str) -> None:
    assert run_cut("eventstream", f"\ufeff \n{body}".encode()) == Outcome([("document", "", body)])


@pytest.mark.parametrize("body", ["HTTP/1.1 502", "data: 1\n\n", "Bad Gateway " + "x" * 300, " \0\0\0\x10"])
def test_A15_text_instead_of_a_stream_is_refused_with_its_head(body: str) -> None:
    outcome = run_cut("eventstream", body.encode())
    assert (outcome.frames, outcome.error, outcome.body) == ([], FOREIGN, body[:200])


def test_large_frame_in_small_reads_is_read_once() -> None:
    frame = build(text(":event-type", "a"), b"x" * (8 << 20))
    outcome = run("eventstream", cut_as(frame, 64))
    assert [len(data) for _, _, data in outcome.frames] == [8 << 20]


def test_header_blocks_remembered_are_bounded() -> None:
    reader = EventStreamReader(Limits())
    names = [f"n{i}" for i in range(1000)]
    body = b"".join(event(name) for name in names)
    assert [frame.name for frame in reader.read(body)] == names
    assert len(reader._routes) <= 32


def test_the_rest_is_dropped_when_the_consumer_stops() -> None:
    framing = new_framing("eventstream", Limits(), [].append)
    frames = framing.feed(STREAM + b"junk")
    assert next(frames).name == "messageStart"
    frames.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(framing.feed(b"junk")) == []
    assert list(framing.finish()) == []


def test_nothing_comes_after_an_error() -> None:
    framing = new_framing("eventstream", Limits(), [].append)
    with pytest.raises(LLMError):
        list(framing.feed(b"\0" * 12))
    assert list(framing.feed(STREAM)) == []


# Where a recorded expectation is not ours, and why.
DEPARTURES = {
    "eventstream.botocore.duplicate-header.a38f61d3": "one client refuses it; here the last value wins, as in JSON"
}

# Vectors with a changed header under the old checksum: here the checksum is looked at first.
CHECKSUM_FIRST = {
    "eventstream.smithy-rs.invalid-header-name-length-too-long.0a8fd6ab",
    "eventstream.smithy-rs.invalid-header-string-length-cut-off.3e7a92de",
}

ERRORS = {
    "prelude-checksum": "ChecksumError",
    "message-checksum": "ChecksumError",
    "incomplete": "IncompleteStreamError",
}

TYPES = {"short": "int16", "int": "int32", "long": "int64"}


def all_frames(body: bytes) -> Iterator[tuple[dict[str, HeaderValue], bytes]]:
    rest = body
    while rest:
        headers, payload, rest = parse_frame(rest, Limits(max_frame_bytes=24 << 20))
        yield headers, payload


def as_recorded(headers: dict[str, HeaderValue]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for name, header in headers.items():
        value: Any = header.value
        if isinstance(value, bytes):
            value = str(uuid.UUID(bytes=value)) if header.type == "uuid" else base64.b64encode(value).decode()
        out.append({"name": name, "type": TYPES.get(header.type, header.type), "value": value})
    return out


@pytest.mark.parametrize("case", cases("eventstream"))
def test_recorded_vector(case: dict[str, Any]) -> None:
    body = case_bytes(case, "bytes_b64")
    expect = case["expect"]
    if case["kind"] == "headers":
        if expect["ok"]:
            assert as_recorded(parse_headers(body)) == expect["headers"]
        else:
            with pytest.raises(LLMError):
                parse_headers(body)
    elif expect["ok"]:
        got = [
            {"headers": as_recorded(headers), "payload_b64": base64.b64encode(payload).decode()}
            for headers, payload in all_frames(body)
        ]
        assert got == expect["messages"]
    elif case["id"] in DEPARTURES:
        assert len(list(all_frames(body))) == 1
    else:
        with pytest.raises(LLMError) as caught:
            list(all_frames(body))
        accepted = [expect["error"], *expect.get("also_accept", [])]
        if case["id"] in CHECKSUM_FIRST:
            accepted = ["message-checksum"]
        kinds = {ERRORS.get(error, "InvalidProviderOutputError") for error in accepted}
        if "lengths" in accepted:
            kinds.add("LimitExceededError")
        assert type(caught.value).__name__ in kinds


@pytest.mark.parametrize("case", cases("eventstream"))
def test_recorded_vector_does_not_depend_on_the_cut(case: dict[str, Any]) -> None:
    body = case_bytes(case, "bytes_b64")
    whole = run("eventstream", [body])
    if not case["expect"]["ok"] and case["id"] not in DEPARTURES:
        assert whole.error is not None
    assert run("eventstream", cut_as(body, case.get("chunk_lengths", 10 if len(body) < 5000 else 4096))) == whole
    if len(body) < 5000:
        run_cut("eventstream", body)
