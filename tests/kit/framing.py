"""What the framing tests share: run a framing over pieces, over every cut, and load the recorded cases."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.kit import corpus

from zen_native.errors import LLMError
from zen_native.runtimes.pure.frame import Frame, Limits
from zen_native.runtimes.pure.framing import new_framing


@dataclass
class Outcome:
    """All that came of a body: frames as tuples, warnings, and the error's class and message."""

    frames: list[tuple[str, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: tuple[str, str] | None = None
    body: str | None = None


def run(name: str, pieces: Iterable[bytes], limits: Limits | None = None) -> Outcome:
    """Feeds the pieces, then the end; frames before an error in the same piece are kept."""
    outcome = Outcome()
    framing = new_framing(name, limits or Limits(), outcome.warnings.append)

    def frames() -> Iterator[Frame]:
        for piece in pieces:
            yield from framing.feed(piece)
        yield from framing.finish()

    try:
        for frame in frames():
            outcome.frames.append((frame.kind, frame.name, frame.data))
    except LLMError as error:
        outcome.error = (type(error).__name__, error.message)
        outcome.body = error.body
    return outcome


def run_cut(name: str, body: bytes, limits: Limits | None = None) -> Outcome:
    """The outcome of the whole body, after checking that no single cut and no one-byte pieces change it."""
    whole = run(name, [body], limits)
    for cut in range(len(body) + 1):
        assert run(name, [body[:cut], body[cut:]], limits) == whole, f"cut at {cut}"
    assert run(name, [body[i : i + 1] for i in range(len(body))], limits) == whole, "one byte at a time"
    return whole


def cases(folder: str) -> list[Any]:
    """The recorded cases of a folder as pytest parameters; one visible skip where the corpus is not there."""
    path = corpus.root()
    if path is None:
        return corpus.missing()
    files = sorted((path / folder).glob("*.json"))
    assert files, f"the corpus at {path} has no {folder}"
    return [pytest.param(case, id=case["id"]) for file in files for case in json.loads(file.read_text())]


def case_bytes(case: dict[str, Any], key: str) -> bytes:
    """The input of a recorded case, put together where it is described only."""
    if "construct" not in case:
        return base64.b64decode(case[key])
    out = b""
    for part in case["construct"]:
        if "hex" in part:
            out += bytes.fromhex(part["hex"])
        elif "repeat_byte" in part:
            out += bytes([part["repeat_byte"]]) * part["count"]
        else:
            out += (part.get("text") or part["repeat"] * part["count"]).encode()
    return out


def cut_as(body: bytes, lengths: int | list[int]) -> list[bytes]:
    """The body in the recorded pieces."""
    if isinstance(lengths, int):
        return [body[i : i + lengths] for i in range(0, len(body), lengths)]
    pieces: list[bytes] = []
    start = 0
    for length in lengths:
        pieces.append(body[start : start + length])
        start += length
    return [*pieces, body[start:]]
