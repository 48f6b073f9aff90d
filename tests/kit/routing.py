"""Configurations of routes for tests, and a sentinel for a key. Owns no expectation."""

from __future__ import annotations

from pathlib import Path

from zen_native.settings import Config, ProviderSettings

__all__ = ["SENTINEL", "config"]

SENTINEL = "sentinel-key-5190"


def config(environ: dict[str, str] | None = None, models: Path | None = None, **providers: ProviderSettings) -> Config:
    """With these providers, and nothing of this process's environment."""
    named = {name.replace("_", "-"): settings for name, settings in providers.items()}
    return Config(providers=named, models=models, environ=environ or {})
