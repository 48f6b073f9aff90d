"""Fixtures for every test."""

from __future__ import annotations

import importlib.util
import os

import pytest
from hypothesis import settings

# What hypothesis tries: the same few examples every time, or many new ones (HYPOTHESIS_PROFILE=slow).
settings.register_profile("fast", max_examples=150, deadline=None, derandomize=True, database=None)
settings.register_profile("slow", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(params=["python", "native"])
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime; the native one where the extension is built."""
    name: str = request.param
    _need(name)
    return name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be: the native transport goes with the native runtime alone."""
    left_out = [item for item in items if _is_impossible(getattr(getattr(item, "callspec", None), "params", {}))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _is_impossible(params: dict[str, object]) -> bool:
    return params.get("runtime") == "python" and str(params.get("kind", "")).startswith("native-")


SIDES = (("python", "httpx"), ("native", "httpx"), ("native", "native"))


@pytest.fixture(params=SIDES, ids="-".join)
def side(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each runtime over each transport that it can have; what is native where the extension is built."""
    both: tuple[str, str] = request.param
    _need(*both)
    return both


WAYS = (
    ("sync", "httpx"),
    ("sync", "native"),
    ("asyncio", "httpx"),
    ("asyncio", "native"),
    *([("uvloop", "native")] if importlib.util.find_spec("uvloop") else []),  # not on Windows
    ("trio", "httpx"),
)


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each kind of client over each transport that it can have; the native one where the extension is built."""
    both: tuple[str, str] = request.param
    _need(*both)
    return both


@pytest.fixture(params=["httpx", "native"])
def transport(request: pytest.FixtureRequest) -> str:
    """Each transport; the native one where the extension is built."""
    name: str = request.param
    _need(name)
    return name


def _need(*names: str) -> None:
    if "native" in names and importlib.util.find_spec("zen_native._core") is None:
        pytest.skip("the native side is not built: zen_native._core is missing")
