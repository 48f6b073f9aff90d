"""Function calls of Google's answers, whole and streamed, and the tools that Google runs.

Owns which part belongs to which call, and the JSON text that streamed pieces of arguments add up to. Ids, the parse
of the arguments and what becomes of a cut call are `tools`' business.

Sources: https://ai.google.dev/api/caching#FunctionCall, https://ai.google.dev/api/caching#ExecutableCode,
https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#PartialArg

Decisions where the contract is silent:
- Pieces of arguments are given out as the JSON text they make, in the order they come. Pieces that go back to a value
  that is already written make a text that is no JSON, which ends as a tool input error.
- The name of the code execution tool, which has none on the wire, is `code_execution`; other tools that Google runs
  go by their `toolType`.
Twin of `rust/core/src/protocol/google_tools.rs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zen_native.runtimes.pure.json import MAX_DEPTH, Value, as_list, as_text, dump
from zen_native.runtimes.pure.tools import Tools

if TYPE_CHECKING:
    from zen_native.runtimes.pure.lifecycle import Lifecycle, Meta

__all__ = ["GoogleTools"]

_CODE = "code_execution"
_SIGNATURE = "thoughtSignature"
_MAX_PATH = 4096
"""Longest JSON path that is read, in characters."""
_FAILED = ("OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED")


class GoogleTools:
    """The calls of one answer. At most one call of a candidate is being streamed at a time."""

    __slots__ = ("_hosted", "_last", "_streams", "_tools")

    def __init__(self) -> None:
        self._tools = Tools()
        self._streams: dict[int, _Stream] = {}
        self._hosted: dict[str, int] = {}
        self._last: int | None = None

    @property
    def any(self) -> bool:
        """Whether a call was seen that the caller must run itself."""
        return self._tools.any

    def on_function_call(self, index: int, call: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """A whole call, the start of a streamed one, more of it, or its end: an object without a name."""
        name, args, pieces = as_text(call.get("name")), call.get("args"), as_list(call.get("partialArgs"))
        more, whole = call.get("willContinue") is True, args is not None and args != {}
        if name or whole:
            self._finish(index, life)
            slot = self._tools.open(as_text(call.get("id")), name, life, metadata=metadata)
            if whole or not (more or pieces):
                self._whole(slot, args, life)
                return
            self._tools.start(slot, life)
            self._streams[index] = _Stream(slot, signed=_SIGNATURE in (metadata or {}))
            metadata = None
        stream = self._streams.get(index)
        if stream is None:
            if call:
                life.warn("pieces of a tool call without its start were ignored")
            return
        if metadata and _SIGNATURE in metadata:
            self._sign(stream, metadata, life)
        piece: Value
        for piece in pieces:
            if isinstance(piece, dict):
                self._tools.delta(stream.slot, stream.arguments.piece(piece), life)
        if not more:
            self._finish(index, life)

    def _sign(self, stream: _Stream, metadata: Meta, life: Lifecycle) -> None:
        """A signature that came after the start of its call."""
        if stream.signed:
            life.warn("a second signature of a tool call was ignored")
        else:
            stream.signed = True
            self._tools.annotate(stream.slot, metadata)

    def _whole(self, slot: int, args: Any, life: Lifecycle) -> None:
        """Arguments as a value, or as the text of one."""
        if isinstance(args, str):
            self._tools.delta(slot, args, life)
            self._tools.close(slot, life)
            return
        if args is not None:
            self._tools.delta(slot, dump(args), life)
        self._tools.close_value(slot, {} if args is None else args, life)

    def _finish(self, index: int, life: Lifecycle) -> None:
        """Completes the call that is being streamed."""
        stream = self._streams.pop(index, None)
        if stream is not None:
            self._tools.delta(stream.slot, stream.arguments.finish(), life)
            self._tools.close(stream.slot, life)

    def on_executable_code(self, code: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """Code that Google runs."""
        value = {name: item for name, item in code.items() if name != "id"}
        self._hosted_call(as_text(code.get("id")), _CODE, value, metadata, life)

    def on_code_execution_result(self, result: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """What the code printed."""
        value = {name: item for name, item in result.items() if name != "id"}
        failed = as_text(result.get("outcome")) in _FAILED
        self._hosted_result(as_text(result.get("id")), _CODE, value, failed, metadata, life)

    def on_tool_call(self, call: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """Another tool that Google runs."""
        args = call.get("args")
        name = as_text(call.get("toolType")) or ""
        self._hosted_call(as_text(call.get("id")), name, {} if args is None else args, metadata, life)

    def on_tool_response(self, response: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """Its result, which Google may keep to itself."""
        name, value = as_text(response.get("toolType")) or "", response.get("response")
        self._hosted_result(as_text(response.get("id")), name, value, False, metadata, life)

    def on_function_response(self, response: dict[str, Any], metadata: Meta | None, life: Lifecycle) -> None:
        """The result of a function that the provider ran."""
        name, value = as_text(response.get("name")) or "", response.get("response")
        self._hosted_result(as_text(response.get("id")), name, value, False, metadata, life)

    def _hosted_call(self, call_id: str | None, name: str, value: Any, metadata: Meta | None, life: Lifecycle) -> None:
        slot = self._tools.open(call_id, name, life, provider_executed=True, metadata=metadata)
        self._tools.delta(slot, dump(value), life)
        self._tools.close_value(slot, value, life)
        self._last = slot
        if call_id:
            self._hosted[call_id] = slot

    def _hosted_result(
        self, call_id: str | None, name: str, value: Any, failed: bool, metadata: Meta | None, life: Lifecycle
    ) -> None:
        """A result goes to the call of its id; without an id to the last call that Google ran."""
        slot = self._hosted.get(call_id) if call_id else self._last
        if slot is not None:
            call_id, name = self._tools.identity(slot)
        else:
            life.warn("a tool result without its call")
        life.tool_result(call_id or life.new_id("call"), name, value, is_error=failed, metadata=metadata)

    def end(self, life: Lifecycle, *, cut: bool) -> None:
        """The answer ended; a streamed call without an end of its own is complete unless the answer was cut."""
        if cut:
            self._tools.cut_all(life)
        else:
            for index in sorted(self._streams, key=lambda index: self._streams[index].slot):
                self._finish(index, life)


class _Stream:
    __slots__ = ("arguments", "signed", "slot")

    def __init__(self, slot: int, *, signed: bool) -> None:
        self.slot = slot
        self.signed = signed
        self.arguments = PartialArguments()


Path = list[str | int]


class PartialArguments:
    """Writes the JSON text of arguments whose scalar values come piece by piece, each with its JSON path.

    Names within an open object are kept so that none is written twice; nothing else is held.
    """

    __slots__ = ("_broken", "_names", "_open", "_path")

    def __init__(self) -> None:
        self._path: Path = []
        self._names: list[set[str]] = []
        self._open = False
        self._broken = False

    def piece(self, piece: dict[str, Any]) -> str:
        """The text that a piece adds."""
        path = _parse_path(as_text(piece.get("jsonPath")) or "")
        if self._broken or path is None:
            return self._break()
        more = piece.get("willContinue") is True
        string = as_text(piece.get("stringValue"))
        if self._open and path == self._path and (string is not None or not _scalar(piece)):
            self._open = more
            return dump(string or "")[1:-1] + ("" if more else '"')
        scalar = _scalar(piece) if string is None else dump(string)
        if not scalar:
            return ""
        moved = self._move(path)
        if moved is None:
            return self._break()
        self._open = more and string is not None
        return moved + (scalar[:-1] if self._open else scalar)

    def finish(self) -> str:
        """The text that closes what is open."""
        return "" if self._broken else self._close(0)

    def _break(self) -> str:
        """From here on the text is no JSON, and stays none: it is not empty and will not be closed."""
        first = not self._broken and not self._path
        self._broken = True
        return "{" if first else ""

    def _move(self, path: Path) -> str | None:
        """The text between the last value and the one at `path`; None where that place cannot be written any more."""
        old, common = self._path, 0
        for before, after in zip(old, path, strict=False):
            if before != after:
                break
            common += 1
        if common >= len(path) or (old and common >= len(old)) or (not old and not isinstance(path[0], str)):
            return None
        text = self._close(common + 1) if old else ""
        for depth in range(common, len(path)):
            step = path[depth]
            first = depth > common or not old
            if first:
                text += "{" if isinstance(step, str) else "["
                self._names.append(set())
            elif type(step) is not type(old[depth]):
                return None
            before_index = -1 if first else old[depth]
            label = self._label(step, before_index, depth)
            if label is None:
                return None
            text += label if first else "," + label
        self._path = path
        return text

    def _label(self, step: str | int, before: str | int, depth: int) -> str | None:
        """The name of a new member, nothing for the next element; None for a name again or an element out of turn."""
        if isinstance(step, int):
            return "" if isinstance(before, int) and step == before + 1 else None
        names = self._names[depth]
        if step in names:
            return None
        names.add(step)
        return dump(step) + ":"

    def _close(self, depth: int) -> str:
        """Closes the string and every container from `depth` inwards."""
        text = '"' if self._open else ""
        self._open = False
        for step in reversed(self._path[depth:]):
            text += "}" if isinstance(step, str) else "]"
        del self._names[depth:]
        return text


def _scalar(piece: dict[str, Any]) -> str:
    """The JSON text of a value that comes whole; nothing where there is none."""
    number, truth = piece.get("numberValue"), piece.get("boolValue")
    if isinstance(truth, bool):
        return "true" if truth else "false"
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return dump(number)
    return "null" if "nullValue" in piece else ""


def _parse_path(text: str) -> Path | None:
    """The steps of a JSON path: `.name`, `['name']`, `[0]`; None for anything else."""
    path: Path = []
    rest = text[1:] if text.startswith("$") and len(text) <= _MAX_PATH else "?"
    while rest:
        if len(path) == MAX_DEPTH:
            return None
        if rest.startswith("."):
            length = next((at for at, char in enumerate(rest) if at and char in ".["), len(rest))
            step: str | int = rest[1:length]
            rest = rest[length:]
        elif rest[:2] in ("['", '["'):
            step, rest = _quoted(rest[2:], rest[1])
        else:
            digits, bracket, rest = rest[1:].partition("]") if rest.startswith("[") else ("", "", "")
            if not (bracket and digits.isascii() and digits.isdigit() and len(digits) < 10):
                return None
            step = int(digits)
        if step == "":
            return None
        path.append(step)
    return path or None


def _quoted(text: str, quote: str) -> tuple[str, str]:
    """A name up to its closing quote and bracket, and the text behind; a backslash takes the next character as is."""
    name, chars = "", enumerate(text)
    for at, char in chars:
        if char == quote:
            return (name, text[at + 2 :]) if text.startswith("]", at + 1) else ("", "")
        if char == "\\":
            char = next(chars, (0, ""))[1]
        name += char
    return "", ""
