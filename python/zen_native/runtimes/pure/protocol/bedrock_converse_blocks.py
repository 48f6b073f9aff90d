"""Blocks of Bedrock's answers beside text, reasoning and calls: results of tools it ran, media, citations.

Owns what is collected until it is whole.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolResultBlockDelta.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlockDelta.html
Twin of `rust/core/src/protocol/bedrock_converse_blocks.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.runtimes.pure.json import Value, as_list, as_object, as_text

if TYPE_CHECKING:
    from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
    from zen_native.runtimes.pure.tools import Tools

__all__ = ["KINDS", "Media", "Results", "cite", "give_media", "on_citation"]

KINDS = ("audio", "image", "video")
"""Kinds of media in a document."""

_UNKNOWN_TYPE = "application/octet-stream"


class Results:
    """Results of tools that Bedrock runs: a list of content blocks, whose text may come in pieces."""

    __slots__ = ("_calls", "_issuer", "_open")

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._calls: dict[str, int] = {}
        self._open: dict[int, _Result] = {}

    def expect(self, call_id: str, slot: int) -> None:
        """A call was seen whose result will come."""
        self._calls[call_id] = slot

    def start(self, index: int, result: dict[str, Any]) -> None:
        """The start of a result says whose it is."""
        self._open[index] = _Result(result)

    def add(self, index: int, part: Value) -> None:
        """More content of a result."""
        if isinstance(part, dict):
            self._open.setdefault(index, _Result({})).add(part)

    def stop(self, index: int, tools: Tools, life: Lifecycle) -> None:
        """Gives out the result with this index, if there is one."""
        result = self._open.pop(index, None)
        if result is None:
            return
        slot = self._calls.get(result.call_id) if result.call_id else None
        if slot is None:
            life.warn("a tool result without its call")
            call_id, name = result.call_id or life.new_id("call"), ""
        else:
            call_id, name = tools.identity(slot)
        said = {"type": result.type, "status": result.status}
        metadata: Meta = {name: text for name, text in said.items() if text} | {"issuer": self._issuer}
        life.tool_result(call_id, name, result.content(), is_error=result.status == "error", metadata=metadata)

    def end(self, tools: Tools, life: Lifecycle) -> None:
        """Gives out the results that had no end of their own."""
        for index in sorted(self._open):
            self.stop(index, tools, life)


class _Result:
    __slots__ = ("_content", "_texts", "call_id", "status", "type")

    def __init__(self, result: dict[str, Any]) -> None:
        self.call_id = as_text(result.get("toolUseId"))
        self.type = as_text(result.get("type"))
        self.status = as_text(result.get("status"))
        self._content: list[Any] = []
        self._texts: list[str] = []

    def add(self, part: dict[str, Any]) -> None:
        text = as_text(part.get("text"))
        if text is None:
            self._flush()
            self._content.append(part)
        else:
            self._texts.append(text)

    def content(self) -> list[Any]:
        self._flush()
        return self._content

    def _flush(self) -> None:
        if self._texts:
            self._content.append({"text": "".join(self._texts)})
            self._texts = []


class Media:
    """Images that come in pieces of base64; one that ends in padding ends an image."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, tuple[str, list[str]]] = {}

    def start(self, index: int, image: dict[str, Any]) -> None:
        """The start says the format."""
        self._open[index] = (_mime_type("image", image), [])

    def add(self, index: int, image: dict[str, Any], life: Lifecycle) -> None:
        """More of the data, or that it failed."""
        if isinstance(image.get("error"), dict):
            life.warn("the provider reported an error in generated media")
            life.unknown("image", image)
        mime_type, pieces = self._open.setdefault(index, (_UNKNOWN_TYPE, []))
        data = as_text(as_object(image.get("source")).get("bytes"))
        if data:
            pieces.append(data)
            if data.endswith("="):
                self._give(mime_type, pieces, life)

    def stop(self, index: int, life: Lifecycle) -> None:
        """Gives out what is left of the image with this index."""
        known = self._open.pop(index, None)
        if known is not None:
            self._give(*known, life)

    def end(self, life: Lifecycle) -> None:
        """Gives out the images that had no end of their own."""
        for index in sorted(self._open):
            self.stop(index, life)

    def _give(self, mime_type: str, pieces: list[str], life: Lifecycle) -> None:
        if pieces:
            life.media(life.new_id("media"), mime_type, "".join(pieces), None, None)
            pieces.clear()


def give_media(kind: str, block: dict[str, Any], life: Lifecycle) -> bool:
    """Gives out a whole block of media; False where it is none."""
    source = as_object(block.get("source"))
    data, url = as_text(source.get("bytes")), as_text(as_object(source.get("s3Location")).get("uri"))
    if not (data or url):
        return False
    life.close_block()
    life.media(life.new_id("media"), _mime_type(kind, block), data or None, url or None, None)
    return True


def _mime_type(kind: str, block: dict[str, Any]) -> str:
    name = as_text(block.get("format"))
    return f"{kind}/{name}" if name else _UNKNOWN_TYPE


def on_citation(index: int, citation: dict[str, Any], life: Lifecycle) -> None:
    """A source of the text block of that index, which may come before the text."""
    life.open_text(index)
    url = as_object(as_object(citation.get("location")).get("web")).get("url")
    texts = [as_text(as_object(part).get("text")) for part in as_list(citation.get("sourceContent"))]
    text = "".join(text for text in texts if text)
    life.citation(as_text(url), as_text(citation.get("title")), text or None, citation)


def cite(index: int, content: dict[str, Any], life: Lifecycle) -> None:
    """A whole block of text with its sources."""
    for part in as_list(content.get("content")):
        text = as_object(part).get("text")
        if isinstance(text, str):
            life.text(index, text)
    citation: Value
    for citation in as_list(content.get("citations")):
        if isinstance(citation, dict):
            on_citation(index, citation, life)
