import type { ImageQuery, ImageRecords } from '../records/papers.ts';

/** What is asked about an image that no container names: the reference as it is, for this machine's platform. */
export function queryOfReference(reference: string, platform: string = ownPlatform()): ImageQuery {
  return {
    reference,
    repoDigests: reference.includes('@sha256:') ? [reference] : [],
    configDigest: '',
    targetDigest: '',
    platform,
    byName: true,
  };
}

function ownPlatform(): string {
  return process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
}

/** The papers of an image as GET /api/v1/images/:ref and `tallyman verify` answer them. */
export function imageAnswer(query: ImageQuery, { papers, sbom }: ImageRecords) {
  const { checkedAtUnixMs, freshForMs, ...outcomes } = papers;
  return {
    ...nameOfImage(query),
    ...outcomes,
    sbom: { ...papers.sbom, componentCount: sbom?.components.length ?? papers.sbom.componentCount },
    checkedAt: new Date(checkedAtUnixMs).toISOString(),
    freshUntil: new Date(checkedAtUnixMs + freshForMs).toISOString(),
  };
}

export function nameOfImage(query: ImageQuery) {
  const { reference, repoDigests, targetDigest, configDigest, platform } = query;
  return { reference, repoDigests, targetDigest, configDigest, platform };
}
