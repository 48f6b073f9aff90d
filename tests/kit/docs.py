"""The documentation as tests read it: its examples, its tables as they must be, and what servers answer.

Owns no expectation of a page's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.kit import messages
from tests.kit.chat import chunk, sse

from zen_native import errors
from zen_native.gate import Reason
from zen_native.providers import PROVIDERS

__all__ = ["DOCS", "README", "answered", "error_rows", "examples", "provider_rows", "reason_slugs", "rows"]

README = Path(__file__).parents[2] / "README.md"
DOCS = Path(__file__).parents[2] / "docs"

_TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
_ARGUMENTS = '{"city": "Porto"}'

_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

_CHAT = sse(
    chunk({"content": "Hello"}),
    chunk({}, "stop"),
    {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}},
    "[DONE]",
)
_MESSAGES = messages.sse(
    messages.start(usage={"input_tokens": 9}), *messages.text_block(0, "Hello"), messages.end(), messages.STOP
)
_CALL = messages.sse(
    messages.start(usage={"input_tokens": 9}),
    {"type": "content_block_start", "index": 0, "content_block": _TOOL_USE},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": _ARGUMENTS}},
    {"type": "content_block_stop", "index": 0},
    messages.end("tool_use"),
    messages.STOP,
)
_PART = {"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}
_GOOGLE = sse({"candidates": [_PART], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1}})
_DONE = {"id": "r", "status": "completed", "usage": {"input_tokens": 9, "output_tokens": 1}}


def _responses(text: str) -> bytes:
    """An answer of the Responses API."""
    return sse(
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": text},
        {"type": "response.completed", "response": _DONE},
    )


_ANSWERS = {
    "/messages": _MESSAGES,
    "/chat/completions": _CHAT,
    "GenerateContent": _GOOGLE,
    "/responses": _responses("Hello"),
}


def examples(path: Path) -> list[str]:
    """The Python in a page."""
    return _EXAMPLE.findall(path.read_text("utf-8"))


def rows(path: Path, first: str) -> list[list[str]]:
    """The cells of the rows of a page's table, whose first head is that."""
    tables = re.findall(r"(?:^\|.*\n)+", path.read_text("utf-8"), re.MULTILINE)
    table = next(table for table in tables if table.startswith(f"| {first} |"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def answered(url: str, body: bytes) -> bytes:
    """What the server of that address says: Anthropic's calls a tool without a result, OpenAI's fills a schema, and all
    others greet."""
    if "/responses" in url and b'"json_schema"' in body:
        return _responses('{"city": "Porto", "rain": true}')
    if "/messages" in url and b'"tools"' in body and b'"tool_result"' not in body:
        return _CALL
    return next(answer for part, answer in _ANSWERS.items() if part in url)


# Tables as they must be


def provider_rows() -> list[list[str]]:
    """Each provider: its name in models' names, who it is, its keys, its base URL, its formats."""
    return [
        [
            f"`{provider.id}/`",
            provider.name,
            _coded(key.name for key in provider.keys) or "none",
            _coded(url.name for url in provider.urls),
            _coded(provider.endpoints),
        ]
        for provider in PROVIDERS.values()
    ]


def error_rows() -> list[list[str]]:
    """Each error in the order of the tree: its class, its base, what it means, and whether it is worth another try."""
    return [
        [f"`{each.__name__}`", f"`{each.__mro__[1].__name__}`", _meaning(each), "yes" if each("x").retryable else "no"]
        for each in _below(errors.LLMError)
    ]


def reason_slugs() -> list[str]:
    """The gate's reasons in their order."""
    return [f"`{reason.slug}`" for reason in Reason]


def _below(cls: Any) -> Iterator[Any]:
    for each in cls.__subclasses__():
        yield each
        yield from _below(each)


def _meaning(cls: Any) -> str:
    return " ".join(cls.__doc__.split())


def _coded(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)
