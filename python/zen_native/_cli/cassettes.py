"""`zen-native record` and `replay`: one question with its answer into a cassette, and the answers of a cassette again.

Owns what is played: every recorded answer, decoded in the chunks it came in. The protocol is told by the address that
was asked. Cassettes, what may stand in them, and their forms are `recording`'s.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zen_native.decoder import Decoder
from zen_native.errors import IncompleteStreamError, LLMError, classify_error
from zen_native.recording.cassette import ENDED, CassetteError
from zen_native.recording.files import load_cassette
from zen_native.transport.inflate import inflater

from .asking import as_wrong_use
from .exchange import sniff_framing
from .problem import UsageError
from .run import answer_sink, ask, asked
from .sink import Sink, print_error
from .text import line

if TYPE_CHECKING:
    from zen_native.recording.cassette import Interaction, RecordedResponse

__all__ = ["run_record", "run_replay"]

_SNIFFED = 4096


def run_record(chosen: Namespace) -> int:
    """Ask and print as `run` does, and write the cassette, also of an answer that is an error."""
    from zen_native.recording.recorder import Recorder
    from zen_native.transport.http import SyncHttp

    request = asked(chosen)
    try:
        recorder = Recorder(chosen.output, "record")
    except CassetteError as error:
        raise UsageError(str(error)) from None
    code = ask(request, chosen, recorder.around(SyncHttp(None), is_async=False))
    recorded = len(recorder.recorded().interactions)
    try:
        recorder.close()
    except (CassetteError, OSError) as error:
        sys.stderr.write(line(f"nothing was recorded: {error}") + "\n")
        return 1
    if recorded:
        sys.stderr.write(line(f"recorded in {chosen.output}") + "\n")
    return code


def run_replay(chosen: Namespace) -> int:
    """Play and print; 0, or 1 if an answer is an error."""
    try:
        cassette = load_cassette(chosen.file)
    except CassetteError as error:
        raise UsageError(str(error)) from None
    code = 0
    for interaction in cassette.interactions:
        sink = answer_sink(as_json=chosen.json)
        if not chosen.json:
            sys.stderr.write(line(f"{interaction.request.method} {interaction.request.url}") + "\n")
        failed = _played(interaction, chosen, sink)
        sink.end()
        if failed is not None:
            sys.stdout.flush()
            print_error(failed, as_json=chosen.json)
            code = 1
    return code


def _played(interaction: Interaction, chosen: Namespace, sink: Sink) -> LLMError | None:
    """Show the events of one answer; its error."""
    answer = interaction.response
    try:
        pieces = _pieces(answer, timings=chosen.timings)
        if answer.status >= 400:
            return classify_error(None, status=answer.status, headers=answer.headers, body=b"".join(pieces))
        decoder = _decoder(interaction, chosen)
        for piece in pieces:
            sink.show(decoder.feed(piece))
            if decoder.done:
                return decoder.error
        if answer.end in ENDED and not decoder.answered:
            return decoder.error or IncompleteStreamError(ENDED[answer.end])
        sink.show(decoder.finish())
    except LLMError as error:
        return error
    return decoder.error


def _pieces(answer: RecordedResponse, *, timings: bool) -> Iterator[bytes]:
    """The body as it came, without compression."""
    reader = inflater(answer.headers.get("content-encoding"))
    if timings:
        time.sleep(answer.head_ms / 1000)
    for piece, ms in answer.pieces():
        if timings:
            time.sleep(ms / 1000)
        yield from (piece,) if reader is None else reader.feed(piece)


def _decoder(interaction: Interaction, chosen: Namespace) -> Decoder:
    url = interaction.request.url
    told, provider = _served(url)
    protocol: str | None = chosen.protocol or told
    if protocol is None:
        raise UsageError(f"the address does not tell the protocol: {url}; give --protocol")
    runtime: Any = chosen.runtime  # checked by the decoder, as is the protocol
    with as_wrong_use():
        Decoder(protocol)
        head = b"".join(_pieces(interaction.response, timings=False))[:_SNIFFED]
        return Decoder(protocol, framing=sniff_framing(head, protocol), runtime=runtime, provider=provider)


def _served(url: str) -> tuple[str | None, str | None]:
    """The protocol of an address, by the paths of all providers, and the provider whose own it is."""
    from zen_native.providers import PROVIDERS

    path, protocol = urlsplit(url).path, None
    for provider in PROVIDERS.values():
        is_own = provider.base_url is not None and url.startswith(f"{provider.base_url}/")
        for each, endpoint in provider.endpoints.items():
            paths = (endpoint.path, endpoint.stream_path or endpoint.path)
            if any(path.endswith(known.rpartition("}")[2]) for known in paths):
                if is_own:
                    return each, provider.metadata_key or provider.id
                protocol = protocol or each
    return protocol, None
