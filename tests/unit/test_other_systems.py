"""Modules of the extension that not every system has: a compiler there would say the same."""

from __future__ import annotations

import re
from pathlib import Path

_SOURCES = Path(__file__).parents[2] / "rust" / "py" / "src"
_CONDITIONAL = set(re.findall(r"^#\[cfg\(.*\)\]\nmod (\w+);", (_SOURCES / "lib.rs").read_text("utf-8"), re.MULTILINE))


def test_only_the_poller_is_missing_somewhere() -> None:
    assert {"poller"} == _CONDITIONAL


def test_it_is_used_by_no_module_that_is_everywhere() -> None:
    for path in _SOURCES.rglob("*.rs"):
        module = path.relative_to(_SOURCES).with_suffix("").parts[0]
        if module not in {"lib", *_CONDITIONAL}:
            used = set(re.findall(r"\bcrate::(\w+)", path.read_text("utf-8")))
            assert not used & _CONDITIONAL, path
