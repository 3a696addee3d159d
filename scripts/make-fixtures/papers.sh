#!/bin/sh
# Makes test/fixtures/papers: a small real image in several variants, signed and attested by the real cosign, described by
# the real syft, in a real docker-registry; then exported by export-registry.ts.
# Usage: BIN=/folder/with/cosign2+cosign3+syft+oras scripts/make-fixtures/papers.sh
# Needs docker, docker-registry, go, openssl, curl, Debian’s apt-get, npm, pip and Node 24 first in PATH.
set -eu
: "${BIN:?set BIN to the folder of install-tools.sh}"
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../../test/fixtures/papers
work=$(mktemp -d)
port=${PORT:-5987}
repo=127.0.0.1:$port/tallyman/fixture
export GOPATH="$(go env GOPATH)" GOCACHE="$(go env GOCACHE)"
export COSIGN_PASSWORD='' SYFT_CHECK_FOR_APP_UPDATE=false SYFT_REGISTRY_INSECURE_USE_HTTP=true DOCKER_BUILDKIT=0 HOME="$work"

cat > "$work/registry.yml" <<YML
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: $work/registry }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
YML
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
registry=$!
trap 'kill $registry; rm -rf "$work"' EXIT
until curl -fs "http://127.0.0.1:$port/v2/" >/dev/null; do sleep 0.2; done

"$here/rootfs.sh" "$work/rootfs"
tar -C "$work/rootfs" --sort=name --mtime=@1700000000 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .

# variant NAME: pushes the image under that tag; a label makes its digests its own. Sets $digest.
variant() {
  printf 'FROM scratch\nLABEL variant=%s\nADD layer.tar /\nENTRYPOINT ["/usr/bin/hello"]\n' "$1" > "$work/Dockerfile"
  docker build -q -t "$repo:$1" "$work" >/dev/null
  digest=$(docker push -q "$repo:$1" >/dev/null && docker image inspect -f '{{index .RepoDigests 0}}' "$repo:$1")
  docker image rm -f "$repo:$1" >/dev/null
  echo "$1 $digest"
}
key() { # NAME: a key pair; the private half stays in $work
  (cd "$work" && "$BIN/cosign3" generate-key-pair --output-key-prefix "$1" >/dev/null 2>&1)
  cp "$work/$1.pub" "$out/keys/$1.pub"
}
import_key() { # NAME: makes the key pair of a PEM private key $work/NAME.pem
  (cd "$work" && "$BIN/cosign3" import-key-pair --key "$1.pem" --output-key-prefix "$1" >/dev/null 2>&1)
  cp "$work/$1.pub" "$out/keys/$1.pub"
}
describe() { # IMAGE FORMAT FILE
  "$BIN/syft" scan -q "registry:$1" -o "$2=$3"
}
sign3() { "$BIN/cosign3" sign -y --key "$work/$1.key" --signing-config "$work/offline.json" "$2" 2>&1; }
attest3() { # KEY TYPE PREDICATE IMAGE
  "$BIN/cosign3" attest -y --key "$work/$1.key" --signing-config "$work/offline.json" --type "$2" --predicate "$3" "$4" 2>&1
}
legacy="--tlog-upload=false --new-bundle-format=false --use-signing-config=false"

mkdir -p "$out/keys" "$out/documents"
key release
key other
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/p384.pem" && import_key p384
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$work/rsa.pem" 2>/dev/null && import_key rsa
openssl genpkey -algorithm ED25519 -out "$work/ed25519.pem" && import_key ed25519
"$BIN/cosign3" signing-config create --out "$work/offline.json"
cat > "$work/slsa.json" <<JSON
{"buildDefinition":{"buildType":"https://example.com/buildtypes/make/v1","externalParameters":{"repository":"https://git.example.com/acme/fixture","ref":"refs/tags/v1"},"internalParameters":{},"resolvedDependencies":[{"uri":"git+https://git.example.com/acme/fixture@refs/tags/v1","digest":{"gitCommit":"4be1c2d0000000000000000000000000000000aa"}}]},"runDetails":{"builder":{"id":"https://ci.example.com/builders/release"},"metadata":{"invocationId":"https://ci.example.com/runs/17/attempts/1"}}}
JSON

