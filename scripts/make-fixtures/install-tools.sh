#!/bin/sh
# Builds the tools that make test/fixtures/papers: cosign 3 (bundles), cosign 2 (legacy signatures) and syft.
# Usage: GOBIN=/some/folder scripts/make-fixtures/install-tools.sh
set -eu
: "${GOBIN:?set GOBIN to the folder that shall receive cosign2, cosign3 and syft}"
export GOBIN
go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3 && mv "$GOBIN/cosign" "$GOBIN/cosign3"
go install github.com/sigstore/cosign/v2/cmd/cosign@v2.6.3 && mv "$GOBIN/cosign" "$GOBIN/cosign2"
go install -ldflags '-X main.version=1.57.0' github.com/anchore/syft/cmd/syft@v1.57.0
go install oras.land/oras/cmd/oras@v1.3.6
