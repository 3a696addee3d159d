import { type OpenOptions, openAttachment } from './attestation/open.ts';
import { findAttachments } from './discovery/attachments.ts';
import { type Problem, problemsHiding } from './discovery/problem.ts';
import { resolveImage } from './discovery/resolve.ts';
import type { ImageIdentity, ImageQuery, ProvenancePaper, SignaturePaper } from './papers.ts';
import { chooseProvenance } from './provenance/paper.ts';
import type { RegistryClient } from './registry/client.ts';
import { chooseSbom, type SbomResult } from './sbom/paper.ts';
import { sumUpSignatures } from './signature/paper.ts';
import type { Trust } from './trust/trust.ts';
import { collectScans, type FoundScans } from './vulnerability/collect.ts';

export interface LookUpResult {
  identity: ImageIdentity;
  signature: SignaturePaper;
  sbom: SbomResult;
  provenance: ProvenancePaper;
  scans: FoundScans;
  /** Why any of them may be unknown. */
  problems: readonly Problem[];
  /** Hosts that were asked. */
  hosts: readonly string[];
}

const maxAttachments = 256;

/** One walk through the registries: find the image, find what hangs on it, fetch, check, sum up. */
export async function lookUpImage(
  query: ImageQuery,
  options: { client: RegistryClient; trust: Trust; signal: AbortSignal },
): Promise<LookUpResult> {
  const { client, trust, signal } = options;
  const image = await resolveImage(query, client, signal);
  const found = await findAttachments(image, client, signal);
  const subjectBytes = new Map(image.subjects.map(({ digest, bytes }) => [digest, bytes]));
  const openOptions: OpenOptions = { client, trust, subjectBytes, signal };
  const problems: Problem[] = [...image.problems, ...found.problems];
  if (found.attachments.length > maxAttachments)
    problems.push({
      code: 'PAPER_TOO_MANY',
      host: 'none',
      reason: `more than ${maxAttachments} papers hang on the image`,
    });
  const opened = await Promise.all(
    found.attachments.slice(0, maxAttachments).map((attachment) => openAttachment(attachment, openOptions)),
  );
  problems.push(...opened.flatMap((item) => item.problems));
  const evidence = opened.flatMap((item) => item.evidence);
  const signature = sumUpSignatures(evidence, problemsHiding('signature', problems));
  return {
    identity: image.identity,
    signature,
    sbom: await chooseSbom(evidence, signature.records, problemsHiding('sbom', problems)),
    provenance: chooseProvenance(evidence, signature.records, problemsHiding('provenance', problems)),
    scans: collectScans(evidence, signature.records, image.identity),
    problems,
    hosts: [...new Set(image.subjects.map(({ repository }) => repository.registry))],
  };
}
