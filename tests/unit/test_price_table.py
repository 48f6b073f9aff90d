"""Which table has the word on a model's prices: the user's, the table of models, the kept library."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from zen_native._genai_prices import _library
from zen_native.price_table import FORM, Found, PriceTable, find_prices
from zen_native.pricing import price
from zen_native.route import Prices
from zen_native.routing import resolve
from zen_native.settings import Config, ProviderSettings
from zen_native.usage import Usage

USAGE = Usage(input_tokens=1000, output_tokens=100)
ROW = {"input": "2", "output": 10, "cache_read": "0.2"}


def document(**models: Any) -> dict[str, Any]:
    named = {name.replace("__", "/"): row for name, row in models.items()}
    return {"form": FORM, "as_of": "2026-11-01", "source": "our contract", "models": named}


# --- the user's table


def test_a_table_is_read_from_a_file_with_exact_prices(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    tiers = [{"above_input_tokens": 5, "input": "4", "output": "20"}]
    services = {"batch": {"input": "1", "output": "5"}}
    row = {**ROW, "calls": {"web_search": "0.01"}, "tiers": tiers, "services": services, "apart": ["audio"]}
    path.write_text(json.dumps(document(acme__m=row)))
    table = PriceTable.load(path)
    assert (table.as_of, table.source) == ("2026-11-01", "our contract")
    assert table.models["acme/m"] == Prices(
        input=Decimal(2),
        output=Decimal(10),
        cache_read=Decimal("0.2"),
        calls={"web_search": Decimal("0.01")},
        apart=("audio",),
        tiers=(Prices(input=Decimal(4), output=Decimal(20), above_input_tokens=5),),
        services={"batch": Prices(input=Decimal(1), output=Decimal(5))},
    )


def test_the_form_in_the_header_is_one() -> None:
    import zen_native.price_table as module

    text = (module.__doc__ or "").partition("\n    {")[2].partition("\n\n")[0]
    (row,) = PriceTable.parse(json.loads("{" + text)).models.values()
    assert (row.cache_write_1h, row.tiers[0].above_input_tokens) == (4, 200_000)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "the document: must be an object"),
        ({**document(), "form": "x"}, "not a table of prices"),
        ({**document(), "as_of": ""}, "as_of: must be a text"),
        ({**document(), "source": None}, "source: must be a text"),
        ({**document(), "models": []}, "models: must be an object"),
        (document(acme__m={"inputs": 1}), "models.acme/m: unknown field 'inputs'; known: above_input_tokens"),
        (document(acme__m={"input": "-1"}), "models.acme/m: a price is a number"),
        (document(acme__m={"input": True}), "models.acme/m: a price is a number"),
        (document(acme__m={"calls": {"web_search": "x"}}), "a price is a number"),
        (document(acme__m={"tiers": {}}), "models.acme/m.tiers: must be a list"),
        (document(acme__m={"tiers": [{"input": 1}]}), "models.acme/m.tiers: a tier needs above_input_tokens"),
        (document(acme__m={"services": {"flex": {"imput": 1}}}), "models.acme/m.services.flex: unknown field"),
    ],
)
def test_a_wrong_table_says_where(wrong: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(ValueError, match=r"prices\.json") as caught:
        PriceTable.load(path)
    assert message in str(caught.value)


def test_a_table_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zen_native.price_table.MAX_BYTES", 10)
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(document()))
    with pytest.raises(ValueError, match="at most 10 bytes"):
        PriceTable.load(path)


def test_the_user_has_the_first_word() -> None:
    named = {"anthropic/claude-sonnet-5": ROW, "opencode/claude-haiku-4-5": {}}
    own = PriceTable.parse({**document(), "models": named})
    assert price(USAGE, "anthropic/claude-sonnet-5", table=own).source == "our contract"
    assert price(USAGE, "opencode/claude-haiku-4-5", table=own).cost is None
    assert price(USAGE, "anthropic/claude-opus-4-5", table=own).source != "our contract"


def test_a_table_of_models_keeps_every_price_when_it_is_written(tmp_path: Path) -> None:
    from zen_native._catalogue_import import write_table
    from zen_native.catalogue import load_table, package_table

    entry = package_table().models["opencode/claude-haiku-4-5"]
    prices = replace(
        Prices(input=Decimal("0.1"), output=Decimal(2), cache_write_1h=Decimal(3), reasoning=Decimal(4)),
        calls={"web_search": Decimal("0.01")},
        apart=("audio",),
        tiers=(Prices(input=Decimal(5), above_input_tokens=7),),
        services={"flex": Prices(input=Decimal("0.05"))},
    )
    changed = replace(entry, info=replace(entry.info, prices=prices))
    path = tmp_path / "models.json"
    write_table(replace(package_table(), models={entry.name: changed}), path)
    assert load_table(path).models[entry.name].info.prices == prices


# --- OpenCode Zen and Go


def test_zen_prices_come_from_the_table_of_models_or_the_route() -> None:
    route = resolve("opencode/claude-sonnet-4-5", Config(environ={}))
    for model in ("opencode/claude-sonnet-4-5", "claude-sonnet-4-5", route):
        priced = price(USAGE, model)
        assert (priced.cost, priced.reason) == (Decimal("0.0045"), None)
        assert priced.as_of
    usage = Usage(input_tokens=200_001, output_tokens=0)
    assert price(usage, route).cost == Decimal("1.200006")


def test_zen_says_nothing_of_the_cache_where_it_is_free_and_has_no_price_of_calls() -> None:
    route = resolve("opencode/claude-sonnet-4-5", Config(environ={}))
    assert route.info is not None
    bare = replace(route, info=replace(route.info, prices=Prices(input=Decimal(2), output=Decimal(4))))
    usage = Usage(input_tokens=1000, cache_read_tokens=600, cache_write_tokens=300, output_tokens=0)
    assert price(usage, bare, calls={"web_search": 2}).cost == Decimal("0.0002")
    assert price(replace(usage, cache_write_1h_tokens=1), bare).reason == (
        f"{route.info.source} has no price for cache-write-1h tokens"
    )


def test_every_model_of_the_package_table_has_a_price_or_a_reason() -> None:
    from zen_native.catalogue import package_table

    for name in package_table().models:
        priced = price(USAGE, name)
        assert (priced.cost is None) == (priced.reason is not None)
        assert priced.cost is not None, name


# --- the kept library


def test_the_library_has_the_providers_own_prices() -> None:
    """Anthropic, Bedrock (regional profiles cost a tenth more), OpenAI, Google, xAI; platform.claude.com and others."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for model, cost in (
        ("anthropic/claude-sonnet-4-5", "0.0045"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "0.00495"),
        ("openai/gpt-5", "0.00225"),
        ("openai-chat/gpt-5", "0.00225"),
        ("google/gemini-2.5-pro", "0.00225"),
        ("xai/grok-4.5", "0.0026"),
    ):
        priced = price(USAGE, model, at=at)
        assert (priced.cost, priced.reason) == (Decimal(cost), None), model
        assert priced.source is not None
        assert priced.source.startswith("genai-prices 0.")


