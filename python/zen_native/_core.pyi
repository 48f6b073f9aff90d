# The surface of the extension; `zen_native.runtimes.native` is its only caller.

from typing import final

from zen_native.errors import LLMError
from zen_native.events import LLMEvent

__all__ = ["Decoder", "__version__", "event_table", "names"]

__version__: str

@final
class Decoder:
    def __new__(
        cls,
        protocol: str,
        framing: str,
        *,
        provider: str,
        max_event_bytes: int,
        max_frame_bytes: int,
        max_header_bytes: int,
        max_response_bytes: int | None,
        think_tags: list[str],
        trailing_cost: bool,
        require_finish_reason: bool,
        raw_events: bool,
    ) -> Decoder: ...
    @property
    def error(self) -> LLMError | None: ...
    @property
    def done(self) -> bool: ...
    @property
    def answered(self) -> bool: ...
    def feed(self, data: bytes | bytearray | memoryview, /) -> list[LLMEvent]: ...
    def finish(self) -> list[LLMEvent]: ...

def event_table() -> dict[str, list[str]]: ...
def names() -> tuple[list[str], list[str]]: ...
