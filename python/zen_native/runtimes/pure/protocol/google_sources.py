"""Citations of Google's answers: grounding, recitation and fetched addresses.

Owns what of these becomes a `citation` event. They are given out at the end, because grounding is repeated and grows
while the answer streams. The grounding itself goes to the step's metadata, where its search entry point must be
shown from; a citation says by index which chunk it stands for.

Sources: https://ai.google.dev/api/generate-content#GroundingMetadata, #CitationMetadata and #UrlContextMetadata.
Twin of `rust/core/src/protocol/google_sources.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.runtimes.pure.json import Value, as_count, as_list, as_object, as_text, dump

if TYPE_CHECKING:
    from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta

__all__ = ["GoogleSources"]

_CHUNKS = ("web", "retrievedContext", "maps", "image")
_ROOM = 1 << 20
"""Characters that all citations of a step may have: supports can point to the same long chunk any number of times."""


class GoogleSources:
    """What was cited so far."""

    __slots__ = ("_grounding", "_known", "_listed", "_room")

    def __init__(self) -> None:
        self._grounding: dict[int, Meta] = {}
        self._listed: list[tuple[str, Meta]] = []
        self._known: set[str] = set()
        self._room = _ROOM

    def on_candidate(self, index: int, candidate: dict[str, Any]) -> None:
        """The sources that a candidate names: of grounding the last value of each field, of the others each once."""
        grounding = as_object(candidate.get("groundingMetadata"))
        if grounding:
            self._grounding.setdefault(index, {}).update(grounding)
        cited = as_object(candidate.get("citationMetadata"))
        for source in as_list(cited.get("citationSources")) + as_list(cited.get("citations")):
            self._list("uri", source)
        for source in as_list(as_object(candidate.get("urlContextMetadata")).get("urlMetadata")):
            self._list("retrievedUrl", source)

    def _list(self, field: str, source: Value) -> None:
        if isinstance(source, dict):
            text = dump(source)
            if text not in self._known:
                self._known.add(text)
                self._listed.append((field, source))

    def end(self, life: Lifecycle) -> None:
        """Gives the citations out."""
        for index in sorted(self._grounding):
            grounding = self._grounding[index]
            self._ground(grounding, life)
            life.note({f"candidates.{index}.groundingMetadata" if index else "groundingMetadata": grounding})
        for field, source in self._listed:
            life.citation(as_text(source.get(field)), as_text(source.get("title")), None, source)

    def _ground(self, grounding: Meta, life: Lifecycle) -> None:
        """A citation for every support and chunk that belong together, then for the chunks without support."""
        chunks = [_chunk(chunk) for chunk in as_list(grounding.get("groundingChunks"))]
        used = [False] * len(chunks)
        for support in as_list(grounding.get("groundingSupports")):
            segment = as_object(as_object(support).get("segment"))
            for number in as_list(as_object(support).get("groundingChunkIndices")):
                place = as_count(number)
                if place is not None and place < len(chunks):
                    used[place] = True
                    if not self._cite(place, chunks[place], segment, life):
                        return
        for place, chunk in enumerate(chunks):
            if not used[place] and not self._cite(place, chunk, {}, life):
                return

    def _cite(self, place: int, chunk: tuple[str | None, str | None], segment: Meta, life: Lifecycle) -> bool:
        url, title = chunk
        text = as_text(segment.get("text"))
        self._room -= len(url or "") + len(title or "") + len(text or "") + 1
        if self._room < 0:
            life.warn("more grounding than can be given out as citations")
            return False
        metadata: Meta = {"chunk": place}
        for name in ("partIndex", "startIndex", "endIndex"):
            count = as_count(segment.get(name))
            if count is not None:
                metadata[name] = count
        life.citation(url, title, text, metadata)
        return True


def _chunk(value: Any) -> tuple[str | None, str | None]:
    """Address and title of a grounding chunk, whatever its kind."""
    chunk = as_object(value)
    for kind in _CHUNKS:
        source: Value = chunk.get(kind)
        if isinstance(source, dict):
            return as_text(source.get("uri")), as_text(source.get("title"))
    return None, None