variant plain
for format in syft-json spdx-json cyclonedx-json; do describe "$digest" $format "$out/documents/$format.json"; done
variant bundle; sign3 release "$digest"
variant bundle-other-key; sign3 other "$digest"
variant legacy; "$BIN/cosign2" sign -y --key "$work/release.key" $legacy "$digest"
variant oci11; COSIGN_EXPERIMENTAL=1 "$BIN/cosign2" sign -y --key "$work/release.key" $legacy --registry-referrers-mode=oci-1-1 "$digest"
for kind in p384 rsa ed25519; do
  variant "bundle-$kind"; sign3 $kind "$digest"
  variant "legacy-$kind"; "$BIN/cosign2" sign -y --key "$work/$kind.key" $legacy "$digest"
done
variant attested; sign3 release "$digest"
describe "$digest" spdx-json "$work/spdx.json"
attest3 release spdxjson "$work/spdx.json" "$digest"
attest3 release slsaprovenance1 "$work/slsa.json" "$digest"
variant legacy-attested; describe "$digest" cyclonedx-json "$work/cyclonedx.json"
"$BIN/cosign2" attest -y --key "$work/release.key" $legacy --type cyclonedx --predicate "$work/cyclonedx.json" "$digest"
variant tag-sbom; describe "$digest" syft-json "$work/syft.json"
"$BIN/cosign2" attach sbom --sbom "$work/syft.json" --type syft "$digest"
variant raw-sbom; describe "$digest" spdx-json "$work/sbom.spdx.json"
(cd "$work" && "$BIN/oras" attach --plain-http --artifact-type application/spdx+json "$digest" sbom.spdx.json:application/spdx+json)

# An index over one platform, signed as such: what a multi-platform image looks like to who pulls it.
variant platform
size=$(curl -fsS -H 'accept: application/vnd.docker.distribution.manifest.v2+json' "http://127.0.0.1:$port/v2/tallyman/fixture/manifests/platform" | wc -c)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"%s","size":%s,"platform":{"architecture":"amd64","os":"linux"}}]}' \
  "${digest#*@}" "$size" > "$work/index.json"
"$BIN/oras" manifest push --plain-http --media-type application/vnd.oci.image.index.v1+json "$repo:index" "$work/index.json"
sign3 release "$repo@sha256:$(sha256sum "$work/index.json" | cut -d' ' -f1)"

# Documents only: a Go binary, whose image would be too large to keep.
mkdir -p "$work/go"
(cd "$work/go" && printf 'package main\n\nimport "rsc.io/quote"\n\nfunc main() { println(quote.Hello()) }\n' > main.go &&
  printf 'module example.com/greet\n\ngo 1.22\n\nrequire rsc.io/quote v1.5.2\n' > go.mod && GOFLAGS=-mod=mod CGO_ENABLED=0 go build -o greet .)
printf 'FROM scratch\nADD greet /usr/local/bin/greet\n' > "$work/go/Dockerfile"
docker build -q -t "127.0.0.1:$port/tallyman/go:greet" "$work/go" >/dev/null
docker push -q "127.0.0.1:$port/tallyman/go:greet" >/dev/null && docker image rm -f "127.0.0.1:$port/tallyman/go:greet" >/dev/null
for format in syft-json spdx-json; do describe "127.0.0.1:$port/tallyman/go:greet" $format "$out/documents/go-$format.json"; done

# A signature over the manifest's bytes (cosign signs images with a statement; other clients do this).
curl -fsS -H 'accept: application/vnd.docker.distribution.manifest.v2+json' "http://127.0.0.1:$port/v2/tallyman/fixture/manifests/plain" > "$work/manifest.json"
mkdir -p "$out/messages"
cp "$work/manifest.json" "$out/messages/manifest.json"
for kind in release p384 rsa ed25519; do
  "$BIN/cosign3" sign-blob -y --key "$work/$kind.key" --signing-config "$work/offline.json" --bundle "$out/messages/$kind.json" "$work/manifest.json"
  chmod 644 "$out/messages/$kind.json"
done

node "$here/certificate.ts"
node "$here/export-registry.ts" "http://127.0.0.1:$port" tallyman/fixture "$out/registry"
"$BIN/cosign2" version 2>/dev/null | grep GitVersion; "$BIN/cosign3" version 2>/dev/null | grep GitVersion; "$BIN/syft" version | grep ^Version
