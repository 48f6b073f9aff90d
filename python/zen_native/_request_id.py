"""The id of an answer, by which its sender finds it again. Owns which headers may have it."""

from __future__ import annotations

from collections.abc import Mapping

from ._redact import clean

__all__ = ["HEADERS", "request_id_in"]

HEADERS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "apim-request-id",
    "x-goog-request-id",
    "x-oneapi-request-id",
    "cf-ray",
)
_MAX = 200


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The id, by whoever gave one. The names of the headers are in lower case."""
    said = next((headers[key] for key in HEADERS if headers.get(key)), None)
    return None if said is None else clean(said[:_MAX])
