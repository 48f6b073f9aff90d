"""One side of a measurement in a process of its own: reads the same body over and over when told, reports CPU time.

Owns what a pass is for every side (`native`, `pure`, the loops, the peers). `run.py` and `compare.py` start it, tell it
on standard input how many CPU seconds to spend, and read one JSON line an answer. The consumer is the same everywhere:
it goes through all events and touches the text of each delta.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from importlib import metadata

import streams
from streams import Body

LOOPS = ("json", "orjson", "msgspec")
DECODERS = {"native": "native", "pure": "python"}
PEER_PACKAGES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "anthropic .stream()": "anthropic",
    "google-genai": "google-genai",
    "botocore": "botocore",
}
# botocore copies what is left of its buffer for every frame: a whole body in one read would be unfair to it
PEER_CUTS = {"botocore": 4_096}
WHOLE = -1

Pass = Callable[[], int]
Prepare = Callable[[], Pass]


class AbsentError(Exception):
    """This side cannot run here; the text says why."""


# -- the sides -----------------------------------------------------------------------------------------------------


def decoder_side(runtime: str, body: Body, cut: int) -> Prepare:
    """Our decoder, made anew for every pass."""
    try:
        from zen_native import Decoder
        from zen_native.events import TextDelta

        Decoder(body.protocol, runtime=runtime)
    except ImportError as reason:
        raise AbsentError(str(reason)) from reason
    chunks = body.cut(cut)

    def one_pass() -> int:
        characters = 0
        decoder = Decoder(body.protocol, runtime=runtime, framing=body.framing)
        feed = decoder.feed
        for chunk in chunks:
            for event in feed(chunk):
                if type(event) is TextDelta:
                    characters += len(event.text)
        for event in decoder.finish():
            if type(event) is TextDelta:
                characters += len(event.text)
        return characters

    return lambda: one_pass


def loop_side(name: str, body: Body, cut: int) -> Prepare:
    """A hand-written loop."""
    try:
        import loops
    except ImportError as reason:
        raise AbsentError(str(reason)) from reason
    loop, chunks = loops.loop(name, body.protocol), body.cut(cut)

    def one_pass() -> int:
        characters = 0
        for event in loop(chunks):
            if type(event) is loops.Text:
                characters += len(event.text)
        return characters

    return lambda: one_pass


def peer_side(name: str, body: Body, cut: int) -> Prepare:
    """A provider's SDK; opening the stream is not part of the pass."""
    try:
        import peers

        return peers.PEERS[body.protocol][name](body.cut(PEER_CUTS.get(name, WHOLE) if cut == WHOLE else cut))
    except ImportError as reason:
        raise AbsentError(f"not installed ({reason})") from reason


def prepare_side(side: str, body: Body, cut: int) -> Prepare:
    """What gives the passes of `side` over `body`."""
    if side in DECODERS:
        return decoder_side(DECODERS[side], body, cut)
    return loop_side(side, body, cut) if side in LOOPS else peer_side(side, body, cut)


def version(side: str) -> str:
    """The version of what `side` runs on."""
    package = {"json": "", "native": "zen-native", "pure": "zen-native"}.get(side, PEER_PACKAGES.get(side, side))
    try:
        return metadata.version(package) if package else sys.version.split()[0]
    except metadata.PackageNotFoundError:
        return "source tree"


# -- measuring -----------------------------------------------------------------------------------------------------


def spend(prepare: Prepare, seconds: float) -> tuple[float, int]:
    """Passes until `seconds` of CPU time (user and system, all threads) are spent: the time and their number."""
    spent, passes = 0.0, 0
    while spent < seconds:
        one_pass = prepare()
        start = time.process_time()
        one_pass()
        spent += time.process_time() - start
        passes += 1
    return spent, passes


def checked(prepare: Prepare, body: Body) -> None:
    """Warms up, and refuses a side that does not see all of the text."""
    for _ in range(2):
        characters = prepare()()
        if characters != body.characters:
            raise AssertionError(f"{characters} characters seen, {body.characters} sent")


def main() -> int:
    """Answers `seconds` lines with `{"us": ..., "passes": ...}` until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", required=True, choices=streams.PROTOCOLS)
    parser.add_argument("--side", required=True)
    parser.add_argument("--variant", default="text")
    parser.add_argument("--cut", type=int, default=WHOLE, help="bytes a read; 0: one event, -1: the whole body")
    parser.add_argument("--count", type=int, default=streams.TEXT_EVENTS)
    parser.add_argument("--huge", type=int, default=0, help="one text delta of so many characters instead")
    options = parser.parse_args()
    huge, count = options.huge, options.count
    body = streams.huge(options.protocol, huge) if huge else streams.body(options.protocol, count, options.variant)
    try:
        prepare = prepare_side(options.side, body, options.cut)
    except AbsentError as reason:
        print(json.dumps({"absent": str(reason)}), flush=True)
        return 0
    checked(prepare, body)
    print(json.dumps({"version": version(options.side), "bytes": len(body.data)}), flush=True)
    for line in sys.stdin:
        spent, passes = spend(prepare, float(line))
        print(json.dumps({"us": spent / passes / body.deltas * 1e6, "passes": passes}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
