"""Both runtimes over the same bytes."""
