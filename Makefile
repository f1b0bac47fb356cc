# Stackhook: `make` lists what there is to do.
SHELL     := /bin/bash
FUNCTIONS := $(filter-out shim,$(notdir $(patsubst %/,%,$(wildcard functions/*/))))
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# lambda.norpc: without Lambda's old RPC. validator_novalidatefn: without a rule of the validator that calls methods by
# name, for which the linker would have to keep every exported method of every type (2 MB). nethttpomithttp2: without HTTP/2
# (0.5 MB), which nothing needs: clouds, platforms, collectors and whatever stands in front of us speak HTTP/1.1.
BUILD     := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags lambda.norpc,validator_novalidatefn,nethttpomithttp2 -ldflags '-s -w -X github.com/stackhook/stackhook/shared/serve.version=$(VERSION)'
TEMPL     := go tool -modfile=scripts/tools/go.mod templ
LINT      := go tool -modfile=scripts/tools/go.mod golangci-lint
IMAGE     := go run ./scripts/image -version '$(VERSION)' -revision '$(shell git rev-parse HEAD 2>/dev/null)' -created "$(shell TZ=UTC git log -1 --format=%cd --date=format-local:%FT%TZ 2>/dev/null || echo 1980-01-01T00:00:00Z)"
FUZZTIME  ?= 10s
CHAOS     ?= 10000
ROUNDS    ?= 1000
SOAK      ?= 30m

.DEFAULT_GOAL := help
.PHONY: help run test test-galera test-deploy test-vm test-openstack build generate package image sbom reproducible lint fmt fuzz chaos chaos-sites chaos-scaling bench bench-scaling faults soak bench-sites openstack-up openstack-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve every function on http://127.0.0.1:8080 (a fake cloud, unless OS_CLOUD names a real one)
	@go run ./functions/shim

test: ## all hermetic tests: fake cloud, race detector, shuffled, a real browser
	@scripts/test-deps
	go test -race -shuffle=on ./...

test-galera: ## a site's boot scripts with real MariaDB, Galera and HAProxy in network namespaces (Debian 12, root)
	@scripts/test-galera

test-deploy: ## what each folder of deploy/ says, done literally as far as one machine goes (Debian 12, root)
	@scripts/test-deploy

test-vm: ## a site's backends in QEMU machines under real cloud-init: boot, rebuild, power cut (Debian 12, root; half an hour)
	@scripts/test-vm

test-openstack: ## the contract suite and the end-to-end stories on a real OpenStack, brought up first (RELEASE=2025.1: on that one)
	scripts/test-openstack $(if $(RELEASE),--release $(RELEASE))

build: $(FUNCTIONS:%=bin/%) bin/shim ## build every program into bin/

bin/%: FORCE
	@$(BUILD) -o $@ ./functions/$*

generate: ## the Go code of the pages from their .templ files
	@$(TEMPL) generate -log-level warn

package: build ## one AWS Lambda zip per function into dist/
	@go run ./scripts/package $(FUNCTIONS)

image: $(FUNCTIONS:%=bin/linux-amd64/%) $(FUNCTIONS:%=bin/linux-arm64/%) ## one OCI image per function, for amd64 and arm64, into dist/images; no daemon needed
	@$(IMAGE) $(FUNCTIONS)

bin/linux-amd64/%: FORCE
	@GOOS=linux GOARCH=amd64 $(BUILD) -o $@ ./functions/$*

bin/linux-arm64/%: FORCE
	@GOOS=linux GOARCH=arm64 $(BUILD) -o $@ ./functions/$*

sbom: build ## what each program is made of (CycloneDX), and the licence texts to pass on, into dist/
	@go run ./scripts/sbom -version $(VERSION) $(FUNCTIONS)

reproducible: ## build twice, in two places and from nothing, and compare
	@scripts/reproducible

lint: ## golangci-lint with the import rules
	$(LINT) run ./...

fmt: ## format all Go code, and the pages
	$(LINT) fmt ./...
	@$(TEMPL) fmt -log-level warn functions shared

fuzz: ## every fuzz target for FUZZTIME (10s)
	@scripts/fuzz $(FUZZTIME)

chaos: ## 10,000 lives of a small class, hosts killed between any two calls
	go test ./shared/lab/chaos -run 'TestChaos$$' -chaos.runs $(CHAOS) -timeout 30m

chaos-sites: ## 10,000 lives of two sites, hosts killed between any two calls: no volume with data goes
	GOGC=400 go test ./functions/deploy-site/deploysite -run 'TestChaosOfSites$$' -chaos.runs $(CHAOS) -timeout 4h

chaos-scaling: ## 1,000 rounds of two hosts that scale one cluster against each other, while updates get lost (ROUNDS=100 for fewer)
	go test ./functions/scale-cluster/scalecluster -run 'TestTwoHostsRace$$' -race.rounds $(ROUNDS) -timeout 1h

bench: build ## size, cold start, cost, throughput, memory and growth of every function, with their limits (BENCH="-quick -only cold")
	@go run ./scripts/bench $(BENCH)

bench-scaling: ## Stackhook, Heat's scaling policy and Senlin side by side on a real OpenStack
	@scripts/bench-scaling

faults: ## what goes wrong around a class at work, on a real OpenStack whose daemons are killed (Debian 12, root)
	@scripts/test-deps
	scripts/openstack-up
	OS_CLOUD=devcloud go run ./scripts/faults -daemons

soak: ## a class at work for SOAK (30m): memory, threads, open files and goroutines stay flat
	@scripts/test-deps
	go run ./scripts/soak -for $(SOAK)

bench-sites: ## one site by deploy-site and by Heat's own client side by side on a real OpenStack
	@scripts/bench-sites

openstack-up: ## bring up a real OpenStack on loopback (Debian 12, root; RELEASE=2025.1: Debian 13's, beside Zed)
	@scripts/openstack-up $(if $(RELEASE),--release $(RELEASE))

openstack-down: ## stop it again
	@scripts/openstack-down $(if $(RELEASE),--release $(RELEASE))

clean: ## remove what was built
	rm -rf bin dist

FORCE:
