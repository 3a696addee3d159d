import type { ImageQuery, Papers } from '../records/papers.ts';
import { noVulnerabilities } from '../records/vulnerability/paper.ts';

/** Papers nobody could look at (yet): everything `unknown`, for one reason. Never to be kept. */
export function unknownPapers(query: ImageQuery | undefined, reason: string, nowUnixMs: number): Papers {
  return {
    identity: {
      repository: undefined,
      indexDigest: undefined,
      manifestDigest: undefined,
      configDigest: query?.configDigest || undefined,
      platform: query?.platform || undefined,
    },
    signature: { outcome: 'unknown', reason, signer: undefined, records: [] },
    sbom: {
      outcome: 'unknown',
      reason,
      format: undefined,
      generator: undefined,
      createdAt: undefined,
      componentCount: 0,
      ownedFileCount: 0,
      documentDigest: undefined,
      attachedTo: undefined,
      source: undefined,
      signer: undefined,
    },
    provenance: {
      outcome: 'unknown',
      reason,
      predicateType: undefined,
      builderId: undefined,
      sourceUri: undefined,
      signer: undefined,
    },
    vulnerabilities: noVulnerabilities('unknown', reason),
    checkedAtUnixMs: nowUnixMs,
    freshForMs: 0,
  };
}
