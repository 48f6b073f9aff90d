"""The twins: every file of `rust/core/src` has one in `runtimes/pure`, and the other way round.

Files of protocols, and the decoder, have the same handlers: functions `on_...`, whatever their visibility. (Framings
are loops around what finds bytes fastest in each language; their twins share the sections, not every function.) Those
that are methods on both sides stand in the same order; a Rust handler that needs no state is a plain function and
stands behind the `impl`, which Python has no need of.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_RUST = _ROOT / "rust/core/src"
_PYTHON = _ROOT / "python/zen_native/runtimes/pure"
_CONTRACT = ["step", "done", "document", "end"]

ONLY_RUST = {
    "lib": "the crate's list of modules; Python's packages need none",
    "event": "the shape of events on their way out; Python has the public classes, zen_native.events",
    "json/dump": "part of json: Python's own json module writes",
    "json/owned": "part of json: a value that outlives its text; Python's values always do",
    "json/scan": "part of json: the scanner; Python's own json module scans",
    "json/string": "part of json: escapes; Python's own json module reads them",
    "json/tests": "unit tests of json",
    "template": "a short way to the same events, for caches that Python's own work empties anyway",
}
ONLY_PYTHON = {
    "names": "names without code, so that naming a protocol loads none; compiled code is loaded whole",
}


def rust_stems() -> dict[str, Path]:
    """The source files of the core by their path without suffix."""
    return {path.relative_to(_RUST).with_suffix("").as_posix(): path for path in sorted(_RUST.rglob("*.rs"))}


def python_stems() -> dict[str, Path]:
    """The files of the pure runtime; a package's own file counts as the package."""
    stems = {path.relative_to(_PYTHON).with_suffix("").as_posix(): path for path in sorted(_PYTHON.rglob("*.py"))}
    return {stem.removesuffix("/__init__"): path for stem, path in stems.items() if stem != "__init__"}


def source(stems: dict[str, Path], stem: str) -> str:
    assert stem in stems, f"no twin of {stem}"
    return stems[stem].read_text("utf-8")


def rust_methods(text: str) -> list[str]:
    """Handlers inside an `impl`, in order: rustfmt indents them by four."""
    return re.findall(r"^    (?:pub(?:\([a-z]+\))? )?fn (on_\w+)", text, re.MULTILINE)


def rust_handlers(text: str) -> set[str]:
    return set(re.findall(r"^ *(?:pub(?:\([a-z]+\))? )?fn (on_\w+)", text, re.MULTILINE))


def python_handlers(text: str) -> list[str]:
    """Handlers in order; private ones have an underscore that Rust does not need."""
    return re.findall(r"^ *def _?(on_\w+)", text, re.MULTILINE)


def mirror_faults(rust: str, python: str) -> list[str]:
    """What one of two twins lacks, or has in another place."""
    ours, theirs = python_handlers(python), rust_handlers(rust)
    faults = [f"Rust lacks {name}" for name in ours if name not in theirs]
    faults += [f"Python lacks {name}" for name in sorted(theirs - set(ours))]
    methods = [name for name in rust_methods(rust) if name in ours]
    order = [name for name in ours if name in methods]
    if methods != order:
        faults.append(f"order differs: {methods} in Rust, {order} in Python")
    return faults


def contract(text: str, pattern: str) -> list[str]:
    return [name for name in re.findall(pattern, text, re.MULTILINE) if name in _CONTRACT]


def test_every_file_has_its_twin() -> None:
    rust, python = set(rust_stems()) - set(ONLY_RUST), set(python_stems()) - set(ONLY_PYTHON)
    assert sorted(rust - python) == [], "only in Rust: write the twin, or enter it in the table with its reason"
    assert sorted(python - rust) == [], "only in Python: write the twin, or enter it in the table with its reason"


def test_tables_of_single_files_are_true() -> None:
    rust, python = rust_stems(), python_stems()
    assert [stem for stem in ONLY_RUST if stem not in rust or stem in python] == []
    assert [stem for stem in ONLY_PYTHON if stem not in python or stem in rust] == []


@pytest.mark.parametrize("stem", ["decoder", *(stem for stem in python_stems() if stem.startswith("protocol"))])
def test_handlers(stem: str) -> None:
    rust, python = source(rust_stems(), stem), source(python_stems(), stem)
    assert mirror_faults(rust, python) == []


@pytest.mark.parametrize("stem", sorted(stem for stem in python_stems() if stem.startswith("protocol/")))
def test_machines(stem: str) -> None:
    """A file that holds a protocol in one language holds it in the other, with what each must offer in one order."""
    python = contract(source(python_stems(), stem), r"^    def (\w+)\(self, .*life: Lifecycle\) -> None:")
    rust = re.search(r"^impl Machine for .*?^}", source(rust_stems(), stem), re.MULTILINE | re.DOTALL)
    if rust is None:
        assert python != _CONTRACT, "only Python has a protocol here"
    else:
        assert contract(rust.group(), r"^    fn (\w+)") == _CONTRACT
        assert python == _CONTRACT


RUST = "impl A {\n    fn on_a(&mut self) {}\n\n    pub(super) fn on_b(&mut self) {}\n}\n\nfn on_c() {}\n"
PYTHON = "class A:\n    def on_a(self): ...\n    def on_c(self): ...\n    def _on_b(self): ...\n"


def test_twins_have_no_faults() -> None:
    assert mirror_faults(RUST, PYTHON) == []


@pytest.mark.parametrize(
    ("rust", "python", "fault"),
    [
        (RUST, PYTHON.replace("on_a", "on_x"), ["Rust lacks on_x", "Python lacks on_a"]),
        (RUST.replace("on_c", "on_x"), PYTHON, ["Rust lacks on_c", "Python lacks on_x"]),
        (RUST + "fn on_d() {}\n", PYTHON, ["Python lacks on_d"]),
        (
            RUST,
            "    def on_c(self): ...\n    def on_b(self): ...\n    def on_a(self): ...\n",
            ["order differs: ['on_a', 'on_b'] in Rust, ['on_b', 'on_a'] in Python"],
        ),
    ],
)
def test_made_up_faults_are_found(rust: str, python: str, fault: list[str]) -> None:
    assert mirror_faults(rust, python) == fault
