SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

FUZZTIME ?= 30s
BENCH ?= .

.PHONY: help
help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run the demo
	go run ./cmd/bank-trace demo

.PHONY: build
build: ## Build bin/bank-trace, statically
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/bank-trace

.PHONY: cross
cross: ## Build for every system that is served, keeping nothing
	.ci/cross-build

.PHONY: test
test: ## Run the tests
	go test ./...

.PHONY: race
race: ## Run the tests under the race detector (needs a C compiler)
	go test -race ./...

.PHONY: fuzz
fuzz: ## Fuzz every target in turn, FUZZTIME=30s each
	@listed=$$(go test -list '^Fuzz' ./...) || { echo "$$listed"; exit 1; }; \
	targets=$$(awk '/^Fuzz/ { name[++n] = $$1 } $$1 == "ok" { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' <<<"$$listed"); \
	if [ -z "$$targets" ]; then echo "fuzz: no package has a Fuzz target" >&2; exit 1; fi; \
	while read -r package target; do \
		echo "=== $$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 10x "$$package" </dev/null || exit 1; \
	done <<<"$$targets"

SEEDS ?= 2000

.PHONY: campaign
campaign: ## Simulate SEEDS=2000 banks under faults and check every trace
	go test ./internal/sim -run Campaign -v -timeout 0 -seeds $(SEEDS)

KILLS ?= 300

.PHONY: torture
torture: ## Kill a bank of real processes KILLS=300 times, or for half an hour, and check what is left
	go test ./internal/torture -run TestTorture -v -timeout 0 -torture 30m -torture-kills $(KILLS)

.PHONY: soak
soak: ## Keep a durable bank at full load for an hour, and watch what grows (its trace takes some 40 GB)
	go test ./internal/torture -run TestSoak -v -timeout 0 -soak 1h

.PHONY: bench
bench: ## Measure check beside wc, deposits beside a gRPC echo and etcd, and write docs/performance.md; BENCHFLAGS=-h tells more
	go run ./internal/bench/figures -o docs/performance.md $(BENCHFLAGS)

.PHONY: microbench
microbench: ## Run the benchmarks of single parts, BENCH=REGEXP for some of them
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: pictures
pictures: ## Draw the pictures of the documentation anew
	go test ./cmd/bank-trace -run TestPictures -update

.PHONY: rule-table
rule-table: ## Break every rule, and show what was changed and what check says of it
	@go run ./cmd/bank-trace break --table

.PHONY: lint
lint: ## gofmt, go vet, staticcheck and, where npx is at hand, buf lint
	.ci/check-format
	go vet ./...
	go tool staticcheck ./...
	@if command -v npx >/dev/null; then echo .ci/buf lint; .ci/buf lint; else echo "npx is not on PATH: buf lint left out"; fi

.PHONY: generate
generate: ## Regenerate the code that comes from .proto files (needs npm)
	.ci/buf generate

.PHONY: check-generated
check-generated: ## Prove that the generated code is up to date (needs npm)
	.ci/check-generated

WEB := trace/viewer/web

.PHONY: viewer
viewer: ## Build the viewer's page from its source, into trace/viewer/web/dist (needs npm)
	cd $(WEB) && npm ci --silent --no-audit --no-fund && npm run --silent types && npm run --silent build

.PHONY: browser
browser: ## Test the viewer's page in Chromium (needs npm)
	.ci/check-browser

.PHONY: measure-viewer
measure-viewer: ## Measure the viewer's page in Chromium with 10 k, 100 k and 1 M events (needs npm)
	cd $(WEB) && npm ci --silent --no-audit --no-fund && npm run --silent measure

.PHONY: ci
ci: ## Everything that must hold before a change goes in
	.ci/run
