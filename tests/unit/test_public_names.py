"""The names that users import: each is where type checkers see it, and takes no more than its own module."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import zen_native as zen


def declared() -> dict[str, str]:
    """The module of every name, as type checkers see it."""
    tree = ast.parse(Path(zen.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name.name: str(node.module) for node in imports for name in node.names}


HOMES = sorted(set(declared().values()))


def test_every_name_has_one_home() -> None:
    assert declared() == zen._HOME_OF
    assert sorted(declared()) == sorted(zen.__all__)
    assert list(zen.__all__) == sorted(zen.__all__)


def test_every_name_is_what_its_home_has() -> None:
    for name, home in declared().items():
        assert getattr(zen, name) is getattr(import_module(f"zen_native.{home}"), name)


@pytest.mark.parametrize("home", HOMES)
def test_a_home_can_be_the_first_to_be_imported(home: str) -> None:
    name = next(name for name, place in declared().items() if place == home)
    program = f"import sys, zen_native; zen_native.{name}; print('zen_native.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50)
    assert (done.stdout, done.stderr) == (f"{home == 'client'}\n", "")


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(AttributeError, match="module 'zen_native' has no attribute 'Clinet'"):
        zen.Clinet  # type: ignore[attr-defined] # noqa: B018 - that is the test
