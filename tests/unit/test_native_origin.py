"""Where a URL leads, and what stands in the first line of a request."""

from __future__ import annotations

import pytest

import zen_native as zen
from zen_native.transport.native import origin as subject
from zen_native.transport.native.origin import Origin, parted


@pytest.mark.parametrize(
    ("url", "expected", "target"),
    [
        ("https://api.example/v1/chat", Origin(True, "api.example", 443), "/v1/chat"),
        ("http://API.example:8080", Origin(False, "api.example", 8080), "/"),
        ("https://api.example?alt=sse", Origin(True, "api.example", 443), "/?alt=sse"),
        ("https://api.example/a?", Origin(True, "api.example", 443), "/a"),
        ("https://api.example/a?b=c?d#e", Origin(True, "api.example", 443), "/a?b=c?d"),
        ("https://api.example/a#b?c", Origin(True, "api.example", 443), "/a"),
        ("https://[::1]:8000/a", Origin(True, "::1", 8000), "/a"),
        ("https://api.example/a b?c=d e", Origin(True, "api.example", 443), "/a%20b?c=d%20e"),
        ("https://api.example/a?b=c\r\nx-a: 1", Origin(True, "api.example", 443), "/a?b=c%0D%0Ax-a:%201"),
        ("https://api.example/a%2Fb", Origin(True, "api.example", 443), "/a%2Fb"),
        ("https://api.example/\u00e9", Origin(True, "api.example", 443), "/%C3%A9"),
    ],
)
def test_where_a_url_leads(url: str, expected: Origin, target: str) -> None:
    assert parted(url) == (expected, target)


@pytest.mark.parametrize("url", ["ftp://a/", "https:///a", "https://a:b/", "https://a:99999/", "https://[::1", "?", ""])
def test_what_leads_nowhere(url: str) -> None:
    with pytest.raises(zen.TransportError, match="none of http or https"):
        parted(url)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://a:443", "a"),
        ("http://a:443", "a:443"),
        ("http://[::1]:80", "[::1]"),
        ("https://[::1]:80", "[::1]:80"),
    ],
)
def test_the_field_host(url: str, authority: str) -> None:
    assert parted(url)[0].authority == authority


def test_a_query_is_not_remembered() -> None:
    """It may hold a key, and what is remembered stays as long as the process."""
    subject._parted.cache_clear()
    for number in range(3):
        parted(f"https://remembered.example/a?key={number}")
    assert subject._parted.cache_info().currsize == 1
