# make build: the binary; with STRIP= its symbols stay. make test: everything, with the real parts. make parts: install those only. make clean.
# make chaos ROUNDS=3 SEED=7, or FOR=20m: a storm of faults (docs/chaos.md), whose outcome goes to docs/chaos.jsonl.
# make bench: what penstock does on this machine, in five minutes; BENCH=-h says what else it can do (docs/benchmarks.md has the rest).
# make fuzz FUZZTIME=1h: every fuzz target for so long, as many at a time as there are cores; in make test it is 20 seconds.

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BINARY    ?= penstock
STRIP     ?= -s -w
PKGS      ?= ./...
ALL       := $(shell go list $(PKGS))
RACE_PKGS ?= $(filter-out %/e2e %/chaos %/bench %/bench/loops %/parts %/parts/run,$(ALL))
RUN       := .cache/bin/parts-run
FUZZTIME  ?= 20s
ROUNDS    ?= 1
SEED      ?= 0
STORE     ?= minio
FOR       ?= 0s
STORM     := go test -count=1 -timeout 0 -v -run TestStorm ./chaos

.PHONY: build test parts lint fuzz chaos bench clean

# Static, and so at home on any Linux of the same architecture.
build:
	CGO_ENABLED=1 go build -trimpath -tags netgo,osusergo \
		-ldflags '$(STRIP) -X main.version=$(VERSION) -linkmode external -extldflags "-static -Wl,--no-warnings"' \
		-o $(BINARY) ./cmd/penstock

# The packages of whole processes come after the others, so that each has the machine to itself.
test: parts lint
	@$(MAKE) --no-print-directory fuzz
	@$(RUN) sh -ec ' \
		echo "go test"; go test -timeout 10m $(filter-out %/chaos %/bench,$(ALL)); \
		for p in $(filter %/bench,$(ALL)); do go test -timeout 10m $$p; done; \
		echo "go test -race -short"; go test -race -short -timeout 10m $(RACE_PKGS); \
		for p in $(filter %/chaos,$(ALL)); do go test -timeout 30m -parallel 4 -skip TestStorm $$p; $(STORM) -storm.for=4m; done'

chaos: parts
	@$(RUN) $(STORM) -storm.rounds=$(ROUNDS) -storm.for=$(FOR) -storm.seed=$(SEED) -storm.store=$(STORE) -storm.record=$(CURDIR)/docs/chaos.jsonl

bench: parts build
	go build -o .cache/bin/bench ./bench
	go build -o .cache/bin/loops ./bench/loops
	@.cache/bin/bench $(BENCH)

parts:
	@mkdir -p .cache/bin
	go build -o $(RUN) ./parts/run
	$(RUN) -setup

# What is found is left in the package's testdata/fuzz, where every later test tries it first. Coverage is of our own code alone: built
# by go test -fuzz, all that it imports would be built anew. Up to Go 1.26 a target may fail for no reason but that its time was over
# (golang/go#75804).
FUZZ = grep -ro --include='*_test.go' '^func Fuzz[A-Za-z]*' $(sort $(wildcard */)) | sed 's|/[^/]*:func | |'
fuzz:
	@mkdir -p .cache/fuzz
	go test -c -gcflags='$(shell go list -m)/...=-d=libfuzzer' -o .cache/fuzz/ $$($(FUZZ) | sed 's| .*||; s|^|./|' | sort -u)
	@$(FUZZ) | sort | xargs -P $$(nproc) -n 2 sh -c ' \
		cd $$1; said=$$($(CURDIR)/.cache/fuzz/$${1##*/}.test -test.run "^$$" -test.fuzz "^$$2\$$" -test.fuzztime $(FUZZTIME) \
			-test.fuzzminimizetime 10x -test.parallel 1 -test.fuzzcachedir $(CURDIR)/.cache/fuzz/$$1 2>&1) && failed= || failed=yes; \
		case $$said in *"Failing input"*) ;; *"    context deadline exceeded"*) failed= ;; esac; \
		if [ $$failed ]; then echo "$$said"; exit 1; fi; echo "$$1 $$2: $$(echo "$$said" | grep -o "execs: [0-9]*" | tail -n 1)"' fuzz

lint: parts
	@unformatted=$$(find . -name '*.go' -not -path './.*' | xargs gofmt -l) && \
		if [ -n "$$unformatted" ]; then echo "not gofmt'ed:" $$unformatted; exit 1; fi
	go vet $(PKGS)
	go vet -tags points $(PKGS)
	@mkdir -p .cache/examples && cp docs/examples/httpsink/go.mod .cache/examples/ && cp go.sum .cache/examples/
	cd docs/examples/httpsink && GOWORK=off go vet -mod=mod -modfile=$(CURDIR)/.cache/examples/go.mod ./...
	.cache/bin/staticcheck $(PKGS)

clean:
	rm -rf penstock .cache
