# syntax=docker/dockerfile:1
#
# Three images, none of which holds more than it runs:
#
#   docker build --tag dummymessenger .                         the server, the default
#   docker build --tag dummymessenger-client --target client .  the load tester
#   docker build --tag dummymessenger-demo --target demo .      all three programs: the whole task in one container

# The programs are cross-compiled: this stage runs on the builder's own processor.
FROM --platform=$BUILDPLATFORM golang:1.26-alpine AS build
WORKDIR /source
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X dummymessenger/internal/program.version=$VERSION" -o /out/ ./cmd/...
# The folders of the images: one to write to for the user below, and the certificates that https servers are checked by.
RUN mkdir -p /root-of-image/etc/ssl/certs /root-of-image/data && \
    cp /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ && \
    chown 65532:65532 /root-of-image/data

FROM scratch AS base
COPY --from=build /root-of-image/ /
USER 65532:65532
WORKDIR /data

FROM base AS client
COPY --from=build /out/client /
ENTRYPOINT ["/client"]

FROM base AS demo
COPY --from=build /out/ /
ENV TMPDIR=/data
ENTRYPOINT ["/demo"]

FROM base AS server
COPY --from=build /out/server /
EXPOSE 8001
# Flags that follow the image's name are added to this, and win over it.
ENTRYPOINT ["/server", "--listen=:8001"]
# Whether messages can be stored here, as a balancer asks; with TLS, ask https and the certificate's name.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/server", "--healthcheck=http://127.0.0.1:8001/readyz"]
