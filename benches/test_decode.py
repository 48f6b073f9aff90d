"""pytest-benchmark over both runtimes: every wire and variant, the whole body in one read.

Run by name (`pytest benches/test_decode.py`); the default run collects `tests/` only. For figures to quote use
`make bench`, for two revisions `make bench-compare`: this file is for a profiler and for watching one case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import payloads
import streams
from zen_native import Decoder

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.parametrize("variant", payloads.VARIANTS)
@pytest.mark.parametrize("protocol", streams.PROTOCOLS)
@pytest.mark.parametrize("runtime", ["native", "python"])
def test_decode_body(benchmark: BenchmarkFixture, runtime: str, protocol: str, variant: str) -> None:
    """Decodes one body; at least one event a delta must come out."""
    body = streams.body(protocol, variant=variant)
    data = body.data

    def one_pass() -> int:
        decoder = Decoder(protocol, runtime=runtime, framing=body.framing)
        return len(decoder.feed(data)) + len(decoder.finish())

    assert benchmark(one_pass) >= body.deltas
