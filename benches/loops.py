"""The hand-written loops that the decoders are measured against: what an expert writes in an afternoon.

Owns three loops a wire: standard library json, orjson, and msgspec structs that name only the fields in use. Each
splits lines (or EventStream frames, with both checksums), parses, builds one small event a delta, and decodes usage and
finish at the end. No usage rules, no lifecycle, no errors, no reasoning, no tools: that is what makes them the floor.

Choices that were measured here: `bytes.split` on the whole read beats a `find` a line by a third; structs that the
collector does not track beat slotted classes; msgspec decodes the base64 of a `bytes` field by itself; a list of
frames a read beats a generator of frames; `raw_decode` on text beats `json.loads` by a third.
"""

from __future__ import annotations

import json
import struct
import zlib
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import orjson
from msgspec import Struct
from msgspec.json import Decoder

import shapes

D = 100  # first byte of a `data:` line
DONE = b"data: [DONE]"
PRELUDE = struct.Struct(">III").unpack_from
CHECKSUM = struct.Struct(">I").unpack_from

Chunks = Iterable[bytes]
Parse = Callable[[bytes], Any]


class Text(Struct, gc=False):
    """One text delta."""

    text: str


class Finish(Struct, gc=False):
    """The end: reason and token counts."""

    reason: str | None
    input_tokens: int | None
    output_tokens: int | None


Events = Iterator[Text | Finish]
RAW_DECODE = json.JSONDecoder().raw_decode


def json_loads(data: bytes) -> Any:
    """The standard library's parser without the checks of `json.loads`."""
    return RAW_DECODE(data.decode())[0]


# -- openai-chat ---------------------------------------------------------------------------------------------------


