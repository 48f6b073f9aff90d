"""A request as bytes: that it is one request, whatever its headers say."""

from __future__ import annotations

import pytest

import zen_native as zen
from zen_native.transport.base import HttpRequest
from zen_native.transport.native.head import Heads, head_of, is_last
from zen_native.transport.native.origin import Origin, parted

ORIGIN = Origin(True, "api.example", 443)
SECRET = "sk-sentinel-0123456789"


def head(headers: dict[str, str], body: bytes = b"four", target: str = "/v1?a=b") -> bytes:
    return bytes(head_of(HttpRequest("POST", "https://unused.example", headers, body), ORIGIN, target))


def test_a_head() -> None:
    assert head({"Authorization": "Bearer x", "x-a": "1\t2"}) == (
        b"POST /v1?a=b HTTP/1.1\r\nhost: api.example\r\n"
        b"Authorization: Bearer x\r\nx-a: 1\t2\r\ncontent-length: 4\r\n\r\n"
    )


def test_a_request_without_a_body_says_so() -> None:
    assert head({}, b"").endswith(b"content-length: 0\r\n\r\n")


def test_a_host_of_the_callers_takes_the_place_of_the_other() -> None:
    assert head({"Host": "front.example"}).count(b"host:") == 1
    assert b"\r\nhost: front.example\r\n" in head({"Host": "front.example"})


@pytest.mark.parametrize(
    "name", ["x\r\nx-b", "x\nx-b", "x:", "x y", " x", "x ", "", "\u00e9", "x\0", "x\x7f", "\u212a", "(x)", '"x"', "x/y"]
)
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(zen.InvalidRequestError, match="not the name of a header"):
        head({name: "1"})


@pytest.mark.parametrize(
    "value",
    [
        f"{SECRET}\r\nx-b: 1",
        f"{SECRET}\nx-b: 1",
        f"{SECRET}\r",
        f"{SECRET}\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        f"{SECRET}\0",
        f"{SECRET}\x7f",
        f"{SECRET}\x0b",
        f"{SECRET}\x85",
        f"{SECRET}\u2028x",
        f"{SECRET}\u560d\u560a",
    ],
)
def test_a_value_that_could_begin_another_line(value: str) -> None:
    with pytest.raises(zen.InvalidRequestError, match="the value of the header 'x-a' is not printable ASCII") as caught:
        head({"x-a": value})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", ""),
        ("Content-Length", "5"),
        ("content-length", "4, 4"),
        ("content-length", "+4"),
        ("content-length", "04"),
        ("content-length", ""),
        ("Upgrade", "h2c"),
        ("Trailer", "x-a"),
    ],
)
def test_where_the_request_ends_is_not_the_callers_to_say(name: str, value: str) -> None:
    with pytest.raises(zen.InvalidRequestError, match="is the transport's to set"):
        head({name: value})


def test_the_right_length_is_said_once() -> None:
    assert head({"Content-Length": "4", "content-length": "4"}).lower().count(b"content-length") == 1


def test_its_repr_has_nothing_of_it() -> None:
    made = head_of(HttpRequest("POST", "", {"authorization": SECRET}, b""), ORIGIN, "/")
    assert SECRET.encode() in bytes(made)
    assert SECRET not in f"{made!r} {made} {[made]} {made!s}"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"connection": "keep-alive"}, False),
        ({"Connection": "Close"}, True),
        ({"connection": "x, close"}, True),
        ({"connection": "closed"}, False),
    ],
)
def test_who_says_that_no_other_request_follows(headers: dict[str, str], expected: bool) -> None:
    assert is_last(headers) is expected


URL = "https://api.example/v1?a=b"


def of(heads: Heads, headers: dict[str, str], body: bytes = b"four", method: str = "POST", url: str = URL) -> bytes:
    """What is remembered is what is made anew."""
    request = HttpRequest(method, url, headers, body)
    origin, made, last = heads.of(request)
    expected, target = parted(url)
    assert (origin, last) == (expected, is_last(headers))
    assert made == head_of(request, origin, target)
    assert SECRET not in repr(made)
    return made


def test_a_head_that_is_remembered_is_what_would_be_made() -> None:
    heads = Heads()
    for _ in range(2):
        of(heads, {"authorization": SECRET, "x": "1"})
        of(heads, {"authorization": SECRET, "x": "1"}, b"")
        of(heads, {"authorization": SECRET, "x": "1"}, b"a" * 100_000)
        of(heads, {"authorization": SECRET, "x": "2"})
        of(heads, {"x": "1", "authorization": SECRET})
        of(heads, {"authorization": SECRET, "x": "1", "connection": "close"})
        of(heads, {"host": "front.example", "x": "a: b"})
        of(heads, {}, method="PUT")
        of(heads, {}, url="http://[::1]:9/")


def test_a_header_that_is_changed_in_place_counts() -> None:
    heads, headers = Heads(), {"x": "1"}
    assert b"x: 1" in of(heads, headers)
    headers["x"] = "2"
    assert b"x: 2" in of(heads, headers)


def test_a_length_of_the_callers_is_checked_every_time() -> None:
    heads = Heads()
    of(heads, {"Content-Length": "4"})
    with pytest.raises(zen.InvalidRequestError, match="is the transport's to set"):
        of(heads, {"Content-Length": "4"}, b"five!")


def test_what_cannot_be_sent_is_refused_behind_what_can() -> None:
    heads = Heads()
    of(heads, {"x": "1"})
    for _ in range(2):
        with pytest.raises(zen.InvalidRequestError):
            heads.of(HttpRequest("POST", URL, {"x": "1\n"}, b""))


def test_so_many_heads_are_remembered_and_no_more() -> None:
    heads = Heads()
    for number in range(500):
        of(heads, {}, url=f"{URL}{number}")
    assert len(heads._known) <= 64
    assert SECRET not in repr([*heads._known.values()])
