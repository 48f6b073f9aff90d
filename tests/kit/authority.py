"""Certificates of every kind for servers on the loopback interface, made on the spot. Owns no expectation."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

__all__ = ["Authority"]

HOST = "127.0.0.1"
_LONG_AGO = datetime.now(UTC) - timedelta(days=30)


class Authority:
    """An authority, whose certificate is in a file, and the contexts of servers that it vouches for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def server(self, host: str = HOST, *, expired: bool = False) -> ssl.SSLContext:
        """A server's context, with a certificate for that host."""
        until = {"not_before": _LONG_AGO - timedelta(days=30), "not_after": _LONG_AGO} if expired else {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(host, **until).configure_cert(context)
        return context

    def self_signed(self) -> ssl.SSLContext:
        """A server's context, with a certificate that nobody else has signed."""
        path = self._folder / "self-signed.pem"
        path.write_bytes(self._ca.private_key_pem.bytes() + self._ca.cert_pem.bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def demanding(self) -> ssl.SSLContext:
        """The context of a server that wants a certificate of the client's, and says so while hands are shaken."""
        context = self.server()
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # later ones say it behind the handshake
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
