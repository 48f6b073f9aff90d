"""Certificates of every kind for servers on the loopback interface, made on the spot. Owns no expectation."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

__all__ = ["MONTH", "Authority"]

HOST = "127.0.0.1"
MONTH = timedelta(days=30)


class Authority:
    """An authority, whose certificate is in a file, and the contexts of servers that it vouches for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, host: str = HOST, *, since: timedelta | None = None) -> ssl.SSLContext:
        """A server's context, with a certificate for that host. `since` (from now, for a month): when it holds."""
        context, begin = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), datetime.now(UTC) + (since or timedelta())
        limits = {} if since is None else {"not_before": begin, "not_after": begin + MONTH}
        self._ca.issue_cert(host, **limits).configure_cert(context)
        return context

    def server_file(self) -> Path:
        """The same for a server in another process: a file with certificate and key."""
        path = self._folder / "server.pem"
        self._ca.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def self_signed(self) -> ssl.SSLContext:
        """A server's context, with a certificate that nobody else has signed."""
        path = self._folder / "self-signed.pem"
        path.write_bytes(self._ca.private_key_pem.bytes() + self._ca.cert_pem.bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def demanding(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        """The context of a server that wants a certificate of the client's. Up to TLS 1.2 it says so while hands are
        shaken, later behind that."""
        context = self.server()
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = context.maximum_version = version
        self._ca.configure_trust(context)
        return context

    def client(self) -> tuple[Path, Path]:
        """A client's certificate and its key."""
        cert = self._ca.issue_cert("client@example.test")
        paths = self._folder / "client.pem", self._folder / "client.key"
        paths[0].write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))
        cert.private_key_pem.write_to_path(str(paths[1]))
        return paths

    def locked(self, path: Path, password: bytes) -> Path:
        """A file with a certificate and its key, which that password opens."""
        cert = self._ca.issue_cert("client@example.test")
        key = serialization.load_pem_private_key(cert.private_key_pem.bytes(), None)
        sealed = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
        path.write_bytes(sealed + cert.cert_chain_pems[0].bytes())
        return path
