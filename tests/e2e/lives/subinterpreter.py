"""In a sub-interpreter: who decodes, what the gate says, and what comes of a client."""

from __future__ import annotations

import sys
from typing import Any

from common import ASK, options

import zen_native as zen

try:
    import _interpreters as interpreters  # type: ignore[import-not-found] - from Python 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters  # type: ignore[import-not-found] - up to 3.12; has no stub

INSIDE = """
import sys

sys.argv, sys.path = {argv!r}, {path!r}
import zen_native as zen
from zen_native.gate import current_capabilities, decide

decoder = zen.Decoder("openai-chat")
events = decoder.feed(b'data: {{"choices": [{{"delta": {{"content": "Hello"}}}}]}}\\n\\n')
print(decoder.runtime, [event.type for event in events])

class Route:
    provider, model, protocol, framing = "mine", "m", "openai-chat", "sse"

decision = decide(None, Route, current_capabilities(native_transport=True))
print(decision.runtime, decision.reason.slug, decision.transport, decision.transport_reason.slug)
print(decision.detail)
try:
    decide(None, Route, current_capabilities(native_transport=True, transport="native"))
except ImportError as error:
    print(error)

sys.modules["trio"] = None  # where it is, httpcore imports it; it begins with a process, and there are none in here
from common import ASK, options

with zen.Client(**options(transport="httpx")) as client:
    print(client.generate(*ASK).text)
    try:
        print(client.generate(*ASK, generation={{"max_tokens": 9}}).text)
    except ImportError as error:
        print(error)
"""


def main() -> None:
    """The main interpreter has asked before: whatever can be shared is there."""
    with zen.Client(**options()) as client:
        print(client.generate(*ASK).text)
    made: Any = interpreters.create()
    failed = interpreters.run_string(made, INSIDE.format(argv=sys.argv, path=sys.path))
    if failed is not None:
        raise SystemExit(str(failed))
    sys.stdout.flush()
    interpreters.destroy(made)


if __name__ == "__main__":
    main()
