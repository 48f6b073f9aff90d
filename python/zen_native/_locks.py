"""Locks of one process: `Locks`.

Owns that a forked child waits for no thread that it has no copy of. Python copies a lock that such a thread holds as
one that is held for good; and what it guards as it is, maybe in the middle of a change.
"""

from __future__ import annotations

import os
from threading import Lock

__all__ = ["Locks"]


class Locks(dict[int, Lock]):
    """A lock for each process, by its number; a child's may be that of an ancestor only once that one is gone."""

    __slots__ = ()

    def own(self) -> Lock:
        """That of this process. Made in one step, whatever other threads do."""
        return self.setdefault(os.getpid(), Lock())
