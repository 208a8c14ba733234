# The project's vocabulary. `make help` lists it; CI calls nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
NEXTEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo yes)
NEXTEST_PROFILE := $(if $(CI),ci,default)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: wasm-target
wasm-target:
	@rustup target list --installed 2>/dev/null | grep -qx wasm32-wasip2 || rustup target add wasm32-wasip2

.PHONY: build
build: wasm-target ## Build the proxy with its embedded default policy
	cargo build --locked -p promweave

.PHONY: demo
demo: wasm-target ## Start the proxy in front of an embedded demo fleet
	@rm -rf '$(TARGET_DIR)/demo'
	cargo run --locked -p promweave -- demo --dir '$(TARGET_DIR)/demo'

.PHONY: policies
policies: wasm-target ## Build the example policies of docs/policies, fetching their languages' tools
	TARGET_DIR='$(TARGET_DIR)' bash docs/policies/build.sh

.PHONY: test
test: build policies ## Run every test, fetching a real Prometheus where none is installed
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	if [ '$(NEXTEST)' = yes ]; then \
	  cargo nextest run --locked --workspace --profile $(NEXTEST_PROFILE); \
	else \
	  cargo test --locked --workspace --lib --bins --tests; \
	fi
	cargo test --locked --workspace --doc

FLEET_QUERIES ?= 2000
FLEET_SEEDS ?= 1 2 3

.PHONY: fleets
fleets: build ## Ask fleets of every shape FLEET_QUERIES random queries for each of FLEET_SEEDS, and every trap
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	export E2E_EVERYTHING=1 E2E_QUERIES='$(FLEET_QUERIES)'; \
	cargo nextest run --locked -p e2e --profile long --no-fail-fast -E 'binary(traps) + binary(scripts)'; \
	for seed in $(FLEET_SEEDS); do \
	  E2E_SEED=$$seed cargo nextest run --locked -p e2e --profile long --no-fail-fast -E 'binary(fleets)'; \
	done

.PHONY: lint
lint: wasm-target ## Format check and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p guest-merge --target wasm32-wasip2 -- -D warnings

.PHONY: doc
doc: ## Build the documentation of our own crates, warnings are errors
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --locked --workspace --no-deps --document-private-items

.PHONY: bench
bench: wasm-target ## Measure each stage (release build)
	cargo build --locked --release -p promweave
	cargo bench --locked --workspace --benches

.PHONY: bench-pushdown
bench-pushdown: wasm-target ## Report requests, bytes and time of dashboard queries in each mode (release build)
	cargo build --locked --release -p promweave
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	cargo bench --locked -p e2e --bench pushdown

.PHONY: bench-policies
bench-policies: wasm-target ## Report what swaps, uploads, shadows and hostile policies cost (release build)
	cargo build --locked --release -p promweave
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	cargo bench --locked -p e2e --bench policies

.PHONY: bench-prometheus
bench-prometheus: ## Compare the CPU time of queries with a real Prometheus on the same data
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	cargo run --locked --release -p e2e --example against_prometheus

.PHONY: bench-smoke
bench-smoke: build ## Run every bench once, unoptimised, to see that it still works
	cargo test --locked --workspace --benches
	@PROMETHEUS_BIN="$$(TARGET_DIR='$(TARGET_DIR)' bash tests/prometheus.sh)"; export PROMETHEUS_BIN; \
	cargo run --locked -p e2e --example against_prometheus -- --smoke

.PHONY: promqltest
promqltest: ## Run every PromQL acceptance script in DIR and count the results
	cargo run --locked -p promql --example promqltest -- '$(DIR)'

# Coverage as libFuzzer wants it, on the stable toolchain; with `--target`, so
# that build scripts are built without.
FUZZ_FLAGS := --cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-trace-compares \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
FUZZ_TARGETS := parser evaluate
FUZZ_SECONDS := 600

.PHONY: fuzz
fuzz: ## Fuzz parser and evaluator, FUZZ_SECONDS each; new inputs stay in the target folder
	@host="$$(rustc -vV | sed -n 's/^host: //p')"; \
	for name in $(FUZZ_TARGETS); do \
	  mkdir -p "$(TARGET_DIR)/fuzz/corpus/$$name"; \
	  RUSTFLAGS='$(FUZZ_FLAGS)' cargo run --locked --release --manifest-path host/promql/fuzz/Cargo.toml \
	    --target "$$host" --target-dir '$(TARGET_DIR)/fuzz' --bin "$$name" -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 -rss_limit_mb=2048 \
	    -artifact_prefix='$(TARGET_DIR)/fuzz/' "$(TARGET_DIR)/fuzz/corpus/$$name"; \
	done

.PHONY: deny
deny: ## Check licences, duplicates and advisories (needs cargo-deny)
	cargo deny check

.PHONY: ci
ci: lint test bench-smoke doc ## What CI runs
