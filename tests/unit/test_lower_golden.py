"""Every scenario in every format, against files; `ZEN_UPDATE_GOLDEN=1` writes them anew."""

from __future__ import annotations

import json
import os

import pytest
from tests.kit.lowering import GOLDEN, SCENARIOS, golden_text, lowered

from zen_native.dialect import Dialect

# One server of each format, with all that its own documentation has.
SERVERS: dict[str, tuple[str, Dialect]] = {
    "openai-chat": (
        "gpt-5.4",
        Dialect(
            max_tokens="max_completion_tokens",
            system_role="developer",
            store=True,
            strict_tools=True,
            freeform_tools=True,
            prompt_cache_key=True,
            metadata=True,
            tool_ids="short",
            media=frozenset({"image", "image-url", "document", "document-file", "audio"}),
        ),
    ),
    "anthropic-messages": ("claude-sonnet-4-5", Dialect(strict_tools=True)),
    "bedrock-invoke-anthropic": ("global.anthropic.claude-opus-4-8-20260528-v1:0", Dialect()),
    "bedrock-converse": ("eu.anthropic.claude-sonnet-4-6", Dialect(metadata=True)),
    "google-generate-content": ("gemini-3.5-flash", Dialect()),
    "openai-responses": (
        "gpt-5.4",
        Dialect(system_role="developer", strict_tools=True, freeform_tools=True, prompt_cache_key=True, metadata=True),
    ),
}

CASES = [(protocol, scenario) for protocol in SERVERS for scenario in SCENARIOS]


@pytest.mark.parametrize(("protocol", "scenario"), CASES)
def test_golden(protocol: str, scenario: str) -> None:
    found = lowered(protocol, scenario, *SERVERS[protocol])
    path = GOLDEN / protocol / f"{scenario}.json"
    if os.environ.get("ZEN_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(golden_text(found), encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


def test_no_golden_file_is_left_over() -> None:
    known = {GOLDEN / protocol / f"{scenario}.json" for protocol, scenario in CASES}
    assert set(GOLDEN.rglob("*.json")) == known
