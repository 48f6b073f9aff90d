"""Whom the clients trust and what they show of themselves: `Tls`, and the `ssl` contexts made of it.

Owns that a context is made once for a process and configuration: reading a bundle of authorities takes longer than many
an answer. Opens no connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from zen_native._locks import Locks
from zen_native.errors import TlsError

if TYPE_CHECKING:
    import ssl

    TlsContext = Callable[[], ssl.SSLContext]

__all__ = ["Tls", "checked_tls", "context_of", "is_at_hand"]

_Path = str | os.PathLike[str]

_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
"""What the `ssl` module and OpenSSL read by themselves when a context is made."""
_MAX_CONTEXTS = 32
_CONTEXTS: dict[object, ssl.SSLContext] = {}
_MAKING = Locks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Which servers are trusted, and what proves who the client is. Files are in PEM form; they are read when a client
    is made.

    Args:
        ca_file: the authorities that are trusted, in place of the system's.
        certificate: the client's own, with the chain that leads to its authority, and its key if `key` is not given.
        key: the private key.
        password: of the private key.
    """

    ca_file: _Path | None = None
    certificate: _Path | None = None
    key: _Path | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.certificate is None and (self.key is not None or self.password is not None):
            raise ValueError("Tls: a key is of no use without its certificate")


def checked_tls(tls: Tls | ssl.SSLContext | None) -> TlsContext:
    """Gives the context when it is needed. What the user configured is tried at once.

    Raises:
        ValueError: a file cannot be read, or does not hold what it should; a context is one for servers.
        TypeError: it is neither a `Tls` nor an `ssl.SSLContext`.
    """
    if tls is None:
        return context_of
    import ssl

    if isinstance(tls, ssl.SSLContext):
        if tls.protocol == ssl.PROTOCOL_TLS_SERVER:
            raise ValueError("tls: the context is one for servers (PROTOCOL_TLS_SERVER), and cannot connect")
        return lambda: tls
    if not isinstance(cast("object", tls), Tls):
        raise TypeError(f"tls must be a zen_native.Tls or an ssl.SSLContext, not {type(tls).__name__}")
    context = context_of(tls)
    return lambda: context


def context_of(tls: Tls | None = None) -> ssl.SSLContext:
    """The context of a configuration; without one, the authorities are the system's.

    Raises:
        TlsError: the environment names a file that cannot be used.
        ValueError: the configuration does.
    """
    key = _key(tls)
    found = _CONTEXTS.get(key)
    if found is None:
        with _MAKING.own():
            found = _CONTEXTS.get(key)
            if found is None:
                found = _made(tls or Tls())
                if len(_CONTEXTS) >= _MAX_CONTEXTS:
                    _CONTEXTS.clear()
                _CONTEXTS[key] = found
    return found


def is_at_hand(context: TlsContext) -> bool:
    """Whether giving it reads no files."""
    return context is not context_of or _key(None) in _CONTEXTS


def _key(tls: Tls | None) -> object:
    return (tls, *(os.environ.get(name) for name in _ENVIRONMENT), *_state(tls))


def _state(tls: Tls | None) -> list[tuple[int, int]]:
    """What tells whether the files are still the same; certificates are renewed in place."""
    files = () if tls is None else (tls.ca_file, tls.certificate, tls.key)
    found: list[tuple[int, int]] = []
    for file in files:
        if file is not None:
            try:
                said = os.stat(file)  # noqa: PTH116 - a path may be a string
            except OSError as error:
                raise ValueError(f"Tls: {os.fspath(file)!r} cannot be read: {error.strerror}") from None
            found.append((said.st_mtime_ns, said.st_size))
    return found


def _made(tls: Tls) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:
        if tls.ca_file is None:  # SSLKEYLOGFILE
            raise TlsError(f"no TLS in this environment: {error}") from None
        raise _unusable(tls.ca_file, "holds no certificates of authorities", error) from None
    if tls.ca_file is None and not _has_authorities(context):
        _take_certifi(context)
    if tls.certificate is not None:
        try:
            # Without a password the terminal would be asked for it.
            context.load_cert_chain(tls.certificate, tls.key, tls.password or "")
        except OSError as error:
            raise _unusable(tls.certificate, "is not usable as a certificate with its key", error) from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unusable(file: _Path | None, what: str, error: OSError) -> ValueError:
    said = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return ValueError(f"Tls: {os.fspath(file or '')!r} {what}: {said}")


def _has_authorities(context: ssl.SSLContext) -> bool:
    import ssl

    if context.cert_store_stats()["x509_ca"]:
        return True
    # Not loaded, but looked into for every certificate; typed as if it were always there.
    folder: str | None = ssl.get_default_verify_paths().capath
    return bool(folder and os.listdir(folder))  # noqa: PTH208 - one call


def _take_certifi(context: ssl.SSLContext) -> None:
    """Where the system has no authorities, as Python on macOS often finds none, those that httpx brings."""
    try:
        certifi: Any = import_module("certifi")
    except ImportError:
        return
    context.load_verify_locations(certifi.where())
