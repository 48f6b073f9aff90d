"""Where a URL leads: `Origin`, and the target that stands in the first line of a request.

Owns no check of what a user may configure (`route` has it): this is the last line, and knows nothing but HTTP.
"""

from __future__ import annotations

import re
from functools import lru_cache
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

    def unreachable(self, error: OSError | None = None) -> str:
        """What is said where no connection came about, for that, or in time."""
        said = f"no connection to {self.authority}"
        return said if error is None else f"{said}: {type(error).__name__}: {error}"


def parted(url: str) -> tuple[Origin, str]:
    """The origin of a URL, and the target: path and query, percent-encoded where that is called for.

    Raises:
        TransportError: it is no URL of http or https.
    """
    # What is remembered outlives the client, and a query may hold a key.
    place, mark, query = url.partition("?")
    origin, path = _parted(place)
    query = query.partition("#")[0]
    return origin, path if not query or "#" in place else path + mark + _quoted(query)


@lru_cache(maxsize=256)
def _parted(url: str) -> tuple[Origin, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = parts = None
    if parts is None or parts.scheme not in _PORTS or not host or not _HOST.fullmatch(host):
        raise TransportError("the URL of the request is none of http or https with a host")
    port = _PORTS[parts.scheme] if port is None else port
    return Origin(parts.scheme == "https", host.lower(), port), _quoted(parts.path or "/")


def _quoted(text: str) -> str:
    return text if _TARGET.fullmatch(text) else quote(text, safe=_SAFE)
