# Everything a developer does here. `make` lists the targets.
#
# Needed: Go, git and make. Tools are pinned in Go modules of their own (hack/tools, hack/lint, hack/controlplane) and
# built from there; nothing is downloaded but Go modules.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

# The same for builds and tests, so that every package is compiled once.
export CGO_ENABLED := 0
export GOFLAGS     ?= -trimpath

BIN     := $(CURDIR)/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The commit, and its date in UTC, which every build of it shares.
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)
DATE    := $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
STAMP   := github.com/kisi-operator/kisi-operator/internal/version
LDFLAGS := -s -w -X $(STAMP).version=$(VERSION) -X $(STAMP).commit=$(COMMIT) -X $(STAMP).date=$(DATE)
# kubectl of the local control plane, unless you have your own.
KUBECTL ?= $(shell command -v kubectl 2>/dev/null || echo $(BIN)/controlplane/kubectl)
IMAGE   ?= kisi-operator:latest
# Where the image of a release is, without tag; empty: image.repository in the chart's values.yaml, the one place that names it.
IMAGE_REPOSITORY ?=
# What a release is built for, such as linux/amd64,linux/arm64; empty: every platform.
PLATFORMS ?=
# A package that hangs is ended, and says where it hung, well before anybody gives up on the whole run.
TEST_TIMEOUT ?= 20m
# All end-to-end specs are one run.
E2E_TIMEOUT  ?= 45m
TESTFLAGS    ?=
# More for the end-to-end specs, such as GINKGOFLAGS='--focus=booking'.
GINKGOFLAGS  ?=
# How many processes run the end-to-end specs. They mostly wait.
GINKGO_PROCS ?= 4
# Which directory of config/samples the demo shows.
SYSTEM ?= quickstart
# How many people `make bench` has: short or full.
SCALE ?= short
# More arguments for `make demo`, `make playground`, `make run` and `make cluster`, such as ARGS=--keep.
ARGS   ?=

GO_TEST := go test -timeout $(TEST_TIMEOUT) $(TESTFLAGS)
# What others import, in modules of their own.
API_TEST := go -C api test -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./... && go -C api/applyconfiguration test -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...
# Not from the cache of test results, which does not see that rules or pages have changed.
MONITORING_TEST := go -C hack/monitoring test -count=1 -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./... && go -C hack/kubestate test -count=1 -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...
CHART_TEST := go -C hack/chart test -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...
DESK_TEST := go -C hack/desk test -count=1 -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...
# It releases what is checked out, which the cache of test results does not see.
RELEASE_TEST := go -C hack/release test -count=1 -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./...
# How long `make simulate` plays new histories, and `make fuzz` tries new inputs of each target. A module of its own, for the API server's own code; -v, so that it says what it played.
FOR ?= 10m
SIMULATE = go -C internal/simulation test -count=1 -v
E2E_REPORT := $(BIN)/e2e
# A spec that takes long says where it stands; a run that takes too long ends, and says so too.
E2E = $(GINKGO) run --procs=$(GINKGO_PROCS) --no-color --timeout=$(E2E_TIMEOUT) --poll-progress-after=3m \
	--json-report=report.json --output-dir=$(E2E_REPORT) $(GINKGOFLAGS) ./internal/e2e
# What Kisi does with a second assignment and with a changed window is not documented. `make test` runs the specs against
# the likeliest answers, and those about windows against all of them; this is every spec against all of them.
E2E_MATRIX ?= $(foreach d,SameBoundsConflict AlwaysNew AlwaysConflict Invalid,$(foreach w,Accepted IgnoredWith204 Invalid,duplicates=$(d),windowUpdate=$(w)))
FEATURES = go run ./hack/features --report=$(E2E_REPORT)/report.json

CONTROLLER_GEN := $(BIN)/controller-gen
CRD_REF_DOCS   := $(BIN)/crd-ref-docs
GINKGO         := $(BIN)/ginkgo
GOLANGCI_LINT  := $(BIN)/golangci-lint
GOVULNCHECK    := $(BIN)/govulncheck
CHART          := $(BIN)/chart
RELEASE        := $(BIN)/release
PROMTOOL       := $(BIN)/promtool

##@ See it work

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## A Kubernetes API, a simulated Kisi and the operator on this machine: who gets in when (ARGS=--keep, SYSTEM=...)
	@[[ -x $(BIN)/demo/demo ]] || echo 'Building the demo; the very first time this takes minutes ...'
	@go build -o $(BIN)/demo/demo ./hack/demo
	@exec $(BIN)/demo/demo --system='$(SYSTEM)' $(ARGS)

