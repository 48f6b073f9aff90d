"""The record of the gate's decisions: a counter for each client, and one record of the log for each decision.

Owns what is written of a decision, and that no secret is. Decides nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ._locks import Locks

if TYPE_CHECKING:
    from .gate import Decision, Reason, TransportName
    from .route import Route
    from .runtimes import RuntimeName

__all__ = ["Decisions", "log"]

_LOGGER = logging.getLogger("zen_native.gate")


class Decisions:
    """How often each decision was made. Usable from several threads."""

    __slots__ = ("_counts", "_locks")

    def __init__(self) -> None:
        self._counts: dict[tuple[RuntimeName, TransportName, Reason], int] = {}
        self._locks = Locks()

    def add(self, decision: Decision) -> None:
        """Count one."""
        runtime = decision.runtime
        reason = decision.transport_reason if runtime == "native" else decision.reason
        key = (runtime, decision.transport, reason)
        with self._locks.own():
            self._counts[key] = self._counts.get(key, 0) + 1

    def counts(self) -> dict[tuple[RuntimeName, TransportName, Reason], int]:
        """Runtime, transport and reason, and how often; the reason is the runtime's or, where that is native, the
        transport's."""
        with self._locks.own():
            return dict(self._counts)

    @property
    def total(self) -> int:
        """How many there were."""
        with self._locks.own():
            return sum(self._counts.values())

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{runtime}/{transport} {reason.slug}: {count}"
            for (runtime, transport, reason), count in self.counts().items()
        )
        return f"<Decisions {shown or 'none'}>"


def log(decision: Decision, route: Route) -> None:
    """Write one down."""
    if not _LOGGER.isEnabledFor(logging.INFO):
        return
    # Names and text only: a record may be pickled and sent elsewhere, and the route holds a key.
    _LOGGER.info(
        "runtime selected: %s, transport %s",
        decision.runtime,
        decision.transport,
        extra={
            "zen_runtime": decision.runtime,
            "zen_transport": decision.transport,
            "zen_reason": decision.reason.slug,
            "zen_detail": decision.detail,
            "zen_transport_reason": decision.transport_reason.slug,
            "zen_transport_detail": decision.transport_detail,
            "zen_provider": route.provider,
            "zen_model": route.model,
            "zen_protocol": route.protocol,
        },
    )
