"""Whether what was read of an environment still stands there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from zen_native._environment import Readings

NAMES = ("ZEN_TEST_ONE", "ZEN_TEST_TWO")


def read(environ: Mapping[str, str]) -> Readings:
    return Readings(environ, {name: environ.get(name) for name in NAMES})


class Other(Mapping[str, str]):
    """A mapping that is no dict."""

    def __init__(self, inner: Mapping[str, str]) -> None:
        self.inner = inner

    def __getitem__(self, name: str) -> str:
        return self.inner[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.inner)

    def __len__(self) -> int:
        return len(self.inner)


def test_the_environment_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMES[0], "value \u00e9 \udce9")
    monkeypatch.delenv(NAMES[1], raising=False)
    readings = read(os.environ)
    assert readings.hold(os.environ)
    monkeypatch.setenv(NAMES[1], "")
    assert not readings.hold(os.environ)
    monkeypatch.delenv(NAMES[1])
    assert readings.hold(os.environ)
    monkeypatch.setenv(NAMES[0], "other")
    assert not readings.hold(os.environ)
    monkeypatch.delenv(NAMES[0])
    assert not readings.hold(os.environ)
    monkeypatch.setenv("ZEN_TEST_THREE", "is nobody's business")
    monkeypatch.setenv(NAMES[0], "value \u00e9 \udce9")
    assert readings.hold(os.environ)


class Alike(Other):
    """One whose attribute has the name of one that `os.environ` has."""

    def __init__(self, inner: Mapping[str, str]) -> None:
        super().__init__(inner)
        self._data = {name.lower(): value for name, value in inner.items()}


@pytest.mark.parametrize("kind", [lambda inner: inner, MappingProxyType, Other, Alike])
def test_a_mapping_in_its_place(kind: type[Other]) -> None:
    inner = {NAMES[0]: "one"}
    environ = kind(inner)
    readings = read(environ)
    assert readings.hold(environ)
    inner[NAMES[1]] = "two"
    assert not readings.hold(environ)
    del inner[NAMES[1]]
    assert readings.hold(environ)
    inner[NAMES[0]] = "two"
    assert not readings.hold(environ)


def test_another_environment_is_read_anew() -> None:
    environ = {NAMES[0]: "one"}
    assert not read(environ).hold(dict(environ))


def test_no_value_is_in_its_repr() -> None:
    assert "sentinel" not in repr(Readings({}, {NAMES[0]: "sentinel"}))
