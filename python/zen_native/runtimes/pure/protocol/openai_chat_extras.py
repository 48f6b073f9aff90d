"""What some chat hosts put beside text and calls: media, citations, tools that the host ran.

Owns their spellings. Twin of `rust/core/src/protocol/openai_chat_extras.rs`.

Source: https://platform.openai.com/docs/guides/tools-web-search, https://openrouter.ai/docs/features/multimodal/image-generation,
https://console.groq.com/docs/agentic-tooling, https://docs.perplexity.ai/guides/search-results

A citation waits for the first text, whose block it names. Perplexity and xAI repeat the whole list of sources in every
chunk: each address becomes one citation. A type that the host does not name is `image/*` or `audio/*`.
"""

from __future__ import annotations

from typing import Any

from zen_native.runtimes.pure.json import as_count, as_object, as_text, is_object
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta
from zen_native.runtimes.pure.protocol.openai_chat_tools import argument_text
from zen_native.runtimes.pure.tools import Tools

__all__ = ["Extras", "on_images"]

_REPLAYED = ("id", "expires_at")
_CALLED = ("index", "type", "arguments")

_Source = tuple[str | None, str | None, str | None, Meta | None]
"""What `Lifecycle.citation` is given."""


def on_images(images: list[Any], life: Lifecycle) -> None:
    """Generated images, inline or by address."""
    for image in images:
        holder = image.get("image_url") if is_object(image) else None
        url = as_text(holder.get("url")) if is_object(holder) else as_text(holder)
        if url:
            mime_type, data = _data_url(url)
            life.media(life.new_id("media"), mime_type or "image/*", data, None if data else url, None)


class Extras:
    """What was given out already."""

    def __init__(self) -> None:
        self._spoken = False
        self._waiting: list[_Source] = []
        self._cited: set[str] = set()
        self._executed: dict[int, tuple[str, bool]] = {}
        self._audio: Meta = {}

    def on_audio(self, audio: dict[str, Any], life: Lifecycle) -> None:
        data = as_text(audio.get("data"))
        if data:
            life.media(life.new_id("media"), "audio/*", data, None, None)
        self._audio.update({key: audio[key] for key in _REPLAYED if audio.get(key) is not None})
        if self._audio:
            life.note({"audio": dict(self._audio)})

    def on_annotations(self, annotations: list[Any], life: Lifecycle) -> None:
        for annotation in annotations:
            if is_object(annotation):
                inner = annotation.get(as_text(annotation.get("type")) or "")
                said = inner if is_object(inner) else annotation
                title = as_text(said.get("title")) or as_text(said.get("name"))
                self.cite((as_text(said.get("url")), title, as_text(said.get("content")), annotation), life)

    def on_sources(self, results: list[Any], citations: list[Any], life: Lifecycle) -> None:
        for source in (*results, *citations):
            said = as_object(source)
            url = as_text(source) or as_text(said.get("url"))
            if url and url not in self._cited:
                self._cited.add(url)
                self.cite((url, as_text(said.get("title")), as_text(said.get("snippet")), said or None), life)

    def on_executed_tools(self, executed: list[Any], tools: Tools, life: Lifecycle) -> None:
        for place, item in enumerate(executed):
            if is_object(item):
                index = as_count(item.get("index"))
                self.on_executed_tool(place if index is None else index, item, tools, life)

    def on_executed_tool(self, index: int, item: dict[str, Any], tools: Tools, life: Lifecycle) -> None:
        name = as_text(item.get("name")) or as_text(item.get("type")) or "tool"
        call_id, answered = self._executed.get(index, (f"executed-{index}", False))
        if index not in self._executed:
            slot = tools.open(call_id, name, life, provider_executed=True)
            tools.delta(slot, argument_text(item.get("arguments")), life)
            tools.close(slot, life)
            self._executed[index] = (call_id, False)
        if not answered and item.get("output") is not None:
            result = {key: value for key, value in item.items() if key not in _CALLED}
            life.tool_result(call_id, name, result)
            self._executed[index] = (call_id, True)

    def cite(self, source: _Source, life: Lifecycle) -> None:
        """A citation, now or when there is text."""
        if self._spoken:
            life.citation(*source)
        else:
            self._waiting.append(source)

    def speak(self, life: Lifecycle) -> None:
        """There is text, or there will be none: what waited for it comes now."""
        self._spoken = True
        for source in self._waiting:
            life.citation(*source)
        self._waiting = []


def _data_url(url: str) -> tuple[str | None, str | None]:
    """Type and base64 text of a data URL; None twice for anything else."""
    head, comma, data = url.partition(",")
    if not comma or not data or not head.startswith("data:") or not head.endswith(";base64"):
        return None, None
    return head[5:].split(";")[0] or None, data
