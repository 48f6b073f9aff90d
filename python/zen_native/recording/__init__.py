"""Record exchanges with a server and play them again, with the boundaries and the timing of their chunks.

    with Recorder("cassettes/weather.json") as recorder:
        client = httpx.Client(transport=recorder.transport())

Names are loaded on first use: reading a cassette needs no HTTP library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cassette import Cassette, CassetteError, Chunk, Interaction, RecordedRequest, RecordedResponse
    from .files import load_cassette, save_cassette
    from .matching import NoMatchError
    from .recorder import Mode, Recorder
    from .scan import SecretFoundError
    from .vcr import save_vcr

__all__ = [
    "Cassette",
    "CassetteError",
    "Chunk",
    "Interaction",
    "Mode",
    "NoMatchError",
    "RecordedRequest",
    "RecordedResponse",
    "Recorder",
    "SecretFoundError",
    "load_cassette",
    "save_cassette",
    "save_vcr",
]

_HOMES = ("cassette", "scan", "matching", "files", "vcr", "recorder")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    modules = (import_module(f"{__name__}.{home}") for home in _HOMES)
    value: object = next(getattr(module, name) for module in modules if hasattr(module, name))
    globals()[name] = value
    return value
