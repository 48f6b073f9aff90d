"""Tool calls: the only place that assembles arguments and settles a call.

Owns call ids (unique in a step, synthetic where the provider gave none), waiting for an id or a name that comes
late, the parse of the final arguments, and what becomes of a call that was cut. Which wire chunk belongs to which
call is the protocol's business: it keeps the slot that `open` returned. Twin of `rust/core/src/tools.rs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zen_native.events import ToolCall, ToolInputDelta, ToolInputEnd, ToolInputError, ToolInputStart
from zen_native.runtimes.pure.json import JsonError, is_object, parse, scrub
from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta, join_halves

__all__ = ["CUT", "NAMELESS", "NOT_JSON", "Tools"]

NOT_JSON = "the arguments are not valid JSON"
CUT = "the answer was cut before the arguments were complete"
NAMELESS = "the call has no name"
_LAST = 1 << 62
"""Behind every opening: where a call stands whose input has not started."""
_SPACE = " \t\r\n"


class _Call:
    __slots__ = (
        "freeform",
        "half",
        "id",
        "metadata",
        "name",
        "opened",
        "parts",
        "provider_executed",
        "settled",
        "started",
    )

    def __init__(self, call_id: str, name: str, *, freeform: bool, provider_executed: bool) -> None:
        self.id = call_id
        self.name = name
        self.freeform = freeform
        self.provider_executed = provider_executed
        self.parts: list[str] = []
        self.half = ""
        self.opened = _LAST
        self.metadata: Meta | None = None
        self.started = False
        self.settled = False


class Tools:
    """The calls of one step, addressed by the slot (0, 1, 2 ...) that `open` returned."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._ids: set[str] = set()

    @property
    def any(self) -> bool:
        """Whether a call was seen that the caller must run itself."""
        return any(not call.provider_executed for call in self._calls)

    def open(
        self,
        call_id: str | None,
        name: str | None,
        life: Lifecycle,
        *,
        freeform: bool = False,
        provider_executed: bool = False,
        metadata: Meta | None = None,
    ) -> int:
        """A new call. `tool-input-start` waits until id and name are known; empty ones count as unknown.

        `freeform`: the input is text, not JSON. Returns the slot.
        """
        call = _Call(call_id or "", name or "", freeform=freeform, provider_executed=provider_executed)
        call.metadata = metadata
        self._calls.append(call)
        if call.id and call.name:
            self._start(call, life)
        return len(self._calls) - 1

    def identify(self, slot: int, call_id: str | None, name: str | None, life: Lifecycle) -> None:
        """An id or a name that came late; what is known already stays."""
        call = self._calls[slot]
        if call.started or call.settled:
            return
        call.id = call.id or call_id or ""
        call.name = call.name or name or ""
        if call.id and call.name:
            self._start(call, life)

    def start(self, slot: int, life: Lifecycle) -> None:
        """No id or name will come: the input starts with what is known."""
        call = self._calls[slot]
        if not call.started and not call.settled:
            self._start(call, life)

    def identity(self, slot: int) -> tuple[str, str]:
        """Id and name as they were given out, for the result of a tool that the provider ran."""
        call = self._calls[slot]
        return call.id, call.name

    def annotate(self, slot: int, metadata: Meta) -> None:
        """Metadata for the call, merged over what came before."""
        call = self._calls[slot]
        call.metadata = {**(call.metadata or {}), **metadata}

    def delta(self, slot: int, text: str, life: Lifecycle) -> None:
        """More of the argument text, as it came; nothing after the call was settled."""
        call = self._calls[slot]
        if not text or call.settled:
            return
        text, call.half = join_halves(call.half, text)
        self._append(call, text, life)

    def text(self, slot: int) -> str:
        """The argument text so far."""
        return "".join(self._calls[slot].parts)

    def is_settled(self, slot: int) -> bool:
        """Whether the call is over."""
        return self._calls[slot].settled

    def is_blank(self, slot: int) -> bool:
        """Whether no argument text came yet but white space."""
        return not self.text(slot).strip(_SPACE)

    def reconcile(self, slot: int, final: str, life: Lifecycle) -> None:
        """The provider's final argument text: extends what was streamed, or replaces it where it differs."""
        call = self._calls[slot]
        if call.settled:
            return
        whole, half = join_halves("", final)
        whole += "\ufffd" if half else ""
        call.half = ""
        so_far = "".join(call.parts)
        if whole.startswith(so_far):
            self._append(call, whole[len(so_far) :], life)
        else:
            call.parts = [whole] if whole else []

    def close(self, slot: int, life: Lifecycle) -> None:
        """The provider completed the call: its end, then the call, or an input error: no JSON, or no name at all."""
        call = self._calls[slot]
        if call.settled:
            return
        raw = self._end(call, life)
        if not call.name:
            life.emit(ToolInputError(call.id, "", raw, NAMELESS))
            return
        metadata = life.meta(call.metadata)
        if call.freeform:
            value: Any = raw
        else:
            try:
                value = scrub(parse(raw)) if raw.strip(_SPACE) else {}
            except JsonError:
                life.emit(ToolInputError(call.id, call.name, raw, NOT_JSON))
                return
        life.emit(ToolCall(call.id, call.name, value, call.provider_executed, metadata))

    def close_whole(self, slot: int, life: Lifecycle, *, blank: bool = False) -> bool:
        """Ends a call whose arguments are a whole object, for nothing can be added to one; with `blank` one without
        arguments too. Its text stays, for what may be said again. Gives whether the call is over."""
        call = self._calls[slot]
        if call.settled:
            return True
        raw = "".join(call.parts)
        if call.half or call.freeform or not call.name or not (blank or raw.strip(_SPACE)):
            return False
        try:
            value: Any = parse(raw) if raw.strip(_SPACE) else {}
        except JsonError:
            return False
        if is_object(value):
            life.close_before(call.opened)
            self.close_value(slot, value, life)
            call.parts = [raw]
        return call.settled

    def close_value(self, slot: int, value: Any, life: Lifecycle) -> None:
        """The provider gave the input as a JSON value, whose text was passed to `delta` or not at all."""
        call = self._calls[slot]
        if call.settled:
            return
        self._end(call, life)
        life.emit(ToolCall(call.id, call.name, scrub(value), call.provider_executed, life.meta(call.metadata)))

    def cut(self, slot: int, life: Lifecycle) -> None:
        """The answer was cut within the call: it ends with an input error."""
        call = self._calls[slot]
        if not call.settled:
            raw = self._end(call, life)
            life.emit(ToolInputError(call.id, call.name, raw, CUT))

    def cut_all(self, life: Lifecycle) -> None:
        """The answer was cut: every call that is still open ends with an input error."""
        self.settle(lambda _: True, life)

    def settle(self, is_cut: Callable[[int], bool], life: Lifecycle) -> None:
        """Ends every call that is still open, and text or reasoning before it, in order of opening.

        Those that the end of the answer cut end with an input error.
        """
        unsettled = (slot for slot, call in enumerate(self._calls) if not call.settled)
        for slot in sorted(unsettled, key=lambda slot: self._calls[slot].opened):
            life.close_before(self._calls[slot].opened)
            if is_cut(slot):
                self.cut(slot, life)
            else:
                self.close(slot, life)

    def settle_whole(self, slots: Iterable[int], life: Lifecycle, *, blank: bool) -> None:
        """`close_whole` for these in order of opening, up to the first that may go on."""
        for slot in sorted(slots, key=lambda slot: self._calls[slot].opened):
            if not self.close_whole(slot, life, blank=blank):
                break

    def _append(self, call: _Call, text: str, life: Lifecycle) -> None:
        if text:
            call.parts.append(text)
            if call.started:
                life.emit(ToolInputDelta(call.id, text))

    def _start(self, call: _Call, life: Lifecycle) -> None:
        if not call.id or call.id in self._ids:
            note: Meta = {"synthetic_id": True}
            if call.id:
                note["original_id"] = call.id
            call.metadata = {**note, **(call.metadata or {})}
            call.id = self._fresh_id(life)
        self._ids.add(call.id)
        call.started = True
        call.opened = life.opening()
        life.emit(ToolInputStart(call.id, call.name, call.provider_executed))
        if call.parts:
            text = "".join(call.parts)
            call.parts = [text]
            life.emit(ToolInputDelta(call.id, text))

    def _fresh_id(self, life: Lifecycle) -> str:
        while True:
            call_id = life.new_id("call")
            if call_id not in self._ids:
                return call_id

    def _end(self, call: _Call, life: Lifecycle) -> str:
        """Ends the input and gives its text; the buffer is let go."""
        if not call.started:
            self._start(call, life)
        if call.half:
            call.half = ""
            self._append(call, "\ufffd", life)
        call.settled = True
        life.emit(ToolInputEnd(call.id))
        raw = "".join(call.parts)
        call.parts = []
        return raw
