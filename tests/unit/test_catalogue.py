"""The table of models: what is in the package's, how tables are read, refreshed and refused."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from zen_native.catalogue import FORM, Table, load_table, package_table, parse_table, refresh
from zen_native.providers import PROVIDERS


def table(**models: Any) -> dict[str, Any]:
    return {"form": FORM, "as_of": "2026-01-02", "source": "a test", "providers": {"opencode": {"models": models}}}


CHAT = {"protocol": "openai-chat"}


# --- the package's


def test_package_table_has_every_model_of_both_gateways() -> None:
    listed = package_table()
    assert Counter(entry.provider for entry in listed.models.values()) == {"opencode": 77, "opencode-go": 33}
    assert listed.as_of == "2026-09-28"
    assert "models.dev" in listed.source
    assert "MIT" in listed.license


def test_package_table_agrees_with_the_formats_that_were_published() -> None:
    counts = Counter((entry.provider, entry.protocol) for entry in package_table().models.values())
    assert counts == {
        ("opencode", "openai-chat"): 24,
        ("opencode", "openai-responses"): 30,
        ("opencode", "anthropic-messages"): 16,
        ("opencode", "google-generate-content"): 7,
        ("opencode-go", "openai-chat"): 24,
        ("opencode-go", "openai-responses"): 6,
        ("opencode-go", "anthropic-messages"): 3,
    }


def test_package_table_is_at_home() -> None:
    for entry in package_table().models.values():
        assert entry.base_url == PROVIDERS[entry.provider].base_url
        assert entry.protocol in PROVIDERS[entry.provider].endpoints
        assert entry.info.context
        assert entry.info.max_output


def test_package_table_puts_zen_before_go() -> None:
    assert [entry.provider for entry in package_table().find("kimi-k3")] == ["opencode", "opencode-go"]


def test_prices_are_exact_and_free_is_not_unknown() -> None:
    listed = package_table()
    free = listed.models["opencode/big-pickle"].info.prices
    assert free is not None
    assert (free.input, free.cache_write) == (Decimal(0), Decimal(0))
    tiered = listed.models["opencode/claude-sonnet-4"].info.prices
    assert tiered is not None
    assert (tiered.output, tiered.cache_write) == (Decimal(15), Decimal("3.75"))
    (tier,) = tiered.tiers
    assert (tier.above_input_tokens, tier.input, tier.output) == (200000, Decimal(6), Decimal("22.5"))


# --- reading


def test_row_needs_only_its_protocol() -> None:
    entry = parse_table(table(m=CHAT)).models["opencode/m"]
    assert (entry.info.context, entry.info.reasoning, entry.info.prices, entry.base_url) == (None, None, None, None)


def test_price_may_be_text_or_a_number_and_stays_exact(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    text = json.dumps(table(m={**CHAT, "prices": {"input": "0.1", "output": "NUMBER"}}))
    path.write_text(text.replace('"NUMBER"', "0.30000000000000001"))
    prices = load_table(path).models["opencode/m"].info.prices
    assert prices is not None
    assert (prices.input, prices.output) == (Decimal("0.1"), Decimal("0.30000000000000001"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "unknown protocol None"),
        ({"protocol": "gopher"}, "unknown protocol 'gopher'"),
        ({**CHAT, "limits": {"context": "many"}}, "context: must be a number of tokens"),
        ({**CHAT, "limits": {"context": -1}}, "context: must be a number of tokens"),
        ({**CHAT, "limits": {"context": True}}, "context: must be a number of tokens"),
        ({**CHAT, "limits": []}, "limits: must be an object"),
        ({**CHAT, "prices": {"input": "cheap"}}, "a price is a number"),
        ({**CHAT, "prices": {"input": "-1"}}, "a price is a number"),
        ({**CHAT, "prices": {"input": "NaN"}}, "a price is a number"),
        ({**CHAT, "prices": {"input": True}}, "a price is a number"),
        ({**CHAT, "prices": {"tiers": {}}}, "tiers: must be a list"),
        ({**CHAT, "base_url": "ftp://x"}, r"base_url: a base URL must"),
        ({**CHAT, "base_url": 1}, "base_url: must be a text"),
        ({**CHAT, "reasoning": "yes"}, "reasoning is true, false or null"),
        ("chat", "must be an object"),
    ],
)
def test_row_that_is_wrong_says_where(row: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"providers\.opencode\.models\.m.*{message}"):
        parse_table(table(m=row))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the document: must be an object"),
        ({}, "not a table of models"),
        ({"form": "zen-native-models/2"}, "not a table of models"),
        ({"form": FORM, "source": "s"}, "as_of: must be a text"),
        ({"form": FORM, "as_of": "2026-01-02", "source": "s"}, "providers: must be an object"),
        ({**table(), "providers": {"a/b": {"models": {"m": CHAT}}}}, "has no slash"),
    ],
)
def test_document_that_is_no_table_is_refused(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_table(document)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"form": NaN}', b"[" * 200_000])
def test_file_that_is_no_json_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"t\.json: "):
        load_table(path)


def test_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with path.open("wb") as file:
        file.truncate((32 << 20) + 1)
    with pytest.raises(ValueError, match="at most 33554432 bytes"):
        load_table(path)


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(table(m=CHAT)))
    assert "opencode/m" in load_table(path).models
    path.write_text(json.dumps(table(n=CHAT)))
    os.utime(path, ns=(1, 1))
    assert "opencode/n" in load_table(path).models


# --- refreshing

MODELS_DEV = {
    "acme": {"npm": "@ai-sdk/openai", "api": "https://acme.example/v1", "models": {"x": {}}},
    "opencode": {
        "npm": "@ai-sdk/openai-compatible",
        "api": "https://opencode.ai/zen/v1",
        "models": {
            "plain": {
                "reasoning": True,
                "interleaved": {"field": "reasoning_details"},
                "limit": {"context": 1000, "output": 100},
                "cost": {
                    "input": 0.15,
                    "output": 1,
                    "cache_read": 0.1,
                    "context_over_200k": {"input": 0.3, "output": 2},
                },
            },
            "other": {"provider": {"npm": "@ai-sdk/anthropic"}, "limit": {"context": 1, "output": 1}},
            "moved": {"provider": {"npm": "@ai-sdk/google", "api": "https://opencode.ai/inference/v1"}},
            "strange": {"provider": {"npm": "@acme/sdk"}},
            "lured": {"provider": {"api": "https://evil.example/v1"}},
            "old": {"status": "deprecated"},
        },
    },
}


def written(tmp_path: Path, document: Any) -> str:
    path = tmp_path / "source.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_refresh_reads_the_catalogue_of_models_dev(tmp_path: Path) -> None:
    done = refresh(written(tmp_path, MODELS_DEV), tmp_path / "new.json", environ={})
    models = load_table(tmp_path / "new.json").models
    assert {name: entry.protocol for name, entry in models.items()} == {
        "opencode/moved": "google-generate-content",
        "opencode/other": "anthropic-messages",
        "opencode/plain": "openai-chat",
    }
    plain = models["opencode/plain"]
    assert plain.reasoning_field == "reasoning_details"
    assert plain.info.prices is not None
    assert plain.info.prices.input == Decimal("0.15")
    assert plain.info.prices.tiers[0].above_input_tokens == 200000
    assert models["opencode/moved"].base_url == "https://opencode.ai/inference/v1"
    assert done.table == load_table(tmp_path / "new.json")


def test_refresh_names_what_it_leaves_out(tmp_path: Path) -> None:
    done = refresh(written(tmp_path, MODELS_DEV), tmp_path / "new.json", environ={})
    assert done.skipped == (
        "opencode/strange: unknown package '@acme/sdk'",
        "opencode/lured: its address is not OpenCode Zen's",
        "opencode/old: deprecated, or without an id",
    )


def test_refresh_reads_the_list_of_the_command_line(tmp_path: Path) -> None:
    row = {"id": "opencode-go/m", "npm": "@ai-sdk/openai", "url": "https://opencode.ai/zen/go/v1"}
    cost = {
        "input": 1,
        "cache": {"read": 0.5, "write": 0},
        "tiers": [{"input": 2, "tier": {"type": "context", "size": 9}}],
    }
    listed = {"as_of": "2026-02-03", "source": "a list", "models": [{**row, "cost": cost}, {"id": "acme/m"}]}
    done = refresh(written(tmp_path, listed), tmp_path / "new.json", environ={})
    entry = done.table.models["opencode-go/m"]
    assert (done.table.as_of, done.table.source) == ("2026-02-03", "a list")
    assert entry.info.prices is not None
    assert (entry.info.prices.cache_read, entry.info.prices.cache_write) == (Decimal("0.5"), Decimal(0))
    assert [tier.above_input_tokens for tier in entry.info.prices.tiers] == [9]


def test_refresh_says_what_changed(tmp_path: Path) -> None:
    target = tmp_path / "new.json"
    target.write_text(json.dumps(table(gone=CHAT, same=CHAT, other=CHAT)))
    source = table(new=CHAT, same=CHAT, other={"protocol": "openai-responses"})
    done = refresh(written(tmp_path, {**source, "as_of": "2026-05-06"}), target, environ={})
    assert (done.added, done.removed, done.changed) == (("opencode/new",), ("opencode/gone",), ("opencode/other",))


def test_refresh_writes_to_the_file_of_the_environment(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "t.json"
    done = refresh(written(tmp_path, table(m=CHAT)), environ={"ZEN_NATIVE_MODELS": str(target)})
    assert done.path == target
    assert load_table(target).models.keys() == {"opencode/m"}


def test_refresh_without_a_target_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="set ZEN_NATIVE_MODELS"):
        refresh(written(tmp_path, table(m=CHAT)), environ={})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"opencode": {"models": {}}},
        {"models": []},
        {"models": ["m"]},
        [],
        {"form": "other"},
        {"opencode": {"models": {"m": {"npm": "@ai-sdk/openai", "limit": {"context": 1.5}}}}},
        {"opencode": {"models": {"m": {"npm": "@ai-sdk/openai", "cost": {"tiers": 1}}}}},
        {"opencode": {"models": {"m": {"npm": "@ai-sdk/openai", "cost": {"input": "free"}}}}},
    ],
)
def test_refresh_from_what_is_no_catalogue_leaves_the_table_as_it_is(tmp_path: Path, document: Any) -> None:
    target = tmp_path / "t.json"
    target.write_text(json.dumps(table(m=CHAT)))
    before = target.read_bytes()
    with pytest.raises(ValueError, match=r"catalogue|not a table|m\b.*(must|price)|models\[0\]"):
        refresh(written(tmp_path, document), target, environ={})
    assert target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"t.json", "source.json"}


def test_written_table_has_one_model_a_line_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    refresh(str(Path(load_table.__code__.co_filename).parent / "data" / "models.json"), path, environ={})
    assert load_table(path) == package_table()
    assert sum('"protocol"' in line for line in path.read_text().splitlines()) == 110


class _Catalogue(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(table(m=CHAT)).encode()
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("location", "/catalogue")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b" " * (33 << 20) if self.path == "/endless" else body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Catalogue) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_refresh_from_a_url(tmp_path: Path, server: str) -> None:
    done: Table = refresh(f"{server}/catalogue", tmp_path / "t.json", environ={}).table
    assert done.models.keys() == {"opencode/m"}


def test_refresh_follows_no_redirect(tmp_path: Path, server: str) -> None:
    with pytest.raises(OSError, match="answered 302, moved to /catalogue"):
        refresh(f"{server}/moved", tmp_path / "t.json", environ={})


def test_refresh_from_an_endless_url_stops(tmp_path: Path, server: str) -> None:
    with pytest.raises(ValueError, match="at most 33554432 bytes"):
        refresh(f"{server}/endless", tmp_path / "t.json", environ={})


def test_refresh_from_a_url_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="127"):
        refresh("http://127.0.0.1:1/x", tmp_path / "t.json", environ={})
