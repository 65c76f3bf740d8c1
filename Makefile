# Two commands: `make demo` shows Nightjar at work, `make test` runs everything that must hold. Both install what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BUILD := build
JOBS ?= $(shell nproc)
# Root runs as it is; everyone else through sudo, only where root is needed.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export CCACHE_DIR ?= $(or $(wildcard $(HOME)/.cache/ccache),$(HOME)/.cache/ccache)

.PHONY: help deps build demo demo-check test hostile bench fuzz format clean

help:
	@echo 'make demo        build, then serve three example canvases under load beside runaways; stays serving'
	@echo 'make demo-check  the same, asserted, and ends'
	@echo 'make test        build and run every test suite'
	@echo 'make build       every program in build/bin/'
	@echo 'make hostile     run hostile programs against the walls, and print what became of each'
	@echo 'make bench       measure; figures in build/bench/*.json, explained in docs/benchmarks.md'
	@echo 'make fuzz        feed the parser, the evaluator and the readers of requests with inputs that explore them'
	@echo 'make format      clang-format over the sources'

# Installs the packages of packages.txt that are missing, and nothing when none is.
deps:
	@scripts/install-packages

$(BUILD)/release/build.ninja: CMakeLists.txt CMakePresets.json | deps
	cmake --preset release

build: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs -j $(JOBS)

# The programs, and the driver that loads them.
.PHONY: build-demo
build-demo: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs bench-load -j $(JOBS)

demo: build-demo
	$(SUDO) scripts/demo

demo-check: build-demo
	$(SUDO) scripts/demo --check

test: deps $(BUILD)/release/build.ninja
	cmake --build --preset release -j $(JOBS)
	$(SUDO) scripts/run-tests

# Failures first, then the table.
hostile: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target hostile -j $(JOBS)
	$(SUDO) build/release/suites/hostile --gtest_brief=1

bench: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs benches -j $(JOBS)
	$(SUDO) scripts/run-benches

# FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 60
fuzz: deps
	cmake --preset fuzz
	cmake --build --preset fuzz --target fuzzers -j $(JOBS)
	scripts/fuzz --seconds $(FUZZ_SECONDS)

format:
	git ls-files '*.h' '*.cc' | xargs clang-format -i

clean:
	rm -rf $(BUILD)
