"""Bodies as bytes: long texts take another way, and what is sent is the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.kit.gating import ask

from zen_native.formats import body as module
from zen_native.formats.body import LONG, encoded, encoded_with_long, long_characters
from zen_native.runtimes import native

NEEDS_EXTENSION = pytest.mark.skipif(native.CAUSE is not None, reason=f"native NOT TESTED: {native.CAUSE}")
EVERY = "".join(map(chr, range(0x300))) + "\u2028\u2029\ufeff\uffff\N{GRINNING FACE}"


def standard(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.fixture(params=["native", "standard"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who writes long texts."""
    if request.param == "native" and native.CAUSE is not None:
        pytest.skip(f"native NOT TESTED: {native.CAUSE}")
    if request.param == "standard":
        monkeypatch.setattr(module, "_joined", module.joined)
    name: str = request.param
    return name


@NEEDS_EXTENSION
def test_a_text_is_written_as_the_standard_library_does() -> None:
    from zen_native._core import json_joined

    for text in ("", "plain", EVERY, *EVERY):
        assert json_joined([b"", b""], [text]) == standard(text)
    draw = random.Random(5190)
    for _ in range(2_000):
        texts = ["".join(draw.choices(EVERY, k=draw.randrange(40))) for _ in range(draw.randrange(4))]
        pieces = [draw.randbytes(draw.randrange(3)) for _ in range(len(texts) + 1)]
        assert json_joined(pieces, texts) == module.joined(pieces, texts)


@NEEDS_EXTENSION
def test_half_of_a_pair_is_the_error_that_the_standard_library_gives() -> None:
    from zen_native._core import json_joined

    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        json_joined([b"", b""], ["a\ud800"])


@NEEDS_EXTENSION
@pytest.mark.parametrize("count", [0, 1, 3])
def test_pieces_that_do_not_fit_the_texts_are_refused(count: int) -> None:
    from zen_native._core import json_joined

    with pytest.raises(ValueError, match="one piece more"):
        json_joined([b""] * count, ["a"])


LONG_ONES: dict[str, Any] = {
    "plain": {"a": "x" * (LONG + 1)},
    "escapes": {"a": ['"\\\n' * LONG, "short"], "b": [{"c": EVERY * 100}]},
    "several": [["y" * (LONG + 1)], "z" * LONG, {"k": "w" * (2 * LONG)}, 1, 1.5, None, True],
    "alone": "v" * (LONG + 2),
    "tuple": {"a": ("x" * (LONG + 1), "t")},
    "none": {"a": "short"},
}


@pytest.mark.parametrize("case", LONG_ONES)
def test_long_texts_are_put_where_they_belong(case: str, way: str) -> None:
    assert encoded_with_long(LONG_ONES[case]) == encoded(LONG_ONES[case]) == standard(LONG_ONES[case]), way


@pytest.mark.parametrize("write", [encoded, encoded_with_long])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"a": "\ud800" * (LONG + 1)}, UnicodeEncodeError),
        ({"a": "\ud800"}, UnicodeEncodeError),
        ({"a": float("nan"), "b": "x" * (LONG + 1)}, ValueError),
        ({"a": object(), "b": "x" * (LONG + 1)}, TypeError),
    ],
    ids=["long half pair", "half pair", "nan", "object"],
)
def test_both_ways_give_the_same_errors(
    write: Callable[[Any], bytes], value: Any, error: type[Exception], way: str
) -> None:
    with pytest.raises(error):
        write(value)


LONG_DATA = "QUFB" * LONG
PARTS: list[tuple[dict[str, Any], int]] = [
    ({"type": "text", "text": "x" * (LONG + 1)}, LONG + 1),
    ({"type": "text", "text": "x" * LONG}, 0),
    ({"type": "image", "data": LONG_DATA, "mime_type": "image/png"}, 4 * LONG),
    ({"type": "image", "url": "https://example.com/a.png"}, 0),
    ({"type": "document", "data": LONG_DATA, "mime_type": "application/pdf"}, 4 * LONG),
]


@pytest.mark.parametrize(("part", "expected"), PARTS)
def test_long_parts_are_counted(part: dict[str, Any], expected: int) -> None:
    assert long_characters(ask(messages=["short", {"role": "user", "content": [part, part]}])) == 2 * expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"result": "x" * (LONG + 1)}, LONG + 1),
        ({"result": {"a": 1}}, 0),
        ({"content": [{"type": "image", "data": LONG_DATA, "mime_type": "image/png"}]}, 4 * LONG),
        ({"content": [{"type": "text", "text": "short"}]}, 0),
    ],
)
def test_long_results_are_counted(result: dict[str, Any], expected: int) -> None:
    call = {"role": "assistant", "content": [{"type": "tool-call", "id": "1", "name": "f", "input": {}}]}
    answer = {"role": "tool", "content": [{"type": "tool-result", "id": "1", "name": "f", **result}]}
    assert long_characters(ask(messages=["x", call, answer])) == expected
