"""One measurement in a fresh process, printed as one JSON line: CPU time and peak memory of an import or a long stream.

probe.py import MODULE
probe.py stream RUNTIME PROTOCOL COUNT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def peak_mb() -> float:
    """The most memory this program has held, in MB.

    Linux says it in `/proc`; its `ru_maxrss` would include what the parent held when it forked. macOS counts bytes.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / (1 << 10)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def import_cost(module: str) -> dict[str, float | str]:
    """CPU microseconds from process start to the end of the import, and memory."""
    try:
        __import__(module)
    except ImportError as reason:
        return {"absent": str(reason)}
    used = time.process_time() * 1e6
    return {"us": used, "peak_mb": peak_mb()}


def stream_cost(runtime: str, protocol: str, count: int) -> dict[str, float | str]:
    """CPU microseconds a delta of a stream that is never all in memory, and the process's peak memory."""
    import streams
    from worker import DECODERS

    try:
        from zen_native import Decoder

        for warm_up in streams.endless(protocol, 2_000):
            Decoder(protocol, runtime=DECODERS[runtime]).feed(warm_up)
        decoder = Decoder(protocol, runtime=DECODERS[runtime])
    except ImportError as reason:
        return {"absent": str(reason)}
    chunks = streams.endless(protocol, count)
    start, events = time.process_time(), 0
    for chunk in chunks:
        events += len(decoder.feed(chunk))
    events += len(decoder.finish())
    used = (time.process_time() - start) * 1e6
    if events < count:
        raise AssertionError(f"{events} events of {count} deltas")
    return {"us": used / count, "peak_mb": peak_mb()}


def main() -> int:
    """Runs the probe that the arguments name."""
    kind, *rest = sys.argv[1:]
    print(json.dumps(import_cost(*rest) if kind == "import" else stream_cost(rest[0], rest[1], int(rest[2]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
