import type { RegistryClient } from '../registry/client.ts';
import { digestTag } from '../registry/digest.ts';
import type { OciManifest } from '../registry/oci.ts';
import { type Repository, repositoryText } from '../registry/reference.ts';
import { listReferrers } from '../registry/referrers.ts';
import { type PaperKind, type Problem, toProblem } from './problem.ts';
import type { PaperSubject, ResolvedImage } from './resolve.ts';

export type AttachmentPlace = 'referrer' | 'signature-tag' | 'attestation-tag' | 'sbom-tag' | 'buildkit';

/** A manifest that carries papers of an image; its layers are not fetched yet. */
export interface Attachment {
  place: AttachmentPlace;
  /** The digest it hangs on: the index's or the manifest's. */
  attachedTo: string;
  /** The platform manifest it is about, when its place says so. */
  describes: string | undefined;
  /** "referrer sha256:…", "tag sha256-….sig" or "attestation manifest sha256:…". */
  source: string;
  repository: Repository;
  manifestDigest: string;
  manifest: OciManifest;
}

const cosignTags: readonly [suffix: string, place: AttachmentPlace][] = [
  ['.sig', 'signature-tag'],
  ['.att', 'attestation-tag'],
  ['.sbom', 'sbom-tag'],
];

/** Which papers a place can hold; referrers can be anything. */
export const papersAt: Readonly<Record<AttachmentPlace, readonly PaperKind[] | undefined>> = {
  referrer: undefined,
  'signature-tag': ['signature'],
  'attestation-tag': undefined,
  'sbom-tag': ['sbom'],
  buildkit: ['sbom', 'provenance'],
};

/** Collects everything that hangs on the image, from all places; what failed is a problem. Never rejects. */
export async function findAttachments(
  image: ResolvedImage,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<{ attachments: Attachment[]; problems: Problem[] }> {
  const collector = new Collector(client, signal);
  const tasks = image.subjects.flatMap((subject) => [
    collector.referrers(subject),
    ...cosignTags.map(([suffix, place]) => collector.tag(subject, `${digestTag(subject.digest)}${suffix}`, place)),
  ]);
  const children = image.attestationManifests.map(({ repository, indexDigest, descriptor }) =>
    collector.manifest(
      'buildkit',
      { repository, digest: indexDigest, describes: descriptor.annotations?.['vnd.docker.reference.digest'] },
      descriptor.digest,
      `attestation manifest ${descriptor.digest}`,
    ),
  );
  await Promise.all([...tasks, ...children]);
  return collector.result();
}

type Subject = Pick<PaperSubject, 'repository' | 'digest'> & { describes?: string };

type Hides = readonly PaperKind[] | undefined;

class Collector {
  readonly #client: RegistryClient;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, Attachment>();
  readonly #problems: Problem[] = [];

  constructor(client: RegistryClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** In an order that does not depend on which answer came first. */
  result(): { attachments: Attachment[]; problems: Problem[] } {
    const attachments = [...this.#found.values()].sort((a, b) =>
      a.source < b.source ? -1 : a.source > b.source ? 1 : 0,
    );
    return { attachments, problems: this.#problems };
  }

  async referrers(subject: Subject): Promise<void> {
    await this.#guard(subject, undefined, `referrers of ${subject.digest} could not be listed`, async () => {
      const { descriptors } = await listReferrers(this.#client, subject.repository, subject.digest, this.#signal);
      await Promise.all(
        descriptors.map(({ digest }) => this.manifest('referrer', subject, digest, `referrer ${digest}`)),
      );
    });
  }

  async tag(subject: Subject, tag: string, place: AttachmentPlace): Promise<void> {
    await this.#guard(subject, papersAt[place], `tag ${tag} could not be read`, async () => {
      const fetched = await this.#client.getManifest(subject.repository, tag, this.#signal);
      if (fetched?.document.kind === 'manifest')
        this.#add(place, subject, fetched.digest, fetched.document.manifest, `tag ${tag}`);
      else if (fetched !== undefined)
        this.#problem(subject, papersAt[place], 'PAPER_MALFORMED', `tag ${tag} is an index, not a manifest`);
    });
  }

  async manifest(place: AttachmentPlace, subject: Subject, digest: string, source: string): Promise<void> {
    await this.#guard(subject, papersAt[place], `${source} could not be read`, async () => {
      const fetched = await this.#client.getManifest(subject.repository, digest, this.#signal);
      if (fetched?.document.kind === 'manifest') this.#add(place, subject, digest, fetched.document.manifest, source);
      else if (fetched === undefined)
        this.#problem(subject, papersAt[place], 'PAPER_MISSING', `${source} is listed but not there`);
    });
  }

  #add(place: AttachmentPlace, subject: Subject, manifestDigest: string, manifest: OciManifest, source: string): void {
    const key = `${source} ${subject.digest} ${manifestDigest}`;
    if (this.#found.has(key)) return;
    const { repository, digest: attachedTo, describes } = subject;
    this.#found.set(key, { place, attachedTo, describes, source, repository, manifestDigest, manifest });
  }

  async #guard(subject: Subject, hides: Hides, what: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#problems.push(
        toProblem(error, subject.repository.registry, `${repositoryText(subject.repository)}: ${what}`, hides),
      );
    }
  }

  #problem(subject: Subject, hides: Hides, code: string, reason: string): void {
    this.#problems.push({
      code,
      host: subject.repository.registry,
      reason: `${repositoryText(subject.repository)}: ${reason}`,
      hides,
    });
  }
}
