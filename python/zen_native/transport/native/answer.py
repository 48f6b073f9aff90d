"""What the exchanges of both kinds have in common: `Answer`, and what the end of an answer means.

Owns the errors of an answer, which are those of every other transport. Reads nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zen_native.errors import ReadError, TlsError
from zen_native.transport.base import BodyCutError
from zen_native.transport.failures import is_refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Protocol

    from zen_native._core import Wire
    from zen_native.events import LLMEvent

    class Carrier(Protocol):
        """A connection, of which this is asked when it has ended."""

        used: bool
        """Whether it has carried a request before."""
        failure: BaseException | None
        """What ended it."""

        @property
        def taken(self) -> bool | None:
            """Whether the server has taken anything of the last request. None: it cannot be known."""
            ...


__all__ = ["MAX_HEAD", "Answer", "StaleError"]

MAX_HEAD = 128 << 10
"""So many bytes of a head are read."""
_STALE_SECONDS = 1.0
"""Where the system does not say what the server has taken: a kept connection that it had let go of says so within a
round trip. One that dies later may have been at work on the request."""


class StaleError(Exception):
    """The connection was kept, and had been let go of by the server: nothing of the request was accepted."""


class Answer:
    """The answer on a wire. `status` and `headers` are there when it has a head."""

    __slots__ = ("_fields", "_wire", "decodes", "headers", "status")

    def __init__(self, wire: Wire) -> None:
        self.status = 0
        self._fields: dict[str, str] = {}
        self.headers: Mapping[str, str] = self._fields
        self.decodes = False
        self._wire = wire

    def _note_head(self, connection: Carrier, seconds: float) -> None:
        """The waiting for the head is over, so many seconds after the request was sent.

        Raises:
            TransportError: there is no answer.
            StaleError: and nothing was accepted.
        """
        wire = self._wire
        if wire.head is not None:
            self.status, self._fields = wire.head
            self.headers = self._fields
            self.decodes = wire.decodes
            return
        if connection.used and not wire.received:
            taken = connection.taken
            if seconds < _STALE_SECONDS if taken is None else not taken:
                raise StaleError
        failure = connection.failure
        if is_refusal(failure):
            raise TlsError(f"{type(failure).__name__}: {failure}")
        raise ReadError(wire.error or "the server hung up without an answer")

    def steady(self, kept: list[LLMEvent | str], most: int) -> Iterator[list[LLMEvent]]:  # noqa: ARG002 - an interface
        """See `LiveExchange`: here every read is waited for."""
        return iter(())

    def keep_headers(self, names: Collection[str]) -> None:
        """See `LiveExchange`."""
        fields = self._fields
        kept = {name: fields[name] for name in names if name in fields}
        fields.clear()  # in place: the wire holds them, too
        fields.update(kept)

    def check_end(self) -> None:
        """Raises what the end of the body means where it was no good one: `BodyCutError` or `ReadError`."""
        kind = self._wire.kind
        if kind == "lost":
            raise ReadError(self._wire.error or "the connection was lost")
        if kind is not None:
            raise BodyCutError(self._wire.error)
