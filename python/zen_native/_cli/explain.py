"""`zen-native explain`: where a request would go, who would decode the answer, and what would be sent. Sends nothing.

Owns the report. Keys are shown nowhere: of environment variables, only whether they are set.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from zen_native.catalogue import FLAG as TABLE_FLAG
from zen_native.errors import LLMError
from zen_native.gate import Reason
from zen_native.routing import provider_of
from zen_native.runtimes import FLAG

from .asking import explained, prompt_of, request_of
from .screen import Screen, Style, open_screen
from .sink import print_error
from .text import count, line, money

if TYPE_CHECKING:
    from zen_native.explain import Explanation
    from zen_native.route import ModelInfo

__all__ = ["run_explain"]

_EXAMPLE = "..."


def run_explain(chosen: Namespace) -> int:
    """Print the report; 1 if the request could not be sent."""
    prompt = _EXAMPLE if chosen.prompt is None else prompt_of(chosen)
    try:
        told = explained(request_of(chosen, prompt), chosen.runtime)
    except LLMError as error:
        print_error(error, as_json=chosen.json)
        return 1
    if chosen.json:
        sys.stdout.write(json.dumps(_document(told), indent=2) + "\n")
    else:
        _print(open_screen(), told)
    return 0 if told.has_key else 1


def _environment(told: Explanation) -> dict[str, bool]:
    """Every variable that counts for this request, and whether it is set."""
    names = (*provider_of(told.route.provider).environment, FLAG, TABLE_FLAG)
    return {name: bool(os.environ.get(name)) for name in names}


def _document(told: Explanation) -> dict[str, Any]:
    route, decision = told.route, told.decision
    return {
        "provider": route.provider,
        "model": route.model,
        "protocol": route.protocol,
        "framing": route.framing,
        "url": told.url,
        "auth": route.auth,
        "has_key": told.has_key,
        "key_hint": None if told.has_key else route.key_hint,
        "environment": _environment(told),
        "runtime": {"name": decision.runtime, "reason": decision.reason.slug, "detail": decision.detail},
        "transport": {
            "name": decision.transport,
            "reason": decision.transport_reason.slug,
            "detail": decision.transport_detail,
        },
        "context": None if route.info is None else route.info.context,
        "headers": dict(told.headers),
        "body": told.body,
        "warnings": told.warnings,
    }


def _print(screen: Screen, told: Explanation) -> None:
    route, decision = told.route, told.decision
    _row(screen, "model", f"{route.model} at {route.provider}")
    _row(screen, "protocol", f"{route.protocol}, framed as {route.framing}")
    _row(screen, "sends to", f"POST {told.url}")
    _row(screen, "key", *_key(told))
    for number, (name, is_set) in enumerate(_environment(told).items()):
        _row(screen, "" if number else "environment", f"{name}: {'set' if is_set else 'not set'}", _dim(not is_set))
    _row(screen, "runtime", _chosen(decision.runtime, decision.reason, decision.detail))
    moved = _chosen(decision.transport, decision.transport_reason, decision.transport_detail)
    _row(screen, "transport", moved)
    for label, text in _facts(route.info):
        _row(screen, label, text)
    for warning in told.warnings:
        _row(screen, "warning", warning, "bad")
    for name, value in told.headers.items():
        _row(screen, "header", f"{name}: {value}", "dim")
    _row(screen, "body", json.dumps(told.body, ensure_ascii=False))


def _key(told: Explanation) -> tuple[str, Style]:
    route = told.route
    if route.auth == "none":
        return "none is needed", ""
    if route.auth == "sigv4":
        return "signed with AWS credentials, which are asked for when it is sent", ""
    if route.auth == "anthropic-profile":
        return f"a token of the profile {route.profile!r}, which is asked for when it is sent", ""
    if told.has_key:
        return f"there is one, sent as {route.auth}", "good"
    return f"missing: {route.key_hint}", "bad"


def _facts(info: ModelInfo | None) -> list[tuple[str, str]]:
    if info is None:
        return [("table", "does not have this model")]
    prices = info.prices
    costs = "prices not known"
    if prices is not None:
        costs = f"{money(prices.input)} in, {money(prices.output)} out per million"
    said = f"context {count(info.context)}, output {count(info.max_output)}; {costs} ({info.source}, {info.as_of})"
    return [("table", said)]


def _chosen(name: str, reason: Reason, detail: str) -> str:
    return f"{name}: {detail}" if reason is Reason.NATIVE else f"{name}, by {reason.slug}: {detail}"


def _dim(wanted: bool) -> Style:
    return "dim" if wanted else ""


def _row(screen: Screen, label: str, text: str, style: Style = "") -> None:
    screen.write(f"{label:<13}", "label")
    screen.write(f"{line(text)}\n", style)
