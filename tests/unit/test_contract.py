"""What must be the same in several places: class tables, registries, option defaults, error kinds, finish reasons."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import zen_native
from zen_native import Decoder, decode, errors, events, usage
from zen_native.decoder import DecoderOptions
from zen_native.runtimes.pure.frame import FrameKind, Limits
from zen_native.runtimes.pure.framing import FRAMINGS as PURE_FRAMINGS
from zen_native.runtimes.pure.names import DEFAULT_FRAMING, DEFAULT_PROVIDER, FRAMINGS
from zen_native.runtimes.pure.options import Options
from zen_native.runtimes.pure.protocol import PROTOCOLS

_ROOT = Path(__file__).resolve().parents[2]
_RUST = _ROOT / "rust/core/src"

core = pytest.importorskip("zen_native._core", reason="the native runtime is not built: zen_native._core is missing")


def rust(name: str) -> str:
    return (_RUST / name).read_text("utf-8")


def quoted(text: str, start: str, end: str) -> list[str]:
    """The string literals of a piece of source."""
    piece = re.search(f"{start}(.*?){end}", text, re.DOTALL)
    assert piece is not None, f"no {start} in the source"
    return re.findall(r'"([^"]*)"', piece.group(1))


# Classes


def test_native_builds_every_class_with_its_fields_in_order() -> None:
    classes = [*events.EVENT_TYPES.values(), events.FinishReason, usage.Usage]
    wanted = {cls.__name__: [field.name for field in fields(cls)] for cls in classes}  # type: ignore[arg-type]
    assert core.event_table() == wanted


def test_union_and_table_of_events_name_the_same_classes() -> None:
    union = get_args(get_args(events.LLMEvent)[0])
    assert list(union) == list(events.EVENT_TYPES.values())
    assert all(cls.type == name for name, cls in events.EVENT_TYPES.items())
    kinds = (cls for cls in vars(events).values() if inspect.isclass(cls) and issubclass(cls, events._Event))
    defined = {cls.__name__ for cls in kinds} - {"_Event"}
    assert defined == {cls.__name__ for cls in union}


def test_events_have_a_type_on_the_class_and_slots_for_the_rest() -> None:
    for cls in events.EVENT_TYPES.values():
        assert "type" not in {field.name for field in fields(cls)}
        assert not hasattr(cls, "__dict__") or "__dict__" not in dir(cls.__new__(cls))


# Names


def test_registries_agree() -> None:
    protocols, framings = core.names()
    assert protocols == sorted(protocols) == sorted(PROTOCOLS) == sorted(DEFAULT_FRAMING) == sorted(DEFAULT_PROVIDER)
    assert framings == sorted(framings) == sorted(PURE_FRAMINGS) == list(FRAMINGS)
    assert set(DEFAULT_FRAMING.values()) <= set(framings)


@pytest.mark.parametrize("protocol", sorted(DEFAULT_FRAMING))
@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_protocol_takes_every_framing(runtime: str, protocol: str, framing: str) -> None:
    with pytest.raises(zen_native.LLMError):
        decode(b"<html>", protocol, framing=framing, runtime=runtime)


def test_frame_kinds_agree() -> None:
    kinds = re.search(r"pub enum FrameKind \{(.*?)\n\}", rust("frame.rs"), re.DOTALL)
    assert kinds is not None
    assert [name.lower() for name in re.findall(r"^    (\w+),", kinds.group(1), re.MULTILINE)] == list(
        get_args(FrameKind)
    )


def test_finish_reasons_agree() -> None:
    said = quoted(rust("event.rs"), r"impl Reason \{", r"\n\}")
    assert said == list(get_args(events.NormalizedReason))


# Errors


def test_error_kinds_agree() -> None:
    said = quoted(rust("error.rs"), r"impl ErrorKind \{", r"\n\}")
    assert said == list(get_args(errors.DecodeErrorKind))


def test_every_error_kind_makes_its_class() -> None:
    wanted = {
        "provider": errors.UnknownProviderError,
        "incomplete": errors.IncompleteStreamError,
        "invalid-output": errors.InvalidProviderOutputError,
        "limit-exceeded": errors.LimitExceededError,
        "checksum": errors.ChecksumError,
    }
    assert {kind: type(errors.decode_error(kind, "m")) for kind in get_args(errors.DecodeErrorKind)} == wanted


# Options


def test_decoder_and_decode_have_the_same_options() -> None:
    assert list(inspect.signature(decode).parameters) == ["body", "protocol", "options"]
    ours = get_type_hints(Decoder.__init__)
    assert {"protocol": str, **get_type_hints(DecoderOptions), "return": type(None)} == ours


def test_native_takes_the_same_options() -> None:
    native = set(inspect.signature(core.Decoder).parameters) - {"protocol", "framing"}
    ours = set(inspect.signature(Decoder).parameters) - {"protocol", "framing", "runtime"}
    pure = {field.name for field in fields(Options)} - {"limits"} | {field.name for field in fields(Limits)}
    assert native == ours == pure


def test_defaults_agree() -> None:
    said = {name: one.default for name, one in inspect.signature(Decoder).parameters.items()}
    for field in fields(Limits):
        assert field.default == said[field.name], field.name
    for field in fields(Options):
        if field.default is not MISSING and field.name != "trailing_cost":  # None asks the provider's name
            assert field.default == said[field.name], field.name
    in_rust = re.search(r"impl Default for Limits \{(.*?)\n\}", rust("frame.rs"), re.DOTALL)
    assert in_rust is not None
    values = dict(re.findall(r"(max_\w+): ([^,\n]+)", in_rust.group(1)))
    assert {name: eval(text) for name, text in values.items()} == {
        field.name: field.default for field in fields(Limits)
    }


# The public surface


def test_public_names_are_sorted_and_exist() -> None:
    names = zen_native.__all__
    classes, functions = [name for name in names if name[0].isupper()], [name for name in names if name[0].islower()]
    assert names == [*sorted(classes), *sorted(functions)]
    assert len(set(names)) == len(names)
    assert [name for name in names if getattr(zen_native, name, None) is None] == []
    assert set(names) <= set(dir(zen_native))


def test_public_names_are_documented() -> None:
    assert [
        name for name in zen_native.__all__ if name != "LLMEvent" and not inspect.getdoc(getattr(zen_native, name))
    ] == []
    own = [getattr(zen_native, name) for name in zen_native.__all__ if inspect.isclass(getattr(zen_native, name))]
    assert [cls.__name__ for cls in own if (cls.__doc__ or "").startswith(f"{cls.__name__}(")] == []


def test_every_error_and_event_is_public() -> None:
    public = set(zen_native.__all__)
    made = {cls.__name__ for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, errors.LLMError)}
    assert made <= public
    assert {cls.__name__ for cls in events.EVENT_TYPES.values()} <= public


def test_unknown_name_of_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'zen_native' has no attribute 'nonsense'"):
        zen_native.nonsense  # noqa: B018 - the access is the test
