"""The functions that `--tool` names: `module:function`, or `path/to/file.py:function`.

Owns where they are looked for, and that each of them can be a tool before anything is sent. What signature and
docstring tell a model is `_function_schema`'s.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from .problem import UsageError

__all__ = ["functions_of"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What every provider takes as the name of a tool."""


def functions_of(specs: Iterable[str]) -> list[Callable[..., Any]]:
    """The functions, in order.

    Raises:
        UsageError: one of them is not there, or is no tool.
    """
    files: dict[Path, ModuleType] = {}
    found: dict[str, tuple[str, Callable[..., Any]]] = {}
    for spec in specs:
        source, colon, name = spec.rpartition(":")
        if not (colon and source and name):
            raise UsageError(f"--tool {spec}: say module:function, or path/to/file.py:function")
        module = _file(spec, Path(source), files) if source.endswith(".py") else _module(spec, source)
        function = _function(spec, module, name)
        known = found.setdefault(_described(spec, function), (spec, function))
        if known[1] is not function:
            raise UsageError(f"--tool {spec}: {known[0]} has the same name; a model could not tell them apart")
    return [function for _, function in found.values()]


def _module(spec: str, name: str) -> ModuleType:
    """A module as Python finds it, or in the current directory. That comes last: what has the name of something that
    is installed does not take its place."""
    _search("")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"--tool {spec}: there is no module {error.name!r}, here or installed") from None
        raise _broken(spec, error) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the user's own code, and may raise anything
        raise _broken(spec, error) from None


def _file(spec: str, path: Path, files: dict[Path, ModuleType]) -> ModuleType:
    """A file as a module, once; what stands beside it can be imported by it."""
    try:
        path = path.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"--tool {spec}: {error.strerror or error}") from None
    if path not in files:
        _search(str(path.parent))
        files[path] = _executed(spec, path, f"zen_native_tool_{len(files)}")
    return files[path]


def _executed(spec: str, path: Path, name: str) -> ModuleType:
    description = importlib.util.spec_from_file_location(name, path)
    if description is None or description.loader is None:
        raise UsageError(f"--tool {spec}: not a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(description)
    try:
        description.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the user's own code, and may raise anything
        raise _broken(spec, error) from None
    return module


def _search(directory: str) -> None:
    if directory not in sys.path:
        sys.path.append(directory)


def _function(spec: str, module: ModuleType, name: str) -> Callable[..., Any]:
    where = f"{module.__name__}{f' ({module.__file__})' if module.__file__ else ''}"
    try:
        found: Any = getattr(module, name)
    except AttributeError:
        raise UsageError(f"--tool {spec}: there is no {name!r} in {where}") from None
    if isinstance(found, type) or not callable(found):
        what = "a class" if isinstance(found, type) else f"of type {type(found).__name__}"
        raise UsageError(f"--tool {spec}: {name!r} is {what}, not a function")
    function: Callable[..., Any] = found
    return function


def _described(spec: str, function: Callable[..., Any]) -> str:
    """The name that a model calls it by."""
    from zen_native._function_schema import function_schema

    try:
        name: str = function_schema(function)["name"]
    except Exception as error:  # noqa: BLE001 - annotations are the user's own code as well
        raise UsageError(f"--tool {spec}: it cannot be described to a model: {_first_line(error)}") from None
    if not _NAME.fullmatch(name):
        raise UsageError(f"--tool {spec}: {name!r} is no name for a tool: letters, digits, _ and -, up to 64")
    return name


def _broken(spec: str, error: BaseException) -> UsageError:
    return UsageError(f"--tool {spec}: importing it failed: {type(error).__name__}: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
