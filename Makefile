# Each target is one line that can be typed by hand, too; nothing needs make.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## the three programs, without cgo, in bin/
	CGO_ENABLED=0 go build -o bin/ ./cmd/...

.PHONY: demo
demo: ## two replicas and the client against them, on a new SQLite file
	go run ./cmd/demo

.PHONY: test
test: ## all tests; at the end, what those need that were skipped
	@go test -v ./... | awk ' \
		/: needs / { sub(/.*: needs /, ""); skipped[$$0]++; next } \
		/^(ok  |\?   )\t/ { print; log_ = ""; next } \
		/^FAIL\t/ { printf "%s", log_; print; log_ = ""; failed = 1; next } \
		!/^ *(=== |--- PASS|PASS)/ { log_ = log_ $$0 "\n" } \
		END { printf "%s", log_; for (need in skipped) print "SKIPPED", skipped[need], "×: needs", need; exit failed }'

.PHONY: race
race: ## all tests with the race detector, in random order
	go test -race -shuffle=on -timeout 30m ./...

.PHONY: deb
deb: ## a Debian package in dist/, with the unit of a service, manuals and completions
	deploy/deb/build

.PHONY: check-deploy
check-deploy: ## the Dockerfile, compose files, workflows, dashboard and alerts
	go tool -modfile=tools.mod actionlint .github/workflows/*.yml
	cd deploy/check && go vet ./... && go test ./...

.PHONY: ci
ci: ## everything that must hold for a commit (Debian, Ubuntu)
	.ci/run

.PHONY: bench
bench: ## contenders side by side on this machine; see BENCHMARKS.md
	go run ./bench

.PHONY: soak
soak: ## faults mixed for SOAK (30m)
	go run ./internal/e2e/soak --for $(or $(SOAK),30m)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ executions (100000x) or as long (10s)
	@go test -list '^Fuzz' ./... \
	| awk '/^Fuzz/ { t[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, t[i]; n = 0 }' \
	| while read -r package target; do \
		echo "$$package $$target"; \
		go test -tags fuzzing -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZ),100000x) "$$package" || exit 1; \
	done

.PHONY: screenshots
screenshots: ## the pictures of the README, with chromium and tmux
	go run ./docs/screenshots

.PHONY: release-check
release-check: ## build all that a release has into dist/release and dist/*.deb, and publish nothing; the first time takes long
	go run github.com/goreleaser/goreleaser/v2@v2.15.0 check
	go run github.com/goreleaser/goreleaser/v2@v2.15.0 release --snapshot --clean
