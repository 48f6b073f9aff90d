"""A sub-interpreter decodes in Python, and is told why. Its clients send texts; what is more is pydantic's to allow."""

from __future__ import annotations

import pytest
from tests.kit.asking import WHOLE
from tests.kit.lives import TRANSPORTS, live
from tests.kit.server import Server, sse_reply

REFUSED = "the extension does not load: "
DEMANDED = f"the native transport was asked for, but it needs the native runtime, which is not taken: {REFUSED}"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_sub_interpreter(transport: str) -> None:
    with Server(sse_reply(*WHOLE)) as server:
        outside, decoded, decision, detail, demanded, text, more = live("subinterpreter", server, transport)
    assert outside == "Hello"
    assert decoded == "python ['step-start', 'text-start', 'text-delta']"
    assert decision == "python extension-missing httpx runtime-is-python"
    assert detail.startswith(REFUSED)
    assert "interpreter" in detail
    assert demanded == detail.replace(REFUSED, DEMANDED)
    assert text == "Hello"
    # It answers, or pydantic says why not.
    assert more == "Hello" or "support subinterpreters" in more or "support loading in subinterpreters" in more
