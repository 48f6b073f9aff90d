"""Which proxy a request goes through, by the environment and the system's settings.

Owns no connection. The rules are the standard library's: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

__all__ = ["Proxies"]

_MAX_HOSTS = 1024


class Proxies:
    """The settings as they were found; they are read once, for that takes as long as many a request."""

    __slots__ = ("_by_host", "_found")

    def __init__(self) -> None:
        self._found = _settings()
        self._by_host: dict[str, str | None] = {}

    def proxy_for(self, url: str) -> str | None:
        """The URL of the proxy, None where the request goes straight to its host."""
        if not self._found:
            return None
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._by_host:
            if len(self._by_host) >= _MAX_HOSTS:
                self._by_host.clear()
            self._by_host[host] = self._choose(parts.scheme, parts.netloc, parts.hostname or "")
        return self._by_host.get(host)

    def _choose(self, scheme: str, netloc: str, host: str) -> str | None:
        from urllib.request import proxy_bypass

        proxy = self._found.get(scheme) or self._found.get("all")
        # The library compares as it was written, and `::1` stands in brackets here.
        if not proxy or proxy_bypass(netloc) or (":" in host and proxy_bypass(host)):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def _settings() -> dict[str, str]:
    """By scheme. Where only the environment can say something and does not, the library is not even imported: that
    takes longer than a request."""
    named = {name.lower() for name in os.environ if name.lower().endswith("_proxy")} - {"no_proxy"}
    if sys.platform not in ("darwin", "win32") and not named:
        return {}
    from urllib.request import getproxies

    return getproxies()
