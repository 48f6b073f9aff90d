"""HTTP/1.1 chunks taken apart by hand and fed to our decoder: the least code that works, without errors or limits."""

from __future__ import annotations

from typing import Any

from zen_native import Decoder, TextDelta


class Decoding:
    """One answer: bytes in, text out."""

    __slots__ = ("_decoder", "_feed", "_head", "_kept", "_seen", "rest")

    def __init__(self, seen: Any) -> None:
        self._decoder = Decoder("openai-chat", runtime="native")
        self._feed = self._decoder.feed
        self._head = True
        self._kept = b""
        self._seen = seen
        self.rest: bytes | bytearray = b""
        """The end of what was fed."""

    def feed(self, data: bytes | bytearray) -> None:
        """More of the answer."""
        self.rest = data[-8:]
        if self._kept:
            data = self._kept + data
            self._kept = b""
        at = 0
        if self._head:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._kept = bytes(data)
                return
            self._head = False
        self._chunks(data, at)

    def _chunks(self, data: bytes | bytearray, at: int) -> None:
        while (line := data.find(b"\r\n", at)) >= 0:
            start = line + 2
            end = start + int(data[at:line], 16)
            if len(data) < end + 2:
                break
            for event in self._feed(data[start:end]):
                if type(event) is TextDelta:
                    self._seen(event.text)
            at = end + 2
        if at < len(data):
            self._kept = bytes(data[at:])
