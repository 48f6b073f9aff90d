"""What a client is given when it is made, checked: a mistake is told there, and not by the first call.

Owns no default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .gate import TransportChoice
    from .price_table import PriceTable
    from .transport.base import Transport

__all__ = ["as_transport", "chosen_transport", "given", "given_prices"]

_T = TypeVar("_T")


def given(kind: type[_T], value: object, name: str) -> _T | None:
    """The value as it is, which may be left out.

    Raises:
        TypeError: it is of another class.
    """
    if value is None or isinstance(value, kind):
        return value
    raise TypeError(f"{name} must be a zen_native.{kind.__name__}, not {type(value).__name__}")


def given_prices(table: object) -> PriceTable | None:
    """The same for a table of prices, whose module is not imported for nothing.

    Raises:
        TypeError: it is none.
    """
    if table is None:
        return None
    from .price_table import PriceTable

    return given(PriceTable, table, "prices")


def chosen_transport(transport: object) -> tuple[TransportChoice, object | None]:
    """The word, and what the caller brought instead of one.

    Raises:
        ValueError: an unknown word.
    """
    if transport is None or transport == "auto":
        return "auto", None
    if transport == "native":
        return "native", None
    if transport == "httpx":
        return "httpx", None
    if isinstance(transport, str):
        raise ValueError(f"unknown transport {transport!r}; known: auto, native, httpx, or a client or transport")
    return "auto", transport


def as_transport(transport: object) -> Transport:
    """A transport of the caller's own.

    Raises:
        TypeError: it is none.
    """
    send: object = getattr(transport, "send", None)
    if not callable(send) or not callable(getattr(transport, "close", None)):
        raise TypeError(f"not a client or transport: {type(transport).__name__}")
    known: Any = transport
    found: Transport = known
    return found
