"""How a body begins: the byte order mark, white space, and whether it is a stream or one document.

Shared by the text framings. Owns no framing. The body decides, not its content type: a body whose first byte that
is neither mark nor white space is `{`, `[` or `<` is JSON or HTML.
Twin of `rust/core/src/lead.rs`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BLANK", "DOCUMENT", "Head", "Mark"]

_MARK: Final = b"\xef\xbb\xbf"
_SHOWN_BYTES: Final = 200
"""Length of the body's head shown in errors."""

BLANK: Final = b" \t\r\n"
"""JSON's white space; the rest of ASCII's is text."""

DOCUMENT: Final = frozenset(b"{[<")
"""A body that begins with one of these is JSON or markup rather than lines or binary frames."""


class Mark:
    """Drops one byte order mark at offset 0, which may be cut anywhere."""

    __slots__ = ("_held", "over")

    def __init__(self) -> None:
        self._held = b""
        self.over = False
        """Whether there can be none any more: bytes need not go through `strip`."""

    def strip(self, data: bytes) -> bytes:
        """The bytes to read: `data` without the mark, behind bytes of a mark that turned out to be none."""
        if self.over:
            return data
        if len(data) < len(_MARK) or self._held:
            data = self._held + data
        if len(data) < len(_MARK) and _MARK.startswith(data):
            self._held = data
            return b""
        self.over = True
        self._held = b""
        return data.removeprefix(_MARK)

    def finish(self) -> bytes:
        """The bytes of a mark that the end of the body cut off."""
        self.over = True
        held, self._held = self._held, b""
        return held


class Head:
    """The first bytes of the body, kept to show them in an error."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def note(self, data: bytes) -> None:
        """Notes bytes of the body until there are enough."""
        if len(self._data) < _SHOWN_BYTES:
            self._data += data[: _SHOWN_BYTES - len(self._data)]

    def is_full(self) -> bool:
        """Whether more bytes would not show."""
        return len(self._data) == _SHOWN_BYTES

    def text(self) -> str:
        """The noted bytes as text."""
        return self._data.decode("utf-8", "replace")
