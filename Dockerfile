# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY api/go.mod api/go.sum api/
COPY api/applyconfiguration/go.mod api/applyconfiguration/go.sum api/applyconfiguration/
RUN go mod download
COPY api api
COPY cmd cmd
COPY internal internal
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG COMMIT=
ARG DATE=
ARG STAMP=github.com/kisi-operator/kisi-operator/internal/version
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X $STAMP.version=$VERSION -X $STAMP.commit=$COMMIT -X $STAMP.date=$DATE" -o /out/ ./cmd/kisi-operator ./cmd/kisi-feed

# Nothing but the programs and the authorities they need to recognize Kisi, calendars and the Kubernetes API.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/kisi-operator /out/kisi-feed /
USER 65532:65532
ENTRYPOINT ["/kisi-operator"]