def test_the_librarys_tiers_and_services_are_rows() -> None:
    """https://developers.openai.com/api/docs/models/gpt-5.5 and openai.com/api-priority-processing."""
    found = find_prices("openai/gpt-5.5", None, datetime(2026, 11, 1, tzinfo=UTC))
    assert found.prices is not None
    (long,) = found.prices.tiers
    assert (found.prices.input, found.prices.output, found.prices.cache_read) == (5, 30, Decimal("0.5"))
    assert (long.above_input_tokens, long.input, long.output, long.cache_read) == (272_000, 10, 45, 1)
    assert found.prices.services["flex"].input == Decimal("2.5")
    assert found.prices.services["batch"].output == 15
    assert found.prices.services["priority"].input == Decimal("12.5")
    assert found.prices.calls["web_search"] == Decimal("0.01")


def test_what_anthropic_does_not_charge_is_free() -> None:
    raw = {"server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 4}}
    usage = Usage(input_tokens=0, output_tokens=0, raw=raw)
    assert price(usage, "anthropic/claude-sonnet-4-5").cost == Decimal("0.01")


def test_a_tier_that_the_library_does_not_have_is_not_the_ordinary_one() -> None:
    priced = price(USAGE, "anthropic/claude-sonnet-4-5", service_tier="priority")
    assert priced.cost is None
    assert "no prices for the service tier 'priority'" in (priced.reason or "")


def test_audio_is_not_charged_as_text() -> None:
    """https://ai.google.dev/gemini-api/docs/pricing: audio in has another price with 2.5 Flash."""
    raw = {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 500}]}
    priced = price(replace(USAGE, raw=raw), "google/gemini-2.5-flash")
    assert (priced.cost, priced.reason) == (None, "audio tokens have prices of their own")


