"""What was read of an environment, and whether it still stands there: asked for every request.

Owns that asking takes next to no time. `os.environ` takes a microsecond to find that a variable is not set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Readings"]


class Readings:
    """Variables and the values that they had, None where they were not set. It has no repr of its own: a value may be
    a key."""

    __slots__ = ("_environ", "_get", "_values", "read")

    def __init__(self, environ: Mapping[str, str], read: Mapping[str, str | None]) -> None:
        self.read = read
        self._environ = environ
        # `os.environ` is a view of a plain dict, in the words of the system. Where that is not to be had, or it is
        # another mapping, the mapping is asked.
        known: Any = environ
        data: object = getattr(environ, "_data", None)
        if isinstance(data, dict):
            self._get: Any = data.get  # pyright: ignore[reportUnknownMemberType]
            self._values: tuple[tuple[object, object], ...] = tuple(
                (known.encodekey(name), None if value is None else known.encodevalue(value))
                for name, value in read.items()
            )
        else:
            self._get = environ.get
            self._values = tuple(read.items())

    def hold(self, environ: Mapping[str, str]) -> bool:
        """Whether reading that environment would give the same."""
        if environ is not self._environ:
            return False
        get = self._get
        for name, value in self._values:
            if get(name) != value:
                break
        else:
            return True
        return False
