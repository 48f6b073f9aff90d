"""Credentials that take long to be had, as some of AWS do. Nothing real is looked up."""

from __future__ import annotations

import threading

import pytest

from zen_native._prepare import Prepared
from zen_native.transport.base import HttpRequest

__all__ = ["Lookup"]


class Lookup:
    """One in a thread, which lasts until `found` is set."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.found = threading.Event()

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on every request needs one."""
        authorized = Prepared.authorized

        def looked_up(prepared: Prepared) -> HttpRequest:
            self.asked.set()
            assert self.found.wait(5)
            return authorized(prepared)

        monkeypatch.setattr("zen_native._attempt.blocks", lambda route: True)
        monkeypatch.setattr(Prepared, "authorized", looked_up)
