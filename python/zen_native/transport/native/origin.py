"""Where a URL leads: `Origin`, and the target that stands in the first line of a request.

Owns no check of what a user may configure (`route` has it): this is the last line, and knows nothing but HTTP.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from zen_native.errors import TransportError

__all__ = ["Origin", "parted"]

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[!-~]+")
_TARGET = re.compile(r"[!#-;=?-Z\[\]_a-z~]*")
_SAFE = "!#$%&'()*+,/:;=?@[]_~-."


class Origin(NamedTuple):
    """Whom a connection is to; the host as it is looked up, an IPv6 address without brackets."""

    secure: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As the field `host` has it (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"


def parted(url: str) -> tuple[Origin, str]:
    """The origin of a URL, and the target: path and query, percent-encoded where that is called for.

    Raises:
        TransportError: it is no URL of http or https.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or parts.scheme not in _PORTS or not host or not _HOST.fullmatch(host):
        raise TransportError("the URL of the request is none of http or https with a host")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target):
        target = quote(target, safe=_SAFE)
    return Origin(parts.scheme == "https", host.lower(), _PORTS[parts.scheme] if port is None else port), target
