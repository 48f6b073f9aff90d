"""One recording of the demo: how it is decoded, what came of it, and whether the runtimes agree.

Owns the comparison. Owns no IO.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import zip_longest

from zen_native._cli.exchange import Exchange, sniff_framing
from zen_native.decoder import Decoder
from zen_native.errors import LLMError
from zen_native.events import Finish, LLMEvent, to_dict
from zen_native.runtimes import RuntimeName

__all__ = ["Case", "Stream", "new_decoder"]


@dataclass(slots=True)
class Stream:
    """What one runtime made of one recording."""

    runtime: RuntimeName
    events: list[LLMEvent] = field(default_factory=list[LLMEvent])
    error: LLMError | None = None

    @property
    def finish(self) -> Finish | None:
        """The last event of an answer that did not fail."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Finish) else None

    def lines(self) -> list[str]:
        """Every event as a line of JSON, and the error: what two runtimes must agree on."""
        lines = [json.dumps(to_dict(event)) for event in self.events]
        return lines if self.error is None else [*lines, repr(self.error)]


@dataclass(frozen=True, slots=True)
class Case:
    """One recording, and what each runtime made of it."""

    recording: Exchange
    streams: list[Stream]

    @property
    def framing(self) -> str:
        """What the bytes look like; the protocol's default is not always what was asked for."""
        return sniff_framing(self.recording.body, self.recording.protocol or "")

    @property
    def parity(self) -> bool | None:
        """Whether the runtimes agree; None where there is one alone."""
        first, *others = [stream.lines() for stream in self.streams]
        return all(lines == first for lines in others) if others else None

    @property
    def good(self) -> bool:
        """Whether every stream came to its end, and no two differ."""
        return self.parity is not False and all(stream.error is None for stream in self.streams)

    def difference(self) -> str:
        """The first place where the runtimes differ; empty where they agree."""
        first, *others = self.streams
        for other in others:
            pairs = zip_longest(first.lines(), other.lines(), fillvalue="nothing")
            for at, (here, there) in enumerate(pairs):
                if here != there:
                    return f"event {at}: {first.runtime} {here}, {other.runtime} {there}"
        return ""


def new_decoder(recording: Exchange, runtime: RuntimeName) -> Decoder:
    """A decoder for the recording."""
    protocol = recording.protocol or ""
    framing = sniff_framing(recording.body, protocol)
    return Decoder(protocol, framing=framing, runtime=runtime, provider=recording.provider)
