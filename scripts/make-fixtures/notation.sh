#!/bin/sh
# notation.sh: makes test/fixtures/papers/notation with the real notation CLI (BIN: the folder that has it) and openssl.
# No private key is kept.
set -eu
out=$(cd "$(dirname "$0")/../../test/fixtures/papers/notation" && pwd)
notation=$BIN/notation
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export NOTATION_EXPERIMENTAL=1 HOME="$work" XDG_CONFIG_HOME="$work/config"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ca.key -out "$out/acme-ca.pem" -days 36500 \
  -subj '/C=DE/O=Acme/CN=Acme Root' -addext 'keyUsage=critical,keyCertSign'
issue() {
  openssl req -newkey "$2" ${3:+-pkeyopt "$3"} -nodes -keyout "$1.key" -out "$1.csr" -subj "/C=DE/O=Acme/OU=Release/CN=$1"
  printf '%s\n' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=codeSigning' 'basicConstraints=critical,CA:FALSE' >extensions
  openssl x509 -req -in "$1.csr" -CA "$out/acme-ca.pem" -CAkey ca.key -CAcreateserial -days 36000 -sha384 -extfile extensions -out "$1.crt"
  cat "$1.crt" "$out/acme-ca.pem" >"$1.chain"
  openssl pkcs8 -topk8 -nocrypt -in "$1.key" -out "$1.p8"
}
issue es256 ec ec_paramgen_curve:P-256
issue ps256 rsa:2048 ''
mkdir -p config/notation image/blobs/sha256
cat >config/notation/signingkeys.json <<JSON
{"default":"es256","keys":[{"name":"es256","keyPath":"$work/es256.p8","certPath":"$work/es256.chain"},{"name":"ps256","keyPath":"$work/ps256.p8","certPath":"$work/ps256.chain"}]}
JSON

digest_of() { sha256sum "$1" | cut -d' ' -f1; }
printf '{"imageLayoutVersion":"1.0.0"}' >image/oci-layout
printf '{}' >config.json
cp config.json "image/blobs/sha256/$(digest_of config.json)"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":2},"layers":[]}' \
  "$(digest_of config.json)" >"$out/manifest.json"
digest=$(digest_of "$out/manifest.json")
cp "$out/manifest.json" "image/blobs/sha256/$digest"
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}' \
  "$digest" "$(stat -c %s "$out/manifest.json")" >image/index.json

# Signs and keeps the envelope, the blob that is new and no manifest.
envelope() {
  ls image/blobs/sha256 >before
  "$notation" sign --oci-layout "image@sha256:$digest" --key "$1" --signature-format "$2" ${4:+-e "$4"}
  for blob in $(ls image/blobs/sha256 | grep -vxFf before); do
    grep -q '"schemaVersion"' "image/blobs/sha256/$blob" || cp "image/blobs/sha256/$blob" "$out/$3"
  done
}
envelope es256 jws es256.jws.json ''
envelope ps256 jws ps256.jws.json ''
envelope es256 jws es256-expiring.jws.json 876000h
envelope es256 cose es256.cose ''
chmod 644 "$out"/*
