# Two commands: `make demo` and `make test`. Each does its own set-up and is
# quick when nothing changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test web tools format lint deny unit integration interop browser measure release clean

CARGO ?= cargo
DEMO_ARGS ?=

help: ## What can be made here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: target/debug/rushes ## Build all and run the demo: a server, a production, a room, a live source
	target/debug/rushes demo $(DEMO_ARGS)

# `make test` leaves a binary too, built with what the tests' dependencies ask of common ones. While
# it is newer than all that it is made of it will do: Cargo would compile those anew without.
target/debug/rushes: $(shell find Cargo.toml Cargo.lock build.rs src media/src sessions/src signaling/src migrations contract */Cargo.toml -type f) web/dist/index.html
	$(CARGO) build --locked --workspace --bin rushes
	@touch $@

# Most of what the tests need is fetched, and the tool of `deny` compiled, while clippy works, which
# needs none of it and seldom both of two cores.
test: web ## Install what the tests need and run all of them
	scripts/tools base
	{ scripts/tools && $(MAKE) deny; } & beside=$$!; \
	$(MAKE) format lint || failed=$$?; \
	wait $$beside; \
	exit $${failed:-0}
	$(MAKE) unit integration interop browser
	@echo "all tests passed"

# --- the browser client -----------------------------------------------------
web: web/dist/index.html ## Build the browser client into web/dist

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/*.ts web/*.json -type f 2>/dev/null)
	cd web && npm run build

# --- what the tests need ----------------------------------------------------
tools: ## Install what the tests need (browsers, ffmpeg 8 and 9, GStreamer, coturn, Playwright)
	scripts/tools

# --- the parts of `make test` -----------------------------------------------
format:
	$(CARGO) fmt --all --check
	cd web && npm run format:check

lint:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
# The fuzz targets are a workspace of their own; what they are made of is held to this one.
	$(CARGO) metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
	cd web && npm run check

# Always the whole workspace: a smaller selection would resolve the features of the
# dependencies differently, and compile them once more.
unit:
	$(CARGO) test --locked --workspace --lib --bins
	cd web && npm test

integration:
	$(CARGO) test --locked --workspace --test it --test fanout --test rooms --test loopback --test laws --test sync --test vectors

# More threads than run side by side, for some wait until they may run alone.
interop:
	$(CARGO) test --locked --workspace --test interop -- --test-threads=12

# The binary comes with the build of the integration tests.
browser: web
	$(CARGO) test --locked --workspace --test it --no-run
	cd tests/browser && npm test

measure: web ## Print how far apart browsers are that follow one room, a clip or a live source; wants an idle machine
	$(CARGO) test --locked --workspace --test it --no-run
	cd tests/browser && RUSHES_MEASURE=1 npm test

deny:
	scripts/deny

release: web ## An optimised binary in target/release
	$(CARGO) build --locked --release --bin rushes

clean: ## Remove what was built
	rm -rf target web/dist web/node_modules tests/browser/node_modules .tools
