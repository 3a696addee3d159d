import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ContainerState } from '../../../proto/generated/tallyman/v1/container.ts';
import { imageQueryOf } from '../../correlate/image-query.ts';
import type { ImageQuery, ImageRecords, Papers, Records } from '../../records/papers.ts';
import type { VulnerabilitySeverity } from '../../records/vulnerability/model.ts';
import type { Store, StoredContainer } from '../../store/store.ts';
import { executedPackages } from '../executed-packages.ts';
import { imageAnswer, nameOfImage, queryOfReference } from '../image-answer.ts';
import { HttpProblem, parseParameters } from '../problem.ts';
import { vulnerabilityList, vulnerabilitySeverities } from '../vulnerability-list.ts';

export const reference = z
  .string()
  .min(1)
  .max(1_024)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');
const listParameters = z.strictObject({ ref: reference.optional() });
export const imageParameters = z.strictObject({ ref: reference });
const vulnerabilityParameters = z.strictObject({ severity: z.enum(vulnerabilitySeverities).optional() });
/** Images shown in a list; each costs a look into the cache. */
const maxImages = 1_000;

interface KnownImage {
  query: ImageQuery;
  containers: StoredContainer[];
}

/** Images of the containers that are known, and what is known of their papers. */
export function imageRoutes(app: FastifyInstance, store: Store, records: Records): void {
  app.get('/api/v1/images', async (request) => {
    const { ref } = parseParameters(listParameters, request.query);
    if (ref !== undefined) return oneImage(store, records, ref);
    const images = knownImages(store);
    const shown = images.slice(0, maxImages).map((image) => listed(image, records.peek(image.query)));
    return { images: shown, omitted: images.length - shown.length };
  });

  app.get('/api/v1/images/:ref/vulnerabilities', async (request) => {
    const { ref } = parseParameters(imageParameters, request.params);
    const { severity } = parseParameters(vulnerabilityParameters, request.query);
    return imageVulnerabilities(store, records, ref, severity);
  });

  app.get('/api/v1/images/:ref', async (request) => {
    const { ref } = parseParameters(imageParameters, request.params);
    return oneImage(store, records, ref);
  });
}

/** The image of a known container that a reference or digest names. */
export function knownImageOf(store: Store, ref: string): ImageQuery | undefined {
  return knownImages(store).find(({ query }) => namesOf(query).has(ref))?.query;
}

/** Distinct images, most containers first. An image is what its most exact digest says. */
function knownImages(store: Store): KnownImage[] {
  const images = new Map<string, KnownImage>();
  for (const stored of store.listContainers()) {
    const query = imageQueryOf(stored.container);
    if (query === undefined) continue;
    const key = query.targetDigest || query.repoDigests[0] || query.configDigest || query.reference;
    const image = images.get(key) ?? { query, containers: [] };
    image.containers.push(stored);
    images.set(key, image);
  }
  return [...images.values()].sort((a, b) => b.containers.length - a.containers.length);
}

/**
 * The image of a known container if one fits, so that all its digests are used; else the reference as it is. A digest alone
 * that no container uses is answered by `unknown`, which throws where it is not given.
 */
export function findImage(store: Store, ref: string, unknown?: (digest: string) => ImageQuery): KnownImage {
  const known = knownImages(store).filter(({ query }) => namesOf(query).has(ref));
  return { query: known[0]?.query ?? queryOf(ref, unknown), containers: known.flatMap((image) => image.containers) };
}

/** Also what does not count, and why: the paper says how far an empty list is to be believed. */
async function imageVulnerabilities(
  store: Store,
  records: Records,
  ref: string,
  severity: VulnerabilitySeverity | undefined,
) {
  const { query, containers } = findImage(store, ref);
  const found = await records.lookup(query);
  const executed = executedPackages(store, containers, found.sbom);
  const { vulnerabilities: paper, checkedAtUnixMs } = found.papers;
  return {
    ...nameOfImage(query),
    summary: paper,
    vulnerabilities: vulnerabilityList(found.vulnerabilities ?? [], executed, severity),
    checkedAt: new Date(checkedAtUnixMs).toISOString(),
  };
}

async function oneImage(store: Store, records: Records, ref: string) {
  // Of whatever kind a digest is: what was seen in registries says which image it names.
  const { query, containers } = findImage(store, ref, byDigest);
  const found = await records.lookup(query);
  if (isDigestOnly(query) && found.papers.identity.manifestDigest === undefined) throw unknownDigest(ref);
  return { ...imageAnswer(query, found), containers: containers.map(runningContainer) };
}

const byDigest = (digest: string): ImageQuery => {
  return { reference: '', repoDigests: [], configDigest: '', targetDigest: digest, platform: '' };
};

const isDigestOnly = ({ reference, repoDigests, configDigest }: ImageQuery): boolean =>
  reference === '' && repoDigests.length === 0 && configDigest === '';

function queryOf(ref: string, unknown?: (digest: string) => ImageQuery): ImageQuery {
  if (!/^sha256:[0-9a-f]+$/.test(ref)) return queryOfReference(ref);
  if (unknown === undefined || ref.length !== 71) throw unknownDigest(ref);
  return unknown(ref);
}

function unknownDigest(ref: string): HttpProblem {
  return new HttpProblem(
    404,
    'No such image',
    `no known container uses ${ref}, no registry was seen to have it, and a digest alone does not say where to look`,
  );
}

function namesOf(query: ImageQuery): Set<string> {
  const digests = query.repoDigests.map((name) => name.slice(name.indexOf('@') + 1));
  const names = [query.reference, query.configDigest, query.targetDigest, ...query.repoDigests, ...digests];
  return new Set(names.filter((name) => name !== ''));
}

function listed({ query, containers }: KnownImage, known: ImageRecords | undefined) {
  const { papers } = known ?? {};
  return {
    ...nameOfImage(query),
    containers: containers.length,
    running: containers.filter(({ container }) => container.state === ContainerState.RUNNING).length,
    papers: {
      signature: papers?.signature.outcome ?? 'unknown',
      signer: papers?.signature.signer?.name,
      sbom: papers?.sbom.outcome ?? 'unknown',
      provenance: papers?.provenance.outcome ?? 'unknown',
      vulnerabilities: listedVulnerabilities(papers),
      /** Absent: not looked up yet. */
      checkedAt: papers === undefined ? undefined : new Date(papers.checkedAtUnixMs).toISOString(),
      ageSeconds:
        papers === undefined ? undefined : Math.max(0, Math.round((Date.now() - papers.checkedAtUnixMs) / 1000)),
    },
  };
}

function listedVulnerabilities(papers: Papers | undefined) {
  if (papers === undefined) return { outcome: 'unknown' };
  const { outcome, freshness, counts, total, knownExploited, fixable } = papers.vulnerabilities;
  return { outcome, freshness, counts, total, knownExploited, fixable };
}

function runningContainer({ nodeName, container }: StoredContainer) {
  return { nodeName, id: container.id, name: container.name, running: container.state === ContainerState.RUNNING };
}
