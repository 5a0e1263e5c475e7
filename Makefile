# photongate. Two commands do the main work: `make run` and `make test`.
# Each sets up what it needs: packages through apt when root, else it says
# what is missing. Go itself must be there.

export CGO_ENABLED = 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION)
# What each program needs at run time, as COMMAND:DEBIAN-PACKAGE.
RUN_NEEDS  := ip:iproute2 nft:nftables
TEST_NEEDS := $(RUN_NEEDS) mosquitto:mosquitto udhcpc:udhcpc tcpdump:tcpdump dnsmasq:dnsmasq-base sysctl:procps \
	setpriv:util-linux node:nodejs npm:npm
# How long `make fuzz` gives each target.
FUZZTIME ?= 5s
# Arguments of `make run`, as in: make run ARGS='--fault allow-then-kill --for 60s'
ARGS ?=

.PHONY: help run build test race fuzz lint cross bench clean setup-run setup-test

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: setup-run build ## run the lab: three virtual Photons, a cloud, a firewall, photongate between them
	@bin/photonlab demo $(ARGS)

build: ## build bin/photongate and bin/photonlab
	@mkdir -p bin
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/photongate ./cmd/photonlab

test: setup-test ## all tests: unit, fake-driven, in namespaces, against real peers
	PHOTONGATE_TEST=net go test -timeout 10m ./...

race: setup-test ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 PHOTONGATE_TEST=net go test -race -timeout 15m ./...

fuzz: ## every fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

lint: ## gofmt, vet, staticcheck, and what routers cannot afford
	@.ci/lint

cross: ## build for every platform, and hold the size budget
	@.ci/cross

bench: ## benchmarks of the hot paths
	go test -run '^$$' -bench . -benchmem ./bridge/... ./radio/... ./gateway/...

clean: ## remove what was built
	rm -rf bin dist

setup-run:
	@.ci/setup $(RUN_NEEDS)

setup-test:
	@.ci/setup $(TEST_NEEDS)