.PHONY: playground
playground: ## Kubernetes, a simulated Kisi and the operator on this machine, to follow docs/start.md, until Ctrl-C
	@[[ -x $(BIN)/playground/playground ]] || echo 'Building the playground; the very first time this takes minutes ...'
	@go build -o $(BIN)/playground/playground ./hack/playground
	@exec $(BIN)/playground/playground $(ARGS)

.PHONY: cluster
cluster: ## A local Kubernetes control plane to play with, until Ctrl-C
	@go build -o $(BIN)/cluster ./hack/cluster
	@exec $(BIN)/cluster $(ARGS)

##@ Develop

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate the deep copies of the API types, and the apply configurations
	$(CONTROLLER_GEN) object paths=./api/v1alpha1
	hack/applyconfiguration.sh $(CONTROLLER_GEN) api

.PHONY: manifests
manifests: $(CONTROLLER_GEN) $(CHART) ## Generate CustomResourceDefinitions, the operator's role, and what is rendered from the chart
	$(CONTROLLER_GEN) crd paths=./api/v1alpha1 output:crd:artifacts:config=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=kisi-operator paths=./internal/controller/... output:rbac:artifacts:config=config/rbac
	$(CHART) generate
	go run ./hack/argocd

.PHONY: reference
reference: $(CRD_REF_DOCS) ## Generate docs/reference and docs/troubleshooting.md
	hack/apidoc/generate.sh $(CRD_REF_DOCS) docs/reference/api.md
	go run ./hack/reference

.PHONY: statuses
statuses: controlplane $(GINKGO) ## Record how objects of every kind stand, in every state that the end-to-end specs come upon, for the tests of config/argocd
	KISI_OPERATOR_E2E_STATUSES=$(CURDIR)/hack/argocd/testdata/statuses $(E2E)
	LC_ALL=C sort -u -o hack/argocd/testdata/statuses/reasons.txt hack/argocd/testdata/statuses/reasons.txt

