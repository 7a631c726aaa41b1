# make build: the binary. make test: everything, with the real parts. make parts: install those only. make clean.

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PKGS      ?= ./...
ALL       := $(shell go list $(PKGS))
RACE_PKGS ?= $(filter-out %/e2e %/chaos %/parts %/parts/run,$(ALL))
RUN       := .cache/bin/parts-run

.PHONY: build test parts lint clean

# Static, and so at home on any Linux of the same architecture.
build:
	CGO_ENABLED=1 go build -trimpath -tags netgo,osusergo \
		-ldflags '-s -w -X main.version=$(VERSION) -linkmode external -extldflags "-static -Wl,--no-warnings"' \
		-o penstock ./cmd/penstock

# The packages of whole processes come after the others, so that each has the machine to itself.
test: parts lint
	@$(RUN) sh -ec ' \
		echo "go test"; go test -timeout 10m $(filter-out %/chaos,$(ALL)); \
		echo "go test -race -short"; go test -race -short -timeout 10m $(RACE_PKGS); \
		for p in $(filter %/chaos,$(ALL)); do go test -timeout 20m -parallel 4 $$p; done'

parts:
	@mkdir -p .cache/bin
	go build -o $(RUN) ./parts/run
	$(RUN) -setup

lint: parts
	@unformatted=$$(find . -name '*.go' -not -path './.*' | xargs gofmt -l) && \
		if [ -n "$$unformatted" ]; then echo "not gofmt'ed:" $$unformatted; exit 1; fi
	go vet $(PKGS)
	.cache/bin/staticcheck $(PKGS)

clean:
	rm -rf penstock .cache
