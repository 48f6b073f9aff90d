"""Reads what an error says: message, codes, status, waiting time, ids, from any JSON and any headers.

Owns where the providers put these; decides nothing about their meaning (`_classify` does). Every value may be of any
type: a wrong one counts as absent. Work is bounded: a fixed number of objects is looked at, none recursively.

Shapes: OpenAI `error.{message,type,code}`; Anthropic `{"type": "error", "error": {type, message}}`; Google
`[{"error": {code, message, status, details}}]` (google.rpc.Status); Bedrock `{"message"}` with `x-amzn-errortype`, or
the exception as a key; OpenRouter `error.metadata.raw`; MiniMax `base_resp`; ChatGPT `detail`; Ollama `error` as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from ._error_time import limits_reset, parse_delay, reset_time, retry_after_header
from ._redact import clean
from ._request_id import request_id_in

__all__ = ["Facts", "read_facts"]

_MAX_NODES = 12
_MAX_ITEMS = 16
_MAX_TEXT = 4096
_MAX_CODE = 200
_MAX_PARSED = 1 << 20

_INNER = ("innererror", "inner_error", "base_resp", "metadata", "cause", "data")
# `originalMessage` is what the model said; Bedrock's own `message` beside it says no more than that something failed.
_MESSAGES = ("originalMessage", "message", "Message", "msg", "status_msg", "error", "detail", "error_description")
_CODES = ("code", "__type", "errorType", "error_type", "errorCode", "type", "status", "reason")
_STATUSES = ("status_code", "statusCode", "status", "code", "http_status", "originalStatusCode")
_DELAYS = ("retry_after_seconds", "retry_after", "retryAfter", "retryDelay", "resets_in_seconds")
_RESETS = ("resets_at", "reset_at", "resetsAt")
_NOT_CODES = frozenset({"error", "response.failed", "failed", "incomplete"})
_EXCEPTION = re.compile(r"(?i).{1,200}(?:exception|error)\Z")
_MAX_ENVELOPES = 4
_HTTP_STATUS = re.compile(r"[1-5][0-9]{2}\Z")


@dataclass(slots=True)
class Facts:
    """What was found. `status` is the one to report, `body_status` the one inside the payload."""

    status: int | None = None
    body_status: int | None = None
    message: str = ""
    code: str | None = None
    codes: list[str] = field(default_factory=list[str])
    quota_ids: list[str] = field(default_factory=list[str])
    retry_after: float | None = None
    reset_time: datetime | None = None
    request_id: str | None = None
    should_retry: bool | None = None


def read_facts(
    payload: object, *, status: int | None, headers: Mapping[str, str] | None, name: str, body: str | bytes | None
) -> Facts:
    """All facts of one error. `status` counts when it is an error's; a stream that began with 200 has none."""
    known = _lower(headers)
    facts = Facts()
    if payload is None:
        payload = _parse(body)
    for code in (name if _EXCEPTION.match(name.partition(":")[0]) else "", known.get("x-amzn-errortype", "")):
        _add_code(facts, code)
    messages: list[str] = []
    for node in _nodes(payload):
        _read_node(facts, node, messages)
    if isinstance(payload, str):
        messages.append(_text(payload))
    if payload is None and not messages:
        messages.append(_plain_line(body))
    facts.message = _join([text for text in messages if text])
    facts.status = status if status is not None and status >= 400 else facts.body_status
    said = None if facts.body_status is None else str(facts.body_status)
    facts.code = next((code.removeprefix("base_resp.") for code in facts.codes), said)
    _read_headers(facts, known)
    return facts


def _read_node(facts: Facts, node: Mapping[str, Any], messages: list[str]) -> None:
    messages.append(next((text for key in _MESSAGES if (text := _text(node.get(key)))), ""))
    if facts.body_status is None:
        facts.body_status = next((found for key in _STATUSES if (found := _status(node.get(key))) is not None), None)
    for key in _CODES:
        _add_code(facts, node.get(key))
    if "status_msg" in node and isinstance(number := node.get("status_code"), int) and 0 < number < 10**6:
        facts.codes.append(f"base_resp.{number}")
    for key in _DELAYS:
        if facts.retry_after is None:
            facts.retry_after = parse_delay(node.get(key))
    for key in _RESETS:
        if facts.reset_time is None:
            facts.reset_time = reset_time(node.get(key))
    if facts.request_id is None:
        facts.request_id = _text(node.get("request_id"))[:_MAX_CODE] or None
    if isinstance(quota := node.get("quotaId"), str):
        facts.quota_ids.append(quota[:_MAX_CODE])


