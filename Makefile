# make help lists the targets. Every target sets up what it needs first; a second run does nothing twice.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
.DEFAULT_GOAL := help

NODE := scripts/with-node.sh
BUILD := .build
HOST := $(shell uname -m)
# Another machine's programs are kept apart: make bpf MACHINE=aarch64
MACHINE := $(HOST)
BPF_BUILD := $(BUILD)$(if $(filter-out $(HOST),$(MACHINE)),/$(MACHINE))
BPF_OBJECT := $(BPF_BUILD)/tallyman.bpf.o
BPF_SOURCES := $(wildcard agent/bpf/*.bpf.c)
BPF_HEADERS := $(wildcard agent/bpf/*.h agent/bpf/lib/*.h)
BPF_PARTS := $(BPF_SOURCES:agent/bpf/%.bpf.c=$(BPF_BUILD)/bpf/%.o)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
BPF_CFLAGS := -O2 -g -Wall -Werror -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -I agent/bpf -idirafter /usr/include/$(HOST)-linux-gnu
# Only what a command needs that watches containers; empty when already root.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E env "PATH=$$PATH")
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: help run demo test check bench soak benign generate images bpf doctor setup setup-node setup-bpf setup-run setup-check setup-test setup-kernels test-kernels clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup-node setup-bpf setup-run bpf ## Watch the containers of this machine: agent, collector and NATS (ARGS="…" for more options)
	@$(AS_ROOT) ./tallyman up $(ARGS)

demo: setup-node ## A harmless container that misbehaves, for a second terminal beside `make run`
	@$(AS_ROOT) ./tallyman demo $(ARGS)

test: setup-node setup-bpf ## Everything: check, kernel tests, end-to-end tests (what CI runs)
	@scripts/test.sh

check: setup-node setup-bpf setup-check ## Types, lint, generated files, unit tests; under a minute
	@[ "$$(uname -s)" != Linux ] || $(MAKE) bpf
	@$(NODE) node scripts/verify.ts check

test-kernels: setup-node setup-bpf setup-kernels bpf ## The sensor on the kernels of Debian releases, emulated (ARGS="bookworm …")
	@scripts/test-kernels.sh $(ARGS)

bench: setup-node setup-bpf setup-test bpf ## One benchmark: make bench NAME=…; without NAME the list
	@NAME='$(NAME)' $(AS_ROOT) $(NODE) scripts/bench.sh $(ARGS)

soak: setup-node setup-bpf setup-run setup-test bpf ## Churn and storms for MINUTES=… (30), watched by `tallyman up`: memory flat, ledger balanced, nothing left
	@$(AS_ROOT) $(NODE) node test/soak/soak.ts $(or $(MINUTES),30)

benign: setup-node setup-bpf setup-run setup-test bpf ## Ordinary servers under load for MINUTES=… (10): what is found, counted; fails on anything of medium or higher
	@$(AS_ROOT) $(NODE) node test/benign/benign.ts $(or $(MINUTES),10)

generate: setup-node setup-bpf bpf ## Regenerate the committed generated files from proto, BTF, rules and commands
	@$(NODE) node scripts/verify.ts generate

images: setup-node setup-bpf bpf ## Container images of agent and collector (BASE_IMAGE=… for another base)
	@$(AS_ROOT) scripts/images.sh

doctor: setup-node ## What this kernel and host allow, and what follows
	@$(AS_ROOT) ./tallyman doctor $(ARGS)

bpf: $(BPF_OBJECT) ## Compile the BPF programs to .build/tallyman.bpf.o (MACHINE=aarch64: for another one)

setup: setup-node setup-bpf setup-run ## Install what `make run` needs, and nothing else

setup-node:
	@scripts/setup/node.sh

setup-bpf:
	@scripts/setup/bpf.sh

setup-run:
	@scripts/setup/run.sh

setup-check:
	@scripts/setup/check.sh

setup-test:
	@scripts/setup/test.sh

setup-kernels:
	@scripts/setup/kernels.sh

$(BPF_OBJECT): $(BPF_PARTS)
	@if [ -z "$(BPF_PARTS)" ]; then echo 'bpf: agent/bpf has no *.bpf.c file: nothing to compile' >&2; exit 1; fi
	@bpftool gen object $@.tmp $(BPF_PARTS) || { \
	  echo 'bpf: linking the compiled programs failed: two programs probably define the same thing differently' >&2; exit 1; }
	@mv $@.tmp $@

$(BPF_BUILD)/bpf/%.o: agent/bpf/%.bpf.c $(BPF_HEADERS) Makefile
	@mkdir -p $(@D)
	@clang $(BPF_CFLAGS) -c $< -o $@ || { echo 'bpf: compiling $< failed: see the messages of clang above' >&2; exit 1; }

clean: ## Remove compiled and installed files of this checkout (.build, .tools, node_modules)
	@rm -rf $(BUILD) .tools node_modules