.PHONY: stored
stored: ## Keep what this version stores, for the tests of later ones (RELEASE=v0.2.0)
	@[[ '$(RELEASE)' == v* ]] || { echo 'make stored: say RELEASE=v0.2.0' >&2; exit 1; }
	go -C internal/simulation test -count=1 . -run Earlier -record='$(RELEASE)'
	@cd internal/testing/api/testdata && join() { awk 'FNR == 1 && NR > 1 {print "---"} {print}' "$$@"; } && \
	  join full/*.yaml minimal/*.yaml >'releases/$(RELEASE)/examples.yaml' && \
	  join ../../../../config/samples/access_*.yaml >'releases/$(RELEASE)/samples.yaml' && \
	  join ../../../../hack/argocd/testdata/statuses/*.yaml >'releases/$(RELEASE)/statuses.yaml'

.PHONY: monitoring
monitoring: ## Generate docs/metrics.md and the dashboard
	go run ./hack/metricsdoc >docs/metrics.md
	go -C hack/monitoring run ./dashboard >config/grafana/kisi-operator.json

.PHONY: docs
docs: controlplane $(GINKGO) ## Run the commands of docs/start.md, docs/adapters.md and docs/migrate.md, and write down what they print
	KISI_OPERATOR_UPDATE_PAGES=yes $(GINKGO) run --no-color --focus='The pages for newcomers' ./internal/e2e

.PHONY: docs-pictures
docs-pictures: ## Make the pictures of docs/desk.md anew, in Chromium
	KISI_OPERATOR_UPDATE_PICTURES=yes go -C hack/desk test -count=1 -run TheDeskInABrowser ./...

.PHONY: recordings
recordings: controlplane $(GINKGO) ## Record a metrics page and the objects of a real run, on which dashboard and rules are tested
	KISI_OPERATOR_E2E_RECORD=hack/monitoring/testdata $(GINKGO) run --no-color --focus='once something of everything has happened' ./internal/e2e

.PHONY: verify
verify: $(CONTROLLER_GEN) $(CRD_REF_DOCS) $(CHART) ## Fail if code is not formatted or generated files are stale; changes nothing
	@hack/verify.sh $(CONTROLLER_GEN) $(CRD_REF_DOCS) $(CHART)

.PHONY: fmt
fmt: ## Format the code
	gofmt -w $$(git ls-files --cached --others --exclude-standard -- '*.go')

.PHONY: vet
vet: ## Look for mistakes that the compiler lets pass
	go vet ./...
	go -C api vet ./...
	go -C api/applyconfiguration vet ./...
	go -C hack/chart vet ./...
	go -C hack/desk vet ./...
	go -C hack/release vet ./...
	go -C hack/monitoring vet ./...
	go -C hack/kubestate vet ./...
	go -C internal/simulation vet ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) $(GOVULNCHECK) ## Run the linters, those for Kubernetes APIs too, and look for known vulnerabilities
	$(GOLANGCI_LINT) run
	cd api && $(GOLANGCI_LINT) run --config ../.golangci.yml
	cd api && $(GOLANGCI_LINT) run --config ../.golangci-kal.yml
	cd api/applyconfiguration && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd hack/chart && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd hack/desk && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd hack/release && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd hack/monitoring && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd hack/kubestate && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	cd internal/simulation && $(GOLANGCI_LINT) run --config ../../.golangci.yml
	@hack/vulnerabilities.sh $(GOVULNCHECK)

.PHONY: build
build: ## Build bin/kisi-operator, bin/kisi-feed, bin/kubectl-kisi and bin/kisi-simulator
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

.PHONY: controlplane
controlplane: ## Build the local control plane, if it is not built yet: about seven minutes the first time
	@go run ./hack/cluster --build-only

.PHONY: test
test: verify vet controlplane $(GINKGO) $(PROMTOOL) ## Everything: generated files, vet, and all tests against a real API server
	$(GO_TEST) $$(go list ./... | grep -v '/internal/e2e')
	$(API_TEST)
	$(CHART_TEST)
	$(DESK_TEST)
	$(RELEASE_TEST)
	$(MONITORING_TEST)
	go -C internal/simulation test -p 1 -timeout $(TEST_TIMEOUT) $(TESTFLAGS) ./apiserver ./cmd/...
	$(SIMULATE) -timeout $(TEST_TIMEOUT) . -for=1m
	$(E2E)
	@$(FEATURES)

.PHONY: test-chart
test-chart: controlplane ## Only the Helm chart: rendered, checked, installed, upgraded and uninstalled, with the demo under its rights
	$(CHART_TEST)

.PHONY: test-desk
test-desk: ## Only the desk, in a real Chromium (Debian: apt-get install chromium); screenshots are kept in bin/desk
	$(DESK_TEST) -v

.PHONY: test-release
test-release: ## Only the release: made twice for this platform, compared and taken apart
	$(RELEASE_TEST)

.PHONY: test-monitoring
test-monitoring: $(PROMTOOL) ## Only alert rules, dashboard and the configuration of kube-state-metrics
	$(MONITORING_TEST)

.PHONY: test-unit
test-unit: ## Only the tests that need no control plane
	$(GO_TEST) $$(go list ./... | grep -v -E '/(internal/e2e|internal/testing/.*)$$')
	$(API_TEST)

.PHONY: properties
properties: ## The rules of planning, entitlements, the mirror, the executor and calendars, by 50,000 random histories each, and every two faults of an operation
	go test -timeout 60m ./internal/plan ./internal/entitlement ./internal/mirror ./internal/executor ./internal/intake/ical ./internal/intake/guard -rapid.checks=50000
	go test -timeout 60m -v -run WhateverTwo ./internal/executor -every | grep -v -E '=== |--- PASS'

.PHONY: fuzz
fuzz: ## Every fuzz target in turn, each for FOR=10m; what they have found before is a part of make test
	@hack/fuzz.sh $(FOR)

.PHONY: simulate
simulate: ## Months of a business and its faults in minutes, with the whole operator under a simulated clock (FOR=10m)
	$(SIMULATE) -timeout 24h . -run=NobodyIsEver -for=$(FOR) $(ARGS)

.PHONY: campaign
campaign: ## Change every field of every kind, in every way that its schema suggests, and change it back (make test has a sixteenth of it)
	$(SIMULATE) -timeout 4h . -run=EveryField -campaign=1 $(ARGS)

.PHONY: mutants
mutants: ## Break the operator on purpose, each time in another place, and see that a test notices (ARGS='--only=no-end')
	go run ./hack/mutants $(ARGS)

.PHONY: e2e
e2e: controlplane $(GINKGO) ## Only the end-to-end specs (GINKGOFLAGS='--focus=booking')
	$(E2E)

.PHONY: features
features: ## What the last run of the end-to-end specs has shown, behaviour by behaviour (docs/features.md)
	@[[ -e $(E2E_REPORT)/report.json ]] || $(MAKE) e2e
	@$(FEATURES)

.PHONY: e2e-matrix
e2e-matrix: controlplane $(GINKGO) ## The end-to-end specs once for each kind of Kisi in E2E_MATRIX
	@failed=; for behaviour in $(E2E_MATRIX); do \
	  echo "Kisi with $$behaviour"; \
	  KISI_BEHAVIOUR=$$behaviour $(E2E) || failed+=" $$behaviour"; \
	done; \
	if [[ -n $$failed ]]; then echo "These fail:$$failed"; exit 1; fi

.PHONY: e2e-pairs
e2e-pairs: controlplane $(GINKGO) ## One journey through kinds of Kisi in which every two behaviours meet, three minutes (make test has the first four)
	KISI_OPERATOR_E2E_PAIRS=all $(GINKGO) run --procs=$(GINKGO_PROCS) --no-color --timeout=$(TEST_TIMEOUT) --poll-progress-after=3m \
	  --focus='Whatever two things Kisi does' $(GINKGOFLAGS) ./internal/e2e

.PHONY: e2e-memory
e2e-memory: controlplane $(GINKGO) ## What 10,000 objects of each kind leave in the operator's memory when they have gone: an hour
	KISI_OPERATOR_E2E_OBJECTS=$(or $(OBJECTS),10000) $(GINKGO) run --no-color --timeout=4h --poll-progress-after=10m \
	  --focus='The memory of the operator' $(GINKGOFLAGS) ./internal/e2e

.PHONY: bench
bench: controlplane ## Measure the operator beside a plain sync loop, ten minutes (SCALE=full, ARGS='--only let-in')
	@go build -o $(BIN)/bench/bench ./hack/bench
	@exec $(BIN)/bench/bench --scale='$(SCALE)' $(ARGS)

.PHONY: dist
dist: $(CHART) ## Make dist/install.yaml: everything that a cluster needs, rendered from the chart
	@mkdir -p dist
	$(CHART) install-manifest > dist/install.yaml

.PHONY: release
release: $(RELEASE) ## Make dist/release: all that a release publishes (VERSION=v0.1.0; PLATFORMS=linux/amd64, ALLOW_DIRTY=yes to try)
	@$(RELEASE) --version='$(VERSION)' --platforms='$(PLATFORMS)' --image-repository='$(IMAGE_REPOSITORY)' $(if $(ALLOW_DIRTY),--allow-dirty)

.PHONY: clean
clean: ## Remove what was built here; Go's own caches stay
	rm -rf $(BIN) dist

##@ Run it in a cluster (the one of your kubeconfig)

.PHONY: install
install: ## Install the CustomResourceDefinitions
	$(KUBECTL) apply -k config/crd

.PHONY: uninstall
uninstall: ## Remove the operator and its rights; CRDS=delete: the CustomResourceDefinitions too, with every object of these kinds
	$(KUBECTL) delete --ignore-not-found -k config/operator
	$(if $(filter delete,$(CRDS)),$(KUBECTL) delete --ignore-not-found -k config/crd)

.PHONY: deploy
deploy: ## Install definitions, role and operator
	$(KUBECTL) apply -k config/default

.PHONY: run
run: build ## Run the operator on this machine, as the user of your kubeconfig (ARGS=...)
	@exec $(BIN)/kisi-operator --leader-elect=false $(ARGS)

.PHONY: docker-build
docker-build: ## Build the image IMAGE, for example with CONTAINER_TOOL=podman
	$(or $(CONTAINER_TOOL),docker) build --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) -t $(IMAGE) .

# Tools -----------------------------------------------------------------------------------------------------------

$(CONTROLLER_GEN): hack/tools/go.mod hack/tools/go.sum
	go -C hack/tools build -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen

$(CRD_REF_DOCS): hack/tools/go.mod hack/tools/go.sum
	go -C hack/tools build -o $@ github.com/elastic/crd-ref-docs

$(GOVULNCHECK): hack/tools/go.mod hack/tools/go.sum
	go -C hack/tools build -o $@ golang.org/x/vuln/cmd/govulncheck

# Go says what is new.
.PHONY: $(CHART) $(RELEASE)
$(CHART):
	@go -C hack/chart build -o $@ .

$(RELEASE):
	@go -C hack/release build -o $@ .

# Without the ways to find what to scrape: a test of rules needs none of them, and they bring the SDK of every cloud.
$(PROMTOOL): hack/monitoring/go.mod hack/monitoring/go.sum
	go -C hack/monitoring build -tags remove_all_sd -o $@ github.com/prometheus/prometheus/cmd/promtool

# Of this module, so that it is always of the version that the specs are written with.
$(GINKGO): go.mod
	go build -o $@ github.com/onsi/ginkgo/v2/ginkgo

$(GOLANGCI_LINT): hack/lint/go.mod hack/lint/go.sum
	go -C hack/lint build -o $@ sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
