# make build: the binary. make test: everything, with the real parts. make parts: install those only. make clean.

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PKGS      ?= ./...
RACE_PKGS ?= $(shell go list $(PKGS) | grep -v -e /e2e$$ -e /chaos$$ -e /parts)
RUN       := .cache/bin/parts-run

.PHONY: build test parts lint clean

# Static, and so at home on any Linux of the same architecture.
build:
	CGO_ENABLED=1 go build -trimpath -tags netgo,osusergo \
		-ldflags '-s -w -X main.version=$(VERSION) -linkmode external -extldflags "-static -Wl,--no-warnings"' \
		-o penstock ./cmd/penstock

test: parts lint
	$(RUN) sh -ec ' \
		echo "go test $(PKGS)"; go test -timeout 10m $(PKGS); \
		echo "go test -race -short $(RACE_PKGS)"; go test -race -short -timeout 10m $(RACE_PKGS)'

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
