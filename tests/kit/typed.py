"""Whether plain data is what a `TypedDict` says, as strictly as the type is written.

pydantic's own check of such types lets unknown members pass and looks into iterables only when they are read. Owns
the comparison of data with typing's forms. Holds no test.
"""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

__all__ = ["misfits"]

_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
_WRAPPERS = (Annotated, Required, NotRequired)


def misfits(value: Any, hint: Any, path: str = "$") -> list[str]:
    """Where the data is not what the type says."""
    return list(_misfits(value, hint, path))


def _misfits(value: Any, hint: Any, path: str) -> Iterator[str]:
    origin, args = get_origin(hint), get_args(hint)
    if hint in (Any, object):
        return
    if origin in _WRAPPERS:
        yield from _misfits(value, args[0], path)
    elif origin in (Union, types.UnionType):
        yield from _union(value, args, path)
    elif origin is Literal:
        if value not in args:
            yield f"{path}: {value!r} is none of {args}"
    elif is_typeddict(hint):
        yield from _typed_dict(value, hint, path)
    elif origin in _LISTS or _is_string_sequence(hint):
        if not isinstance(value, list):
            yield f"{path}: no list"
        else:
            for index, item in enumerate(value):
                yield from _misfits(item, args[0] if args else Any, f"{path}[{index}]")
    elif origin is dict or hint is dict:
        yield from () if isinstance(value, dict) else (f"{path}: no object",)
    elif hint is None or isinstance(hint, type):
        yield from () if _is_a(value, hint) else (f"{path}: {value!r} is no {hint}",)
    else:
        yield f"{path}: no rule for {hint!r}"


def _is_a(value: Any, hint: type | None) -> bool:
    if hint is None:
        return value is None
    kinds = (int, float) if hint is float else (hint,)
    return isinstance(value, kinds) and (hint is bool or not isinstance(value, bool))


def _is_string_sequence(hint: Any) -> bool:
    """The SDKs' own protocol of sequences that are no string."""
    return getattr(get_origin(hint) or hint, "__name__", "") == "SequenceNotStr"


def _union(value: Any, options: tuple[Any, ...], path: str) -> Iterator[str]:
    tried = [misfits(value, option, path) for option in options]
    if all(tried):
        yield from min(tried, key=len)


@cache
def _members(hint: Any) -> dict[str, Any]:
    return get_type_hints(hint, include_extras=True)


def _typed_dict(value: Any, hint: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: no {hint.__name__}"
        return
    members = _members(hint)
    for name in hint.__required_keys__ - value.keys():
        yield f"{path}: {hint.__name__} without {name!r}"
    for name, item in value.items():
        if name not in members:
            yield f"{path}: {hint.__name__} knows no {name!r}"
        else:
            yield from _misfits(item, members[name], f"{path}.{name}")
