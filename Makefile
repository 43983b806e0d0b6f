# The project's words. `make demo` and `make test` install what is missing, build, and run.

PRESET ?= release
JOBS   ?= $(shell nproc)
BUILD  := build/$(PRESET)
# Tests count in halves of a processor, and one that waits finds room beside those that compute: cmake/FlowersecSchedule.cmake.
CTEST  := ctest -j $(shell echo $$((2 * $(JOBS) + 1))) --output-on-failure --timeout 300
FUZZ_SECONDS ?= 20
MINUTES ?= 30

.PHONY: help setup build demo demo-web demo-ownwire demo-chat test check-long lint fmt check sanitize bench bench-check bench-record load soak fuzz fuzz-coverage interop gen generator docs install-test internal-client clean
.DEFAULT_GOAL := help
# Where tools/setup puts Node when the system has none that is new enough.
export PATH := $(CURDIR)/.tools/node_modules/.bin:$(PATH)

help:
	@echo 'make setup     install what is missing (Debian packages; root or sudo)'
	@echo 'make demo      build, then bring two programs together through a tunnel on this machine'
	@echo 'make demo-web  the same from a browser: starts everything and prints the page to open; Ctrl-C ends it'
	@echo 'make demo-ownwire  an encrypted chat between a page and a bot, PORT=8080: prints the page to open; Ctrl-C ends it'
	@echo 'make demo-chat  a messenger between a page and a terminal, PORT=8088: prints the address and the command; Ctrl-C ends it'
	@echo 'make build     build everything into $(BUILD) (PRESET=dev|release|asan|tsan|fuzz)'
	@echo 'make test      build and run all tests'
	@echo 'make lint      format, layer table, documents, style of the tree'
	@echo 'make fmt       format the C++ sources in place'
	@echo 'make check     what CI runs: test, lint, sanitizers, installed package, ten seconds of each fuzz target, three minutes of soak'
	@echo 'make check-long   hours: 10 000 keys at a registry, an idle and a lost chat, 100 000 simulated lives, random programs, the slow cases of lab and adversary, a minute of each fuzz target'
	@echo 'make bench     the benchmark tables of C++ and TypeScript, two minutes'
	@echo 'make bench-check  the same against the recorded ratios: one that is worse by more than 15 % fails; bench-record records them'
	@echo 'make load      the tunnel with 19 000 connections and at its memory limits, a table, some 8 minutes'
	@echo 'make soak      churn, replacement and slow peers for MINUTES=$(MINUTES) minutes: nothing may drift'
	@echo 'make fuzz      every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds, or HOURS=n of processor time for all of them'
	@echo 'make fuzz-coverage  which lines their inputs reach, a row for each layer'
	@echo 'make interop   the conformance peers of both languages in every role, path and suite, as a table'
	@echo 'make docs      regenerate the reference pages in docs/reference'
	@echo 'make gen       regenerate cpp/gen and ts/src/gen from idl/'
	@echo 'make internal-client  pack the example clients of OwnWire as internal_ws_client.tar.gz'

setup:
	@tools/setup

$(BUILD)/build.ninja: | setup
	cmake --preset $(PRESET)

build: setup $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

demo: PRESET := release
demo:
	@tools/setup --cpp
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target programs
	@tools/demo build/release/bin

demo-web: PRESET := release
demo-web: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target programs example_demo-server
	@tools/demo-web build/release

demo-ownwire: PRESET := release
demo-ownwire: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target ownwire
	@tools/demo-ownwire build/release $(PORT)

demo-chat: PRESET := release
demo-chat: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target flowersec flowersec-registry flowersec-tunnel flowersec-issuer-keygen
	@tools/demo-chat build/release $(PORT)

test: build
	$(CTEST) --test-dir $(BUILD)

lint: generator
	tools/lint

fmt: setup
	git ls-files 'cpp/*.h' 'cpp/*.cc' 'examples/*.cc' 'tools/*.h' 'tools/*.cc' | xargs clang-format -i

sanitize: setup
	tools/sanitize asan
	tools/sanitize tsan

check: test lint sanitize install-test
	$(MAKE) fuzz FUZZ_SECONDS=10
	$(MAKE) soak MINUTES=3

check-long: build
	FLOWERSEC_REGISTRY_KEYS=10000 FLOWERSEC_REGISTRY_RATE=500 FLOWERSEC_REGISTRY_SECONDS=60 $(CTEST) --test-dir $(BUILD) -R system.registry_crowd
	SECONDS_IDLE=600 tools/test-ownwire-deploy $(BUILD) idle
	$(BUILD)/tests/test_system.ownwire_limits --gtest_also_run_disabled_tests --gtest_filter='*DISABLED*'
	FLOWERSEC_SIM_RUNS=100000 $(BUILD)/tests/test_sim.lives
	FLOWERSEC_MUX_RUNS=100000 $(BUILD)/tests/test_model.mux
	FLOWERSEC_MUX_PEER_RUNS=150 tests/interop/yamux/model $(BUILD)/tests
	FAST_CHECK_RUNS=5000 node ts/scripts/test.mjs properties testing/messages
	FLOWERSEC_LAB=long tests/lab/run $(BUILD)/bin
	FLOWERSEC_ADVERSARY=long tests/adversary/run $(BUILD)/bin
	tools/fuzz --seconds 60

bench: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target flowersec-bench programs
	build/release/bin/flowersec-bench --bin-dir build/release/bin
	FLOWERSEC_BUILD=$(CURDIR)/build/release npm run --silent --prefix ts bench

bench-check bench-record: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target flowersec-bench programs
	tools/bench-check $(if $(filter bench-record,$@),--record) --build build/release

load: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target flowersec-load
	build/release/bin/flowersec-load --bin-dir build/release/bin

soak: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target flowersec-load
	tools/soak $(MINUTES)

fuzz: setup
	tools/fuzz $(if $(HOURS),--hours $(HOURS),--seconds $(FUZZ_SECONDS))

fuzz-coverage: setup
	tools/fuzz --coverage

interop: build
	$(CTEST) --test-dir $(BUILD) -L interop -E interop.matrix
	@tests/interop/run $(BUILD)/bin

generator: setup
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build build/release -j $(JOBS) --target protoc-gen-flowersec

gen: generator
	tools/gen build/release/bin/protoc-gen-flowersec

docs: build
	$(BUILD)/bin/flowersec-reference docs/reference

install-test: build
	tools/install-test $(BUILD)

# For those who have OwnWire and not this tree.
INTERNAL_CLIENT ?= build/internal_ws_client.tar.gz
internal-client:
	@mkdir -p $(dir $(INTERNAL_CLIENT))
	tar -C examples/ownwire --sort=name --owner=0 --group=0 --numeric-owner --exclude=.gitignore --exclude=.bundle --exclude=.openai_key \
	  --exclude=Gemfile.lock --exclude=node_modules --exclude=package-lock.json --exclude=__pycache__ -czf $(INTERNAL_CLIENT) internal_ws_client
	@echo '$(INTERNAL_CLIENT)'

clean:
	rm -rf build
