/** OCI image-spec and distribution-spec media types: https://github.com/opencontainers/image-spec/blob/main/media-types.md */
export const ociIndex = 'application/vnd.oci.image.index.v1+json';
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
export const dockerManifestList = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
export const ociEmptyConfig = 'application/vnd.oci.empty.v1+json';

export const indexMediaTypes: readonly string[] = [ociIndex, dockerManifestList];
export const manifestMediaTypes: readonly string[] = [ociManifest, dockerManifest];
/** What a manifest request accepts, in this order. */
export const acceptedManifests: readonly string[] = [...indexMediaTypes, ...manifestMediaTypes];

/** https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md */
export const simpleSigning = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const sigstoreBundlePrefix = 'application/vnd.dev.sigstore.bundle';
export const sigstoreBundleV03 = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const cosignArtifactSignature = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const dsseEnvelope = 'application/vnd.dsse.envelope.v1+json';
export const inToto = 'application/vnd.in-toto+json';
export const notationSignature = 'application/vnd.cncf.notary.signature';

export const spdxJson: readonly string[] = ['application/spdx+json', 'text/spdx+json'];
/** Registered with IANA in 2026. */
export const spdx3Json = 'application/spdx3+json';
export const cyclonedxJson = 'application/vnd.cyclonedx+json';
export const syftJson = 'application/vnd.syft+json';
/** SBOM formats that are recognised by media type but not read. */
export const unreadSboms: readonly string[] = ['text/spdx', 'application/vnd.cyclonedx+xml'];
export const readableSboms: readonly string[] = [...spdxJson, spdx3Json, cyclonedxJson, syftJson];

const reportTypes: readonly string[] = ['application/json', 'application/sarif+json', 'application/vnd.openvex+json'];

/** Whether a layer may be a scan report or VEX: no media type is agreed on, so that the content decides in the end. */
export function mayBeReport(mediaType: string): boolean {
  return reportTypes.includes(mediaType) || /(vex|vuln|sarif|grype|trivy).*json$/.test(mediaType);
}

/** The media type without parameters, in lower case. */
export function bareMediaType(value: string | undefined): string {
  return (value ?? '').split(';', 1)[0]!.trim().toLowerCase();
}