def test_prices_have_a_beginning() -> None:
    """https://platform.claude.com/docs/en/release-notes/overview: no long-context price from 13 March 2026 on."""
    usage = Usage(input_tokens=300_000, output_tokens=0)
    model = "anthropic/claude-sonnet-4-6"
    assert price(usage, model, at=datetime(2026, 3, 12, tzinfo=UTC)).cost == Decimal("1.8")
    assert price(usage, model, at=datetime(2026, 3, 13, tzinfo=UTC)).cost == Decimal("0.9")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("anthropic/claude-nobody-9", "does not know anthropic/claude-nobody-9"),
        ("ollama/llama3", "no table of prices has models of ollama"),
        ("nobody/x", "no table of prices has models of nobody"),
        ("nobody-knows-it", "names no provider"),
    ],
)
def test_who_is_not_in_a_table_has_a_reason(model: str, reason: str) -> None:
    priced = price(USAGE, model)
    assert priced.cost is None
    assert reason in (priced.reason or "")


def test_another_address_has_other_prices() -> None:
    own = resolve("openai/gpt-5", Config(environ={}))
    assert price(USAGE, own).cost == Decimal("0.00225")
    settings = {"openai": ProviderSettings(base_url="https://eu.api.openai.com/v1")}
    elsewhere = resolve("openai/gpt-5", Config(environ={}, providers=settings))
    assert price(USAGE, elsewhere).reason == (
        "https://eu.api.openai.com is not openai's own address, so its prices are not known"
    )
    named = PriceTable(as_of="2026-11-01", source="ours", models={"openai/gpt-5": Prices(input=Decimal(1))})
    assert price(replace(USAGE, output_tokens=0), elsewhere, table=named).cost == Decimal("0.001")


def test_a_row_of_the_library_is_kept_while_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price with a beginning counts from then on, and other prices of the library at once."""
    from genai_prices import data_snapshot
    from genai_prices.types import ConditionalPrice, ModelPrice, StartDateConstraint

    def row(at: datetime | None = None) -> Found:
        return find_prices("openai/gpt-4o-mini", None, at)

    moment = datetime(2026, 6, 1, tzinfo=UTC)
    assert row() is row()
    assert row(moment) is row(moment)
    snapshot = data_snapshot.get_snapshot()
    _, info = snapshot.find_provider_model("gpt-4o-mini", None, "openai", None)
    later = ConditionalPrice(constraint=StartDateConstraint(moment.date()), prices=ModelPrice(input_mtok=Decimal(7)))
    changed = replace(info, prices=[ConditionalPrice(constraint=None, prices=info.prices), later])
    other = replace(snapshot)
    monkeypatch.setattr(other, "find_provider_model", lambda *_: (None, changed))
    monkeypatch.setattr(data_snapshot, "get_snapshot", lambda: other)
    for _ in range(2):
        for at, expected in (
            (moment, Decimal(7)),
            (moment - timedelta(seconds=1), Decimal("0.15")),
            (None, Decimal(7)),
        ):
            found = row(at)
            assert found.prices is not None
            assert found.prices.input == expected
            assert row(at) is found


def test_without_the_library_the_reason_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.setattr("zen_native._genai_prices._library", lru_cache(_library.__wrapped__))
    priced = price(USAGE, "anthropic/claude-sonnet-4-5")
    assert priced.cost is None
    assert priced.reason == (
        'no table has prices of anthropic/claude-sonnet-4-5: install "zen-native[prices]" or name a table of your own'
    )
    assert price(USAGE, "opencode/claude-sonnet-4-5").cost == Decimal("0.0045")


def test_the_library_is_not_imported_before_it_is_asked() -> None:
    code = (
        "import sys, zen_native.pricing as p; from zen_native.usage import Usage;"
        "p.price(Usage(input_tokens=1, output_tokens=1), 'opencode/claude-haiku-4-5');"
        "print(sorted({'genai_prices', 'httpx2', 'pydantic', 'httpx'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
