"""The record of the gate's decisions: what is counted, and what the log says."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace
from threading import Thread

import pytest
from tests.kit.gating import ALL, CASSETTE, SENTINEL, ask, decided, route

from zen_native.gate import Decisions, Reason, select


def test_select_counts_and_logs_one_record(caplog: pytest.LogCaptureFixture) -> None:
    decisions = Decisions()
    with caplog.at_level(logging.INFO, logger="zen_native.gate"):
        select(ask(), route(), replace(ALL, flag="0"), decisions)
    (record,) = caplog.records
    assert record.getMessage() == "runtime selected: python, transport httpx"
    shown = {name: value for name, value in record.__dict__.items() if name.startswith("zen_")}
    assert shown == {
        "zen_runtime": "python",
        "zen_transport": "httpx",
        "zen_reason": "flag-off",
        "zen_detail": "ZEN_NATIVE=0",
        "zen_transport_reason": "runtime-is-python",
        "zen_transport_detail": "the Python runtime reads from Python",
        "zen_provider": "acme",
        "zen_model": "m-1",
        "zen_protocol": "openai-chat",
    }
    assert decisions.counts() == {("python", "httpx", Reason.FLAG_OFF): 1}


def test_record_can_be_pickled_and_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="zen_native.gate"):
        select(ask(), route(headers={"x-key": SENTINEL}), ALL, Decisions())
    (record,) = caplog.records
    assert SENTINEL.encode() not in pickle.dumps(record.__dict__)


def test_counts_are_by_runtime_transport_and_the_reason_that_matters() -> None:
    decisions = Decisions()
    for known in (ALL, ALL, replace(ALL, custom_transport=CASSETTE), replace(ALL, missing="gone")):
        select(ask(), route(), known, decisions)
    assert decisions.counts() == {
        ("native", "native", Reason.NATIVE): 2,
        ("native", "httpx", Reason.CUSTOM_TRANSPORT): 1,
        ("python", "httpx", Reason.EXTENSION_MISSING): 1,
    }
    assert decisions.total == 4
    assert repr(decisions) == (
        "<Decisions native/native native: 2, native/httpx custom-transport: 1, python/httpx extension-missing: 1>"
    )


def test_counts_are_a_copy() -> None:
    decisions = Decisions()
    decisions.counts()["native", "native", Reason.NATIVE] = 5
    assert decisions.total == 0
    assert repr(decisions) == "<Decisions none>"


def test_counts_are_right_from_several_threads() -> None:
    decisions, decision = Decisions(), decided()

    def add() -> None:
        for _ in range(2000):
            decisions.add(decision)

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decisions.total == 8000


def test_refused_demand_is_neither_counted_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    decisions = Decisions()
    with caplog.at_level(logging.INFO), pytest.raises(ImportError):
        select(ask(), route(), replace(ALL, missing="gone"), decisions, runtime="native")
    assert (decisions.total, caplog.records) == (0, [])
