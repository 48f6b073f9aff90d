"""The corpus of recorded exchanges, where there is one. It is not part of the repository.

It is looked for in `ZEN_CORPUS`, else in `shared/corpus` beside the repository. Without it the tests that need it are
skipped, by name and with this reason.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

__all__ = ["FALLBACK", "Exchange", "Kind", "load", "missing", "needed", "params", "root"]

Kind = Literal["streams", "unary", "errors", "zen"]

FALLBACK = Path(__file__).resolve().parents[3] / "shared" / "corpus"
_REASON = f"no corpus: neither ZEN_CORPUS nor {FALLBACK}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded answer. `framing` is what its bytes look like, for the content type is often wrong."""

    id: str
    protocol: str
    framing: Literal["sse", "eventstream", "json-array", "document", "json-lines"]
    body: bytes
    provider: str
    status: int
    headers: Mapping[str, str]
    features: frozenset[str]
    streaming: bool
    record: Mapping[str, Any]
    """The whole file."""


def root() -> Path | None:
    """Where the corpus is."""
    named = os.environ.get("ZEN_CORPUS")
    path = Path(named) if named else FALLBACK
    if named and not path.is_dir():
        raise FileNotFoundError(f"ZEN_CORPUS={named} is no directory")
    return path if path.is_dir() else None


needed = pytest.mark.skipif(root() is None, reason=_REASON)
"""Marks a test that asks for more than one exchange."""


@cache
def load(*kinds: Kind) -> tuple[Exchange, ...]:
    """All exchanges of these kinds, in the order of their names; none without a corpus."""
    return tuple(exchange for kind in kinds for exchange in _read(kind))


def params(*kinds: Kind, protocol: str | None = None) -> list[Any]:
    """The same, of one protocol or all, as parameters of a test; or one that is skipped."""
    if root() is None:
        return missing()
    wanted = [exchange for exchange in load(*kinds) if protocol in (None, exchange.protocol)]
    return [pytest.param(exchange, id=exchange.id) for exchange in wanted]


def missing() -> list[Any]:
    """Stands for all parameters where there is no corpus: the test is skipped once, with the reason."""
    return [pytest.param(None, id="no-corpus", marks=pytest.mark.skip(reason=_REASON))]


def _read(kind: Kind) -> Iterator[Exchange]:
    path = root()
    files = [] if path is None else sorted((path / kind).glob("*.json"))
    if path is not None and not files:
        raise FileNotFoundError(f"the corpus at {path} has no {kind}")
    for file in files:
        record = json.loads(file.read_text("utf-8"))
        answer = record["response"]
        text = answer.get("body_text")
        body = base64.b64decode(answer["body_b64"]) if text is None else text.encode()
        yield Exchange(
            id=record["id"],
            protocol=record["protocol"],
            framing=_framing(body, record["streaming"]),
            body=body,
            provider=record["provider"],
            status=answer["status"],
            headers=answer["headers"] or {},
            features=frozenset(record.get("features") or ()),
            streaming=record["streaming"],
            record=record,
        )


def _framing(body: bytes, streaming: bool) -> Any:
    head = body.lstrip()[:1]
    if body[:1] == b"\0":  # the first byte of an EventStream length
        return "eventstream"
    if head == b"[":
        return "json-array"
    if head == b"{":
        lines = [line for line in body.splitlines() if line.strip()]
        return "json-lines" if streaming and len(lines) > 1 and all(line[:1] == b"{" for line in lines) else "document"
    return "sse" if streaming else "document"
