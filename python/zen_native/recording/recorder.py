"""The recorder: one cassette, and whether it is being filled or played.

Owns modes, the order of interactions, and when a file is written. Usable from several threads. Who moves bytes is in
`transports`; they ask here for a recorded answer or for a tape to write on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from zen_native._locks import Locks

from .cassette import (
    MAX_BODY,
    MAX_INTERACTIONS,
    Cassette,
    CassetteError,
    Chunk,
    End,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from .files import load_cassette, save_cassette
from .matching import MATCHED_HEADERS, first_match, no_match
from .redaction import clean_answer, clean_answer_headers, clean_request, secrets_of
from .scan import environment_secrets

if TYPE_CHECKING:
    from types import TracebackType

    from zen_native.transport.base import Transport

    from .client import RecordedTransport
    from .transports import AsyncRecordingTransport, RecordingTransport

__all__ = ["Mode", "Recorder", "Tape"]

Mode = Literal["auto", "record", "replay", "off"]
"""`auto` plays a cassette that exists and else records one. With `CI=true` nothing is ever recorded."""

_MODES = frozenset({"auto", "record", "replay", "off"})
_TRUE = frozenset({"1", "true", "yes"})


class Recorder:
    """Records to a cassette, or plays one. A context manager: leaving it writes what was recorded."""

    def __init__(
        self,
        path: str | Path,
        mode: Mode = "auto",
        *,
        secrets: Iterable[str] = (),
        match_headers: Iterable[str] = MATCHED_HEADERS,
        timings: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`secrets` are taken out besides those that requests send; `timings` plays at the recorded pace.

        Raises:
            CassetteError: it should be played but cannot be read, or recorded where `CI` forbids it.
        """
        self.path = Path(path)
        self.timings = timings
        self._environ = os.environ if environ is None else environ
        self.mode: Literal["record", "replay", "off"] = self._chosen(mode)
        self._headers = tuple(match_headers)
        self._named = tuple(secrets)
        self._secrets: set[str] = set(self._named)
        self._tapes: list[Tape] = []
        self._locks = Locks()
        self.cassette = load_cassette(self.path) if self.mode == "replay" else Cassette()
        self._used = [False] * len(self.cassette.interactions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def transport(self, inner: Any = None) -> RecordingTransport:
        """A transport for an `httpx.Client`, which sends through `inner` (default: an `httpx.HTTPTransport`).

        That client closes both. A client of this package takes it too, but leaves it to the caller to close.
        """
        from .transports import RecordingTransport

        return RecordingTransport(self, inner)

    def async_transport(self, inner: Any = None) -> AsyncRecordingTransport:
        """The same for an `httpx.AsyncClient`."""
        from .transports import AsyncRecordingTransport

        return AsyncRecordingTransport(self, inner)

    def around(self, inner: Transport, *, is_async: bool) -> RecordedTransport:
        """A transport for `zen_native.Client` or `AsyncClient` which sends through another of their kind.

        The client closes both.
        """
        from .client import RecordedTransport

        return RecordedTransport(self, inner, is_async=is_async)

    @property
    def unused(self) -> tuple[Interaction, ...]:
        """What was recorded but not asked for."""
        with self._locks.own():
            pairs = zip(self.cassette.interactions, self._used, strict=True)
            return tuple(interaction for interaction, is_used in pairs if not is_used)

    def answer_to(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> RecordedResponse:
        """The recorded answer, which counts as used then.

        Raises:
            NoMatchError: there is none.
        """
        request = clean_request(method, url, headers, body, self._named)
        with self._locks.own():
            index = first_match(self.cassette, self._used, request, self._headers)
            if index is None:
                raise no_match(self.cassette, self._used, request, self._headers, self.path)
            self._used[index] = True
        return self.cassette.interactions[index].response

    def tape_for(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Tape:
        """A tape for the answer to come; the order of tapes is that of interactions."""
        request = clean_request(method, url, headers, body, self._named)
        tape = Tape(request)
        with self._locks.own():
            if len(self._tapes) >= MAX_INTERACTIONS:
                raise CassetteError(f"{self.path}: a cassette has at most {MAX_INTERACTIONS} interactions")
            self._secrets.update(secrets_of(headers, url))
            self._tapes.append(tape)
        return tape

    def recorded(self) -> Cassette:
        """What was recorded until now, without its secrets."""
        with self._locks.own():
            tapes, secrets = list(self._tapes), tuple(self._secrets)
        interactions = (tape.interaction(secrets) for tape in tapes)
        return Cassette(
            interactions=tuple(interaction for interaction in interactions if interaction is not None),
            recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def close(self) -> None:
        """Write what was recorded, if anything was. A recorder that plays has nothing to write.

        Raises:
            SecretFoundError: a secret is left in it; nothing is written.
            CassetteError: an answer is too large to be kept; nothing is written.
        """
        if self.mode != "record":
            return
        cassette = self.recorded()
        self.discard()
        if cassette.interactions:
            save_cassette(cassette, self.path, (*self._secrets, *environment_secrets(self._environ)))

    def discard(self) -> None:
        """Forget what was recorded."""
        with self._locks.own():
            self._tapes.clear()

    def _chosen(self, mode: Mode) -> Literal["record", "replay", "off"]:
        if mode not in _MODES:
            raise ValueError(f"mode must be one of {', '.join(sorted(_MODES))}, not {mode!r}")
        only_replay = self._environ.get("CI", "").strip().lower() in _TRUE
        if mode == "record" and only_replay:
            raise CassetteError(f"{self.path}: nothing is recorded where CI is set")
        if mode == "auto":
            return "replay" if only_replay or self.path.exists() else "record"
        return mode


class Tape:
    """What is noted of one answer while it is read."""

    def __init__(self, request: RecordedRequest) -> None:
        self._request = request
        self._then = time.monotonic_ns()
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._head_ms = 0
        self._pieces: list[bytes] = []
        self._times: list[int] = []
        self._size = 0
        self._end: End | None = None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer is there."""
        self._status, self._headers, self._head_ms = status, dict(headers), self._elapsed()

    def chunk(self, data: bytes) -> None:
        """Some of the body is there. Of a body that is too large nothing more is kept."""
        if not data or self._end is not None:
            return
        self._size += len(data)
        if self._size > MAX_BODY:
            self._pieces.clear()
            self._times.clear()
            return
        self._pieces.append(data)
        self._times.append(self._elapsed())

    def whole(self, data: bytes) -> None:
        """All of the body is there at once."""
        self.chunk(data)
        self.end("complete")

    def end(self, how: End) -> None:
        """The answer is over; what is said first counts."""
        if self._end is None:
            self._end = how

    def interaction(self, secrets: Iterable[str]) -> Interaction | None:
        """What was noted, without secrets; None where no answer came.

        Raises:
            CassetteError: the body was too large.
        """
        if self._status is None:
            return None
        if self._size > MAX_BODY:
            raise CassetteError(f"the answer to {self._request.url} has more than {MAX_BODY} bytes and cannot be kept")
        known = tuple(secrets)
        pieces, times = list(self._pieces), list(self._times)
        response = RecordedResponse(
            status=self._status,
            headers=clean_answer_headers(self._headers, known),
            body=clean_answer(b"".join(pieces), known),
            chunks=tuple(Chunk(len(piece), ms) for piece, ms in zip(pieces, times, strict=False)),
            head_ms=self._head_ms,
            end=self._end or "closed",
        )
        return Interaction(self._request, response)

    def _elapsed(self) -> int:
        now = time.monotonic_ns()
        elapsed, self._then = (now - self._then) // 1_000_000, now
        return elapsed
