"""Bodies to try both runtimes on: own fixtures, and the recorded exchanges where there is a corpus.

Owns which bodies there are and how they are to be read. Owns no expectation: a parity trial holds one runtime against
the other, whatever the body means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.kit import corpus

from zen_native.runtimes.pure.names import DEFAULT_FRAMING
from zen_native.runtimes.pure.protocol import PROTOCOLS

__all__ = ["Subject", "protocols", "subjects"]

_FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
_FRAMINGS = {".sse": "sse", ".json": "document", ".bin": "eventstream", ".array": "json-array"}
_STRANGERS = {"sse": "openai-chat", "document": "openai-chat", "eventstream": "bedrock-converse"}
"""How recorded answers of protocols that are not ours are read: they are hostile input that real servers send."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A body and how it is to be read."""

    id: str
    protocol: str
    framing: str
    body: bytes


def protocols() -> tuple[str, ...]:
    """The protocols that both runtimes know, sorted."""
    from zen_native import _core

    return tuple(sorted(PROTOCOLS.keys() & set(_core.names()[0])))


@cache
def subjects(*, recorded: bool = True) -> tuple[Subject, ...]:
    """All bodies of protocols that both runtimes know; `recorded`: those of the corpus too."""
    known = protocols()
    found = [*_fixtures(), *(_exchanges() if recorded else ())]
    return tuple(subject for subject in found if subject.protocol in known)


def _fixtures() -> Iterator[Subject]:
    for path in sorted(_FIXTURES.glob("*/*")):
        protocol, framing = path.parent.name, _FRAMINGS.get(path.suffix)
        if protocol in DEFAULT_FRAMING and framing is not None:
            body = path.read_bytes()
            if framing == "document" and body.lstrip()[:1] == b"[" and protocol == "google-generate-content":
                framing = "json-array"
            yield Subject(f"{protocol}/{path.name}", protocol, framing, body)


def _exchanges() -> Iterator[Subject]:
    for exchange in corpus.load("streams", "unary", "errors", "zen"):
        framing = "sse" if exchange.framing == "json-lines" else exchange.framing
        protocol = _STRANGERS.get(framing, "") if exchange.protocol == "other" else exchange.protocol
        yield Subject(exchange.id, protocol, framing, exchange.body)
