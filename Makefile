# Two commands: `make demo` shows Nightjar at work, `make test` runs everything that must hold. Both install what is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BUILD := build
JOBS ?= $(shell nproc)
# Root runs as it is; everyone else through sudo, only where root is needed.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export CCACHE_DIR ?= $(or $(wildcard $(HOME)/.cache/ccache),$(HOME)/.cache/ccache)

.PHONY: help deps build install uninstall deb demo demo-check test test-vm hostile chaos bench bench-kill bench-traces fuzz format clean

help:
	@echo 'make demo        build, then serve three example canvases under load beside runaways; stays serving'
	@echo 'make demo-check  the same, asserted, and ends'
	@echo 'make test        build and run every test suite'
	@echo 'make test-vm     the package, the service and the kernel suites in a virtual machine: Debian 12, systemd, control groups v2 alone'
	@echo 'make build       every program in build/bin/'
	@echo 'make hostile     run hostile programs against the walls, and under other sandboxes; print what became of each'
	@echo 'make chaos       kill random parts of a server under load for CHAOS_SECONDS (3600), and account for every request'
	@echo 'make install     programs, units, policy and documents below PREFIX (/usr/local) and DESTDIR; make uninstall'
	@echo 'make deb         a Debian package in build/'
	@echo 'make bench       measure; figures in build/bench/*.json, explained in docs/benchmarks.md'
	@echo 'make bench-traces  what recording, storing and finding traces costs, beside LTTng; build/bench/trace.json'
	@echo 'make bench-kill  how late, how fast and how surely: kills of every kind, measured; build/bench/kill.json'
	@echo 'make fuzz        feed the parser, the evaluator and the readers of requests with inputs that explore them'
	@echo 'make format      clang-format over the sources'

# Installs the packages of packages.txt that are missing, and nothing when none is.
deps:
	@scripts/install-packages

$(BUILD)/release/build.ninja: CMakeLists.txt CMakePresets.json | deps
	cmake --preset release

build: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs -j $(JOBS)

# PREFIX, DESTDIR, UNITDIR: see the script. What was built is installed; nothing is built as root.
PREFIX ?= /usr/local
install:
	@test -x $(BUILD)/bin/nightjard || { echo 'nothing to install: run make build first' >&2; exit 1; }
	PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) UNITDIR=$(UNITDIR) scripts/install

uninstall:
	PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) UNITDIR=$(UNITDIR) scripts/install --uninstall

deb: build
	scripts/build-deb

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
	COMPRESSION=zstd scripts/build-deb
	$(SUDO) scripts/run-tests

# What the machine is shipped: the package, and the suites with the programs that they start.
test-vm: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs kernel_cell kernel_proc kernel_host kernel_worker kernel_writer e2e_serve -j $(JOBS)
	COMPRESSION=zstd scripts/build-deb
	$(SUDO) tests/vm/run

# Failures first, then the table, with other sandboxes beside where they are installed (docs/peers.md).
hostile: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target hostile -j $(JOBS)
	$(SUDO) env NIGHTJAR_HOSTILE_PEERS=1 build/release/suites/hostile --gtest_brief=1

# One random seed after the other: each round prints its own, which NIGHTJAR_CHAOS_SEED begins with again.
CHAOS_SECONDS ?= 3600
chaos: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs fault -j $(JOBS)
	$(SUDO) env NIGHTJAR_CHAOS_SECONDS=$(CHAOS_SECONDS) build/release/suites/fault --gtest_brief=1

bench: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs benches -j $(JOBS)
	$(SUDO) scripts/run-benches

# KILLS of each kind.
KILLS ?= 1000
bench-kill: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs bench-kill bench-load -j $(JOBS)
	$(SUDO) env NIGHTJAR_BENCH_KILLS=$(KILLS) scripts/run-benches kill

bench-traces: deps $(BUILD)/release/build.ninja
	cmake --build --preset release --target programs benches -j $(JOBS)
	$(SUDO) scripts/run-benches trace

# FUZZ_SECONDS for each target.
FUZZ_SECONDS ?= 60
fuzz: deps
	cmake --preset asan
	cmake --build --preset asan --target fuzzers -j $(JOBS)
	scripts/fuzz --seconds $(FUZZ_SECONDS)

format:
	git ls-files '*.h' '*.cc' | xargs clang-format -i

clean:
	rm -rf $(BUILD)
