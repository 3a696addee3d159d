import { type OpenOptions, openAttachment } from './attestation/open.ts';
import { type KnownImages, MemoryKnownImages } from './base/known-images.ts';
import { basePaper } from './base/paper.ts';
import { findAttachments } from './discovery/attachments.ts';
import type { IdentityBook } from './discovery/known-identities.ts';
import { type Problem, problemsHiding } from './discovery/problem.ts';
import { resolveImage } from './discovery/resolve.ts';
import { expectationOf, repositoriesOf } from './expectation/expectation.ts';
import { placeClauses } from './expectation/place.ts';
import type { ImageExpectation } from './expectation/schema.ts';
import { digestsOfImage, openUploads } from './intake/open-uploads.ts';
import type { Uploads } from './intake/uploads.ts';
import type { BasePaper, Clause, ImageIdentity, ImageQuery, ProvenancePaper, SignaturePaper } from './papers.ts';
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
  base: BasePaper | undefined;
  place: readonly Clause[];
  /** Why any of them may be unknown. */
  problems: readonly Problem[];
  /** Hosts that were asked. */
  hosts: readonly string[];
}

export interface LookUpOptions {
  client: RegistryClient;
  trust: Trust;
  /** What is expected of images; nothing when undefined. */
  expectations?: readonly ImageExpectation[] | undefined;
  /** Images that others may be built on; those of this look-up when undefined. */
  knownImages?: KnownImages | undefined;
  /** Papers that people brought. */
  uploads?: Uploads | undefined;
  nowUnixMs?: number | undefined;
  /** Digests that were seen together before; none when undefined. */
  identities?: IdentityBook | undefined;
  signal: AbortSignal;
}

const maxAttachments = 256;
const noIdentities: IdentityBook = { find: () => [], put: () => undefined };

/** One walk through the registries: find the image, find what hangs on it, fetch, check, sum up. */
export async function lookUpImage(query: ImageQuery, options: LookUpOptions): Promise<LookUpResult> {
  const { client, trust, uploads, signal } = options;
  const image = await resolveImage(query, client, signal, options.identities ?? noIdentities);
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
  if (uploads !== undefined) {
    const judging = { trust, repository: image.identity.repository ?? '' };
    opened.push(openUploads(uploads, digestsOfImage(query, image.identity), { judging, subjectBytes }));
  }
  problems.push(...opened.flatMap((item) => item.problems));
  const evidence = opened.flatMap((item) => item.evidence);
  const signature = sumUpSignatures(evidence, problemsHiding('signature', problems));
  const expectation = expectationOf(options.expectations ?? [], repositoriesOf(query, image.identity.repository));
  const hidden = problemsHiding('provenance', problems);
  const provenance = chooseProvenance(evidence, signature.records, hidden, expectation);
  return {
    identity: image.identity,
    signature,
    sbom: await chooseSbom(evidence, signature.records, problemsHiding('sbom', problems)),
    provenance,
    scans: collectScans(evidence, signature.records, image.identity),
    base: await basePaper(query, image, provenance.records ?? [], {
      client,
      known: options.knownImages ?? new MemoryKnownImages(),
      expectation,
      nowUnixMs: options.nowUnixMs ?? Date.now(),
      signal,
    }),
    place: placeClauses(query, image.identity.repository, expectation),
    problems,
    hosts: [...new Set(image.subjects.map(({ repository }) => repository.registry))],
  };
}
