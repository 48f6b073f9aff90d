"""The Python runtime imports downwards only: the order is the list in the header of `runtimes/pure`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import zen_native.runtimes.pure as pure

_PACKAGE = "zen_native.runtimes.pure"
_FOLDER = Path(pure.__file__).parent
_MODEL = {"zen_native.errors", "zen_native.events", "zen_native.usage"}
_FILES = sorted(
    path.relative_to(_FOLDER) for path in _FOLDER.rglob("*.py") if path.parent != _FOLDER or path.stem != "__init__"
)


def layers() -> dict[str, int]:
    """The place in the order of every name in the header."""
    rows = re.findall(r"^    (\S.*?)  +\S", pure.__doc__ or "", re.MULTILINE)
    return {name: place for place, name in enumerate(name for row in rows for name in row.split(", "))}


def layer_of(module: str) -> str:
    """The name under which the header has a module of the package."""
    return "protocol/*" if module.startswith("protocol.") else module


def imported(path: Path) -> set[str]:
    """Modules of the project that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((_FOLDER / path).read_text("utf-8"))):
        assert not isinstance(node, ast.ImportFrom) or node.level == 0, "a relative import"
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            found.update(f"{_PACKAGE}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name.startswith("zen_native")}


def test_the_header_names_every_file() -> None:
    modules = {path.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for path in _FILES}
    assert layers().keys() == {layer_of(module) for module in modules}


@pytest.mark.parametrize("path", _FILES, ids=Path.as_posix)
def test_imports_point_downwards(path: Path) -> None:
    order = layers()
    mine = layer_of(path.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"))
    for name in imported(path):
        if name in _MODEL:
            continue
        assert name.startswith(f"{_PACKAGE}."), f"{name} is neither the model nor of this runtime"
        other = layer_of(name.removeprefix(f"{_PACKAGE}."))
        beside = mine == other == "protocol/*"  # files of one protocol
        assert beside or order[other] < order[mine], f"{mine} imports {other}"
