"""Counts and costs of one step while its stream runs.

Owns the snapshot rule (the last present value of a field wins, absent erases nothing), the inclusive totals, and
what counts as a cost on the wire. Which wire field feeds which count is the protocol's business.
Twin of `rust/core/src/usage.rs`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from zen_native.runtimes.pure.json import as_count, as_object, as_text, scrub
from zen_native.usage import Usage

__all__ = ["Counts", "wire_cost"]

_MAX_COST_TEXT = 64
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_TICKS = re.compile(r"[0-9]+")
_TICKS_EXPONENT = -10  # xAI: 1 tick is 1e-10 USD (https://docs.x.ai/docs/key-information/consumption-and-rate-limits)


class Counts:
    """What was reported so far; `build` makes the public `Usage` of it.

    `input_excludes_cache`: `fresh` is the prompt without cache reads and writes (Anthropic, Bedrock).
    `output_excludes_reasoning`: `output` is without reasoning (Google).
    """

    __slots__ = (
        "cache_read",
        "cache_write",
        "cache_write_1h",
        "cost",
        "input",
        "input_excludes_cache",
        "list_cost",
        "output",
        "output_excludes_reasoning",
        "raw",
        "reasoning",
        "seen",
        "total",
    )

    def __init__(self, *, input_excludes_cache: bool = False, output_excludes_reasoning: bool = False) -> None:
        self.input_excludes_cache = input_excludes_cache
        self.output_excludes_reasoning = output_excludes_reasoning
        self.input: int | None = None
        self.output: int | None = None
        self.cache_read: int | None = None
        self.cache_write: int | None = None
        self.cache_write_1h: int | None = None
        self.reasoning: int | None = None
        self.total: int | None = None
        self.cost: Decimal | None = None
        self.list_cost: Decimal | None = None
        self.raw: Any = None
        self.seen = False

    def set(self, field: str, value: Any) -> None:
        """Takes a count where it is one; anything else leaves the field as it was."""
        count = as_count(value)
        if count is not None:
            setattr(self, field, count)
            self.seen = True

    def normalized(self, value: Any) -> None:
        """The OpenCode gateways' own summary; it only fills what the provider left unsaid.

        `inputTokens` there excludes cache reads and writes, `outputTokens` includes reasoning.
        """
        if self.seen:
            return
        usage = as_object(value)
        read, fresh = as_count(usage.get("cacheReadTokens")), as_count(usage.get("inputTokens"))
        short, long = as_count(usage.get("cacheWrite5mTokens")), as_count(usage.get("cacheWrite1hTokens"))
        output, reasoning = as_count(usage.get("outputTokens")), as_count(usage.get("reasoningTokens"))
        write = None if short is None and long is None else (short or 0) + (long or 0)
        cached = 0 if self.input_excludes_cache else (read or 0) + (write or 0)
        inside = (reasoning or 0) if self.output_excludes_reasoning else 0
        self.input = self.input if fresh is None else fresh + cached
        self.output = self.output if output is None else max(0, output - inside)
        self.cache_read = self.cache_read if read is None else read
        self.cache_write = self.cache_write if write is None else write
        self.cache_write_1h = self.cache_write_1h if long is None else long
        self.reasoning = self.reasoning if reasoning is None else reasoning

    def build(self) -> Usage:
        """The public form: inclusive totals, a total that adds up, cost from the wire."""
        total_input, total_output = self.input, self.output
        if self.input_excludes_cache and total_input is not None:
            total_input += (self.cache_read or 0) + (self.cache_write or 0)
        if self.output_excludes_reasoning and total_output is not None:
            total_output += self.reasoning or 0
        total = self.total
        if total_input is not None and total_output is not None:
            total = total_input + total_output
        return Usage(
            total_input,
            total_output,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.reasoning,
            total,
            self.cost,
            self.list_cost,
            None if self.cost is None else "wire",
            scrub(self.raw),
        )


def wire_cost(value: Any, *, ticks: bool = False) -> Decimal | None:
    """USD as the wire said: a non-negative decimal number, or a string of one, of at most 64 characters.

    Fractions must come from `json.parse_exact`, so that no float is ever money. Returns None for anything else.
    """
    if isinstance(value, str):
        text = as_text(value) or ""
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        text = str(value)
    else:
        return None
    if len(text) > _MAX_COST_TEXT or not (_TICKS if ticks else _DECIMAL).fullmatch(text):
        return None
    return Decimal(f"{text}E{_TICKS_EXPONENT}") if ticks else Decimal(text)
