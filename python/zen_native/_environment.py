"""What was read of an environment, and whether it still stands there: asked for every request.

Owns that asking takes next to no time. `os.environ` takes a microsecond to find that a variable is not set.
"""

from __future__ import annotations

import os
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
        # `os.environ` is a view of a plain dict, in the words of the system. Where that is not to be had, and of any
        # other mapping, whatever it is made of, the mapping is asked.
        known: Any = os.environ
        data: object = getattr(known, "_data", None)
        if environ is os.environ and isinstance(data, dict) and hasattr(known, "encodekey"):
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
        for name, value in self._values:  # noqa: SIM110 - a generator takes two thirds longer
            if get(name) != value:
                return False
        return True
