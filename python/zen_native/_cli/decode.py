"""`zen-native decode`: the events of one answer, from a file or a pipe.

Owns what is read, in which pieces, and the exit code. A raw stream is decoded as it comes, so that a pipe from a live
request works; an exchange file or a document has to be complete first.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Literal, cast

from zen_native.decoder import Decoder
from zen_native.errors import LLMError, classify_error
from zen_native.runtimes.pure.names import DEFAULT_FRAMING

from .exchange import Exchange, parse_exchange, sniff_framing
from .problem import UsageError
from .sink import Sink, new_sink, print_error

__all__ = ["run_decode"]

_READ = 64 << 10


def run_decode(
    file: str, *, protocol: str | None, framing: str | None, runtime: str, as_json: bool, summary: bool
) -> int:
    """Decode and print; 0, or 1 if the answer is an error."""
    _new_decoder(protocol or next(iter(DEFAULT_FRAMING)), framing, runtime)  # wrong names before any input
    sink = new_sink(as_json=as_json, summary=summary)
    pieces = _pieces(file)
    head = _head(pieces)
    exchange = None
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        head += b"".join(pieces)
        exchange = parse_exchange(head)
    if exchange is not None and exchange.status >= 400:
        error: LLMError | None = _refused(exchange)
    else:
        if exchange is not None:
            head = exchange.body
        protocol = _protocol(protocol, exchange)
        provider = None if exchange is None else exchange.provider
        decoder = _new_decoder(protocol, framing or sniff_framing(head, protocol), runtime, provider)
        error = _decode(decoder, chain([head], pieces), sink)
    sink.end()
    if error is None:
        return 0
    sys.stdout.flush()
    print_error(error, as_json=as_json)
    return 1


def _decode(decoder: Decoder, pieces: Iterable[bytes], sink: Sink) -> LLMError | None:
    for piece in pieces:
        sink.show(decoder.feed(piece))
        if decoder.done:
            return decoder.error
    try:
        sink.show(decoder.finish())
    except LLMError as error:
        return error
    return decoder.error


def _refused(exchange: Exchange) -> LLMError:
    return classify_error(
        None, status=exchange.status, headers=exchange.headers, body=exchange.body, provider=exchange.provider
    )


def _new_decoder(protocol: str, framing: str | None, runtime: str, provider: str | None = None) -> Decoder:
    try:
        named = cast("Literal['auto', 'native', 'python']", runtime)  # checked by the decoder, as are the others
        return Decoder(protocol, framing=framing, runtime=named, provider=provider)
    except (ValueError, ImportError) as error:
        raise UsageError(str(error)) from None


def _protocol(asked: str | None, exchange: Exchange | None) -> str:
    if asked is not None:
        return asked
    known = ", ".join(DEFAULT_FRAMING)
    if exchange is None or exchange.protocol is None:
        what = "a raw body" if exchange is None else "this exchange file"
        raise UsageError(f"{what} does not name its protocol: give --protocol (one of {known})")
    if exchange.protocol not in DEFAULT_FRAMING:
        raise UsageError(f"the exchange has the protocol {exchange.protocol!r}, which is not one of {known}")
    return exchange.protocol


def _pieces(file: str) -> Iterator[bytes]:
    """What is there, as soon as it is there."""
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            while piece := cast("io.BufferedReader", stream).read1(_READ):
                yield piece
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None


def _head(pieces: Iterator[bytes]) -> bytes:
    """The first bytes, enough to tell what they are."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 3 and head.removeprefix(b"\xef\xbb\xbf").lstrip():
            break
    return head