def chat_dicts(parse: Parse, chunks: Chunks) -> Events:
    """Chat through dicts."""
    reason, usage, tail = None, {}, b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D and line != DONE:
                event = parse(line[6:])
                if choices := event["choices"]:
                    choice = choices[0]
                    if text := choice["delta"].get("content"):
                        yield Text(text)
                    if finish := choice["finish_reason"]:
                        reason = finish
                if counts := event.get("usage"):
                    usage = counts
    yield Finish(reason, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def chat_structs(chunks: Chunks) -> Events:
    """Chat through structs."""
    decode = Decoder(shapes.ChatChunk).decode
    reason, usage, tail = None, shapes.ChatUsage(), b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D and line != DONE:
                event = decode(line[6:])
                if choices := event.choices:
                    choice = choices[0]
                    if text := choice.delta.content:
                        yield Text(text)
                    if choice.finish_reason:
                        reason = choice.finish_reason
                if event.usage:
                    usage = event.usage
    yield Finish(reason, usage.prompt_tokens, usage.completion_tokens)


# -- openai-responses ----------------------------------------------------------------------------------------------


def responses_dicts(parse: Parse, chunks: Chunks) -> Events:
    """Responses through dicts; the event line says what is worth parsing."""
    name, tail = b"", b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if not line:
                continue
            if line[0] != D:
                name = line
            elif name == b"event: response.output_text.delta":
                yield Text(parse(line[6:])["delta"])
            elif name == b"event: response.completed":
                answer = parse(line[6:])["response"]
                usage = answer["usage"]
                yield Finish(answer["status"], usage["input_tokens"], usage["output_tokens"])


def responses_structs(chunks: Chunks) -> Events:
    """Responses through structs; the event line says what is worth parsing."""
    decode, decode_end = Decoder(shapes.ResponsesDelta).decode, Decoder(shapes.ResponsesEnd).decode
    name, tail = b"", b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if not line:
                continue
            if line[0] != D:
                name = line
            elif name == b"event: response.output_text.delta":
                yield Text(decode(line[6:]).delta)
            elif name == b"event: response.completed":
                answer = decode_end(line[6:]).response
                yield Finish(answer.status, answer.usage.input_tokens, answer.usage.output_tokens)


# -- anthropic-messages --------------------------------------------------------------------------------------------


def messages_dicts(parse: Parse, chunks: Chunks) -> Events:
    """Messages through dicts."""
    return messages_events(map(parse, data_lines(chunks)))


def messages_events(payloads: Iterable[dict[str, Any]]) -> Events:
    """The meaning of Messages payloads, which Bedrock's invoke carries too."""
    reason, read, written = None, None, None
    for event in payloads:
        kind = event["type"]
        if kind == "content_block_delta":
            if text := event["delta"].get("text"):
                yield Text(text)
        elif kind == "message_start":
            read = event["message"]["usage"]["input_tokens"]
        elif kind == "message_delta":
            reason, written = event["delta"]["stop_reason"], event["usage"]["output_tokens"]
    yield Finish(reason, read, written)


def data_lines(chunks: Chunks) -> Iterator[bytes]:
    """What stands behind `data: `."""
    tail = b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D:
                yield line[6:]


def messages_structs(chunks: Chunks) -> Events:
    """Messages through structs."""
    decode = Decoder(shapes.MessagesEvent).decode
    reason, read, written, tail = None, None, None, b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D:
                event = decode(line[6:])
                if delta := event.delta:
                    if delta.text:
                        yield Text(delta.text)
                    elif event.usage:
                        reason, written = delta.stop_reason, event.usage.output_tokens
                elif event.message:
                    read = event.message.usage.input_tokens
    yield Finish(reason, read, written)


# -- google-generate-content ---------------------------------------------------------------------------------------


def google_dicts(parse: Parse, chunks: Chunks) -> Events:
    """generateContent through dicts."""
    reason, usage, tail = None, {}, b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D:
                event = parse(line[6:])
                candidate = event["candidates"][0]
                if text := candidate["content"]["parts"][0].get("text"):
                    yield Text(text)
                reason, usage = candidate.get("finishReason"), event["usageMetadata"]
    yield Finish(reason, usage.get("promptTokenCount"), usage.get("candidatesTokenCount"))


def google_structs(chunks: Chunks) -> Events:
    """generateContent through structs."""
    decode = Decoder(shapes.GoogleChunk).decode
    reason, usage, tail = None, shapes.GoogleUsage(), b""
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for line in lines:
            if line and line[0] == D:
                event = decode(line[6:])
                candidate = event.candidates[0]
                if text := candidate.content.parts[0].text:
                    yield Text(text)
                reason, usage = candidate.finishReason, event.usageMetadata
    yield Finish(reason, usage.promptTokenCount, usage.candidatesTokenCount)


# -- bedrock-converse ----------------------------------------------------------------------------------------------


def frame_payloads(chunks: Chunks) -> Iterator[list[bytes]]:
    """The payloads of the EventStream frames of each read; a header block that was seen before is not read again."""
    crc32, buffer, seen = zlib.crc32, b"", set[bytes]()
    for chunk in chunks:
        buffer = buffer + chunk if buffer else chunk
        payloads, at, size = [], 0, len(buffer)
        while at + 12 <= size:
            total, headers, checksum = PRELUDE(buffer, at)
            end = at + total
            if end > size:
                break
            start = at + 12 + headers
            if crc32(buffer[at : at + 8]) != checksum:
                raise ValueError("prelude checksum")
            if crc32(buffer[at + 8 : end - 4], checksum) != CHECKSUM(buffer, end - 4)[0]:
                raise ValueError("message checksum")
            block = buffer[at + 12 : start]
            if block not in seen:
                if b":exception-type" in block or b":error-code" in block:
                    raise ValueError(block)
                seen.add(block)
            payloads.append(buffer[start : end - 4])
            at = end
        buffer = buffer[at:]
        yield payloads


def converse_dicts(parse: Parse, chunks: Chunks) -> Events:
    """Converse through dicts."""
    reason, usage = None, {}
    for payload in chain.from_iterable(frame_payloads(chunks)):
        event = parse(payload)
        if delta := event.get("delta"):
            if text := delta.get("text"):
                yield Text(text)
        elif finish := event.get("stopReason"):
            reason = finish
        elif counts := event.get("usage"):
            usage = counts
    yield Finish(reason, usage.get("inputTokens"), usage.get("outputTokens"))


def converse_structs(chunks: Chunks) -> Events:
    """Converse through structs."""
    decode = Decoder(shapes.ConverseEvent).decode
    reason, usage = None, shapes.ConverseUsage()
    for payload in chain.from_iterable(frame_payloads(chunks)):
        event = decode(payload)
        if delta := event.delta:
            if delta.text:
                yield Text(delta.text)
        elif event.stopReason:
            reason = event.stopReason
        elif event.usage:
            usage = event.usage
    yield Finish(reason, usage.inputTokens, usage.outputTokens)


# -- bedrock-invoke-anthropic --------------------------------------------------------------------------------------


def invoke_dicts(parse: Parse, chunks: Chunks) -> Events:
    """Invoke through dicts."""
    payloads = chain.from_iterable(frame_payloads(chunks))
    return messages_events(parse(a2b_base64(parse(payload)["bytes"])) for payload in payloads)


def invoke_structs(chunks: Chunks) -> Events:
    """Invoke through structs."""
    unwrap, decode = Decoder(shapes.InvokeChunk).decode, Decoder(shapes.MessagesEvent).decode
    reason, read, written = None, None, None
    for payload in chain.from_iterable(frame_payloads(chunks)):
        event = decode(unwrap(payload).data)
        if delta := event.delta:
            if delta.text:
                yield Text(delta.text)
            elif event.usage:
                reason, written = delta.stop_reason, event.usage.output_tokens
        elif event.message:
            read = event.message.usage.input_tokens
    yield Finish(reason, read, written)


# -- registry ------------------------------------------------------------------------------------------------------

DICTS: dict[str, Callable[[Parse, Chunks], Events]] = {
    "openai-chat": chat_dicts,
    "openai-responses": responses_dicts,
    "anthropic-messages": messages_dicts,
    "google-generate-content": google_dicts,
    "bedrock-converse": converse_dicts,
    "bedrock-invoke-anthropic": invoke_dicts,
}
STRUCTS: dict[str, Callable[[Chunks], Events]] = {
    "openai-chat": chat_structs,
    "openai-responses": responses_structs,
    "anthropic-messages": messages_structs,
    "google-generate-content": google_structs,
    "bedrock-converse": converse_structs,
    "bedrock-invoke-anthropic": invoke_structs,
}
PARSERS: dict[str, Parse] = {"json": json_loads, "orjson": orjson.loads}


def loop(name: str, protocol: str) -> Callable[[Chunks], Events]:
    """The loop called `name` (`json`, `orjson`, `msgspec`) for one wire."""
    if name == "msgspec":
        return STRUCTS[protocol]
    parse, dicts = PARSERS[name], DICTS[protocol]
    return lambda chunks: dicts(parse, chunks)