def _nodes(payload: object) -> Iterator[Mapping[str, Any]]:
    """The objects that may describe the error: the error itself, what it holds, then what it was wrapped in."""
    envelopes, item = _unwrap(payload)
    waiting: list[object] = [item] if isinstance(item, dict) else []
    for _ in range(_MAX_NODES):
        if not waiting:
            break
        item = waiting.pop(0)
        if isinstance(item, dict):
            node = cast("dict[str, Any]", item)
            waiting.extend(_inner(node))
            yield node
    yield from reversed(envelopes)


def _unwrap(payload: object) -> tuple[list[Mapping[str, Any]], object]:
    envelopes: list[Mapping[str, Any]] = []
    item = payload
    for _ in range(_MAX_ENVELOPES):
        if isinstance(item, list):
            item = _first_object(cast("list[object]", item)[:_MAX_ITEMS])
        if not isinstance(item, dict):
            break
        node = cast("dict[str, Any]", item)
        inner: object = node.get("error") or node.get("response")
        if not isinstance(inner, dict | list):
            return envelopes, node
        envelopes.append(node)
        item = cast("object", inner)
    return envelopes, item


def _first_object(items: list[object]) -> object:
    for item in items:
        if isinstance(item, dict):
            return cast("dict[str, Any]", item)
    return None


def _inner(node: Mapping[str, Any]) -> Iterator[object]:
    for key in _INNER:
        if isinstance(value := node.get(key), dict | list):
            yield cast("object", value)
    for key in ("detail", "details", "errors", "violations"):
        if isinstance(value := node.get(key), list):
            items = cast("list[object]", value)[:_MAX_ITEMS]
            yield from ({"message": item} if isinstance(item, str) else item for item in items)
        elif isinstance(value, dict):
            yield cast("object", value)
    if isinstance(raw := node.get("raw"), str):
        envelopes, said = _unwrap(_parse(raw))
        yield from (said, *envelopes) if isinstance(said, dict) else ({"message": raw},)
    for key in list(node)[:_MAX_ITEMS]:
        if key.endswith("Exception") and isinstance(value := node[key], dict):
            yield {**cast("dict[str, Any]", value), "__type": key}


def _add_code(facts: Facts, value: object) -> None:
    """Remember a code as it was said; AWS adds a namespace before `#` and an address after `:`."""
    if not isinstance(value, str) or value in _NOT_CODES or _HTTP_STATUS.match(value[:16].strip()):
        return
    code = clean(value[:_MAX_CODE]).rpartition("#")[2].partition(":")[0].strip()
    if code and code not in facts.codes:
        facts.codes.append(code)


def _status(value: object) -> int | None:
    """An HTTP error status: a number, or text that looks like one."""
    if isinstance(value, str) and _HTTP_STATUS.match(value[:16].strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 400 <= value < 600 and value == int(value) else None


def _read_headers(facts: Facts, headers: Mapping[str, str]) -> None:
    delay = retry_after_header(headers)
    facts.retry_after = facts.retry_after if delay is None else delay
    for key in ("anthropic-ratelimit-unified-reset", "x-ratelimit-reset"):
        if facts.reset_time is None:
            facts.reset_time = reset_time(headers.get(key))
    facts.reset_time = facts.reset_time or limits_reset(headers)
    facts.request_id = request_id_in(headers) or facts.request_id
    facts.should_retry = {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    if headers is None:
        return {}
    return {key.lower(): value for key, value in headers.items()}


def _parse(body: str | bytes | None) -> object:
    """The JSON value that a body begins with; some gateways glue a frame to its end."""
    if body is None or len(body) > _MAX_PARSED:
        return None
    text = (body.decode("utf-8", "replace") if isinstance(body, bytes) else body).lstrip("\ufeff \t\r\n")
    if not text.startswith(("{", "[", '"')):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _plain_line(body: str | bytes | None) -> str:
    """The first line of a body that is neither JSON nor HTML."""
    if body is None:
        return ""
    head = body[:_MAX_TEXT]
    text = (head.decode("utf-8", "replace") if isinstance(head, bytes) else head).strip()
    return "" if text.startswith(("<", "{", "[")) else _text(text.partition("\n")[0])[:200]


def _text(value: object) -> str:
    return clean(value[:_MAX_TEXT]).strip() if isinstance(value, str) else ""


def _join(messages: list[str]) -> str:
    """The first message, and the first deeper one that says more (a gateway puts the provider's own below its own)."""
    if not messages:
        return ""
    deeper = next((text for text in messages[1:] if text not in messages[0]), None)
    return messages[0] if deeper is None else f"{messages[0]}: {deeper}"
