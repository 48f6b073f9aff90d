"""Cassettes as files: read in any known form, written whole or not at all, never with a secret.

Owns sizes, the layout of the text and the choice of a form: our own, vcrpy's (YAML or JSON), or an exchange file (one
request and one answer, without chunks).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from .cassette import FORM, Cassette, CassetteError, object_of, parse, to_data
from .scan import check_no_secret

__all__ = ["MAX_FILE", "load_cassette", "save_cassette", "write_text"]

MAX_FILE = 128 << 20
_YAML = frozenset({".yaml", ".yml"})
_NOWHERE = "about:blank"
"""The address of an exchange whose origin has none; no request goes there."""


def load_cassette(path: str | Path) -> Cassette:
    """The cassette in that file.

    Raises:
        CassetteError: there is none that can be read; the message names the file and the place.
    """
    known = Path(path)
    try:
        if known.stat().st_size > MAX_FILE:
            raise CassetteError(f"a cassette has at most {MAX_FILE} bytes")
        return _parsed(known)
    except OSError as error:
        raise CassetteError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}") from None


def save_cassette(cassette: Cassette, path: str | Path, secrets: Iterable[str] = ()) -> None:
    """Write the cassette. A file that was there before stays as it was where this fails.

    Raises:
        SecretFoundError: it holds a secret: one of those named, or something that looks like a key.
        CassetteError: it is too large.
        OSError: it cannot be written.
    """
    check_no_secret(cassette, secrets)
    write_text(_layout(to_data(cassette)), Path(path))


def write_text(text: str, path: Path) -> None:
    """The text as a file, whole or not at all."""
    if len(text) > MAX_FILE or len(text.encode()) > MAX_FILE:
        raise CassetteError(f"{path}: a cassette has at most {MAX_FILE} bytes")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _parsed(path: Path) -> Cassette:
    if path.suffix.lower() in _YAML:
        from .vcr import parse_vcr, read_yaml

        return parse_vcr(read_yaml(path.read_bytes()))
    data = _json(path.read_bytes())
    top = object_of(data, "the document")
    if "form" in top:
        return parse(data)
    if "interactions" in top:
        from .vcr import parse_vcr

        return parse_vcr(data)
    if "response" in top:
        return _exchange(data)
    raise CassetteError(f"not a cassette: neither {FORM!r}, nor one of vcrpy, nor an exchange file")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise CassetteError("not JSON: nested too deeply") from None
    except UnicodeDecodeError:
        raise CassetteError("not JSON: not UTF-8") from None
    except json.JSONDecodeError as error:
        # Without the document, which the error keeps.
        raise CassetteError(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None


def _exchange(data: Any) -> Cassette:
    """One exchange: it has no chunks and, where its origin had none, no body of the request."""
    said = object_of(data, "the document")
    request = dict(object_of(said.get("request"), "request"))
    response = dict(object_of(said.get("response"), "response"))
    if request.get("body") is None and not {"body_text", "body_b64"} & request.keys():
        request["body_unknown"] = True
    for side in (request, response):
        side["headers"] = side.get("headers") or {}
    request["method"] = request.get("method") or "POST"
    request["url"] = request.get("url") or _NOWHERE
    known = parse({"form": FORM, "interactions": [{"request": request, "response": response}]})
    return replace(known, foreign=True)


def _layout(data: dict[str, Any]) -> str:
    """Indented, but with the chunks of an answer on one line."""
    mark = uuid4().hex  # what no recorded text can hold
    lines: list[str] = []
    for each in data["interactions"]:
        response = each["response"]
        lines.append(json.dumps(response["chunks"], separators=(",", ":")))
        response["chunks"] = f"{mark}{len(lines) - 1}"
    first, *pieces = _text(data).split(f'"{mark}')
    out = [first]
    for piece in pieces:
        index, _, rest = piece.partition('"')
        out.append(f"{lines[int(index)]}{rest}")
    return "".join(out) + "\n"


def _text(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, indent=1)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(data, indent=1)
    return text
