"""A value that never shows itself.

Owns the wrapper of keys and tokens: nothing but `reveal()` gives the text away, no repr, format, pickle or traceback.
"""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret", "as_secret"]


class Secret:
    """A key or token. It refuses to be pickled: what is pickled gets logged, cached and sent to other machines."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text or not text.isascii() or not text.isprintable() or text != text.strip():
            # Said without the value: this message stands in tracebacks.
            raise ValueError("a key must be printable ASCII that is not empty, without spaces around it")
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled; configure the key where it is used")


def as_secret(value: str | Secret | None) -> Secret | None:
    """The value wrapped; an empty text is no key."""
    return Secret(value) if isinstance(value, str) and value else value or None
