"""Citations of Google's answers: grounding, recitation, fetched addresses."""

from __future__ import annotations

from tests.kit.google import chunk, run, text

from zen_native.events import (
    Citation,
)

# Citations


WEB = [{"web": {"uri": f"https://example.org/{n}", "title": f"Page {n}"}} for n in range(3)]


def test_grounding_becomes_citations_at_the_end(runtime: str) -> None:
    supports = [{"segment": {"startIndex": 2, "endIndex": 9, "text": "it rains"}, "groundingChunkIndices": [0, 2]}]
    grounding = {"groundingChunks": WEB, "groundingSupports": supports, "webSearchQueries": ["rain"]}
    decoded = run(
        runtime, chunk(text("So it rains"), groundingMetadata={}), chunk(reason="STOP", groundingMetadata=grounding)
    )
    assert decoded.of(Citation) == [
        Citation("text-0", "https://example.org/0", "Page 0", "it rains",
                 {"test": {"chunk": 0, "startIndex": 2, "endIndex": 9}}),
        Citation("text-0", "https://example.org/2", "Page 2", "it rains",
                 {"test": {"chunk": 2, "startIndex": 2, "endIndex": 9}}),
        Citation("text-0", "https://example.org/1", "Page 1", None, {"test": {"chunk": 1}}),
    ]  # fmt: skip
    assert decoded.step.metadata == {"test": {"groundingMetadata": grounding}}


def test_repeated_grounding_is_cited_once(runtime: str) -> None:
    decoded = run(
        runtime,
        chunk(text("x"), groundingMetadata={"groundingChunks": WEB[:1]}),
        chunk(text("y"), groundingMetadata={"groundingChunks": WEB[:2]}),
        chunk(reason="STOP", groundingMetadata={"webSearchQueries": ["q"]}),
    )
    assert [event.title for event in decoded.of(Citation)] == ["Page 0", "Page 1"]


def test_grounding_of_other_kinds(runtime: str) -> None:
    chunks = [
        {"retrievedContext": {"uri": "gs://a", "title": "A"}},
        {"maps": {"uri": "https://maps", "title": "M"}},
        {},
    ]
    decoded = run(runtime, chunk(text("x"), reason="STOP", groundingMetadata={"groundingChunks": chunks}))
    assert [(event.url, event.title) for event in decoded.of(Citation)] == [
        ("gs://a", "A"), ("https://maps", "M"), (None, None),
    ]  # fmt: skip


def test_grounding_that_points_nowhere(runtime: str) -> None:
    supports = [None, {"groundingChunkIndices": [7, -1, "0", 0.0, None]}, {"segment": 1, "groundingChunkIndices": 0}]
    decoded = run(runtime, chunk(text("x"), reason="STOP", groundingMetadata={"groundingSupports": supports}))
    assert decoded.of(Citation) == []


def test_grounding_is_bounded(runtime: str) -> None:
    long = [{"web": {"uri": "u" * 100_000, "title": "T"}}]
    supports = [{"segment": {"text": "s"}, "groundingChunkIndices": [0] * 100_000}]
    grounding = {"groundingChunks": long, "groundingSupports": supports}
    decoded = run(runtime, chunk(text("x"), reason="STOP", groundingMetadata=grounding))
    assert len(decoded.of(Citation)) == 10
    assert decoded.finish.warnings == ("more grounding than can be given out as citations",)


def test_recitation_and_fetched_addresses_are_cited_once_each(runtime: str) -> None:
    source = {"startIndex": 1, "endIndex": 5, "uri": "https://example.org/a", "title": "A", "license": "mit"}
    vertex = {"uri": "https://example.org/b", "title": "B"}
    fetched = {"retrievedUrl": "https://example.org/c", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}
    decoded = run(
        runtime,
        chunk(text("x"), citationMetadata={"citationSources": [source]}),
        chunk(text("y"), citationMetadata={"citationSources": [source], "citations": [vertex]}),
        chunk(reason="STOP", urlContextMetadata={"urlMetadata": [fetched]}),
    )
    assert [(event.url, event.title, event.metadata) for event in decoded.of(Citation)] == [
        ("https://example.org/a", "A", {"test": source}),
        ("https://example.org/b", "B", {"test": vertex}),
        ("https://example.org/c", None, {"test": fetched}),
    ]
