import { errorText } from '../../../common/errors.ts';
import type { ImageIdentity, ImageQuery } from '../papers.ts';
import type { FetchedManifest, RegistryClient } from '../registry/client.ts';
import { isDigest, shortDigest } from '../registry/digest.ts';
import { mirrorsOf } from '../registry/mirrors.ts';
import type { Descriptor, OciIndex } from '../registry/oci.ts';
import { type ImageReference, parseReference, type Repository, repositoryText } from '../registry/reference.ts';
import { type IdentityBook, identitiesOf, knownIndexes, knownPlaces } from './known-identities.ts';
import { layoutPlaces } from './other-places.ts';
import { type Problem, toProblem } from './problem.ts';

/** A digest of the image that papers may hang on, in one repository. */
export interface PaperSubject {
  repository: Repository;
  digest: string;
  kind: 'index' | 'manifest';
  bytes: Buffer;
}

export interface ResolvedImage {
  identity: ImageIdentity;
  subjects: readonly PaperSubject[];
  /** BuildKit's attestation manifests for this platform, from the index. */
  attestationManifests: readonly { repository: Repository; indexDigest: string; descriptor: Descriptor }[];
  problems: readonly Problem[];
}

/** The image in one repository. */
export interface Found {
  repository: Repository;
  index: FetchedManifest | undefined;
  manifest: FetchedManifest;
}

const maxPlaces = 4;
const maxCandidates = 8;

/**
 * Finds the image in the registries that the runtime names, else where it has been seen before, and its three digests. A
 * repository digest or tag counts only when what is there has the running image's config (or is the very manifest the
 * runtime names): a tag that has moved on leads to the papers of another image. Never rejects.
 */
export async function resolveImage(
  query: ImageQuery,
  client: RegistryClient,
  signal: AbortSignal,
  book: IdentityBook,
): Promise<ResolvedImage> {
  const named: Problem[] = [];
  const places = placesOf(query, named);
  const problems: Problem[] = [];
  const walk = { query, client, signal };
  let found = await findEverywhere(places, walk, problems);
  if (found.length > 0) named.length = 0;
  else if (!client.noUpstream) {
    found = await findAtAll(knownPlaces(query, book), walk, problems);
    // What is found by its digest makes it irrelevant that the runtime's names led nowhere.
    if (found.length > 0) named.length = problems.length = 0;
  }
  found = await Promise.all(found.map((entry) => withKnownIndex(entry, walk, book, problems)));
  book.put(identitiesOf(found, query.platform));
  return { ...describe(found, query), problems: [...named, ...problems] };
}

interface Walk {
  query: ImageQuery;
  client: RegistryClient;
  signal: AbortSignal;
}

/** At the places themselves, on their mirrors, and in folders of images. */
async function findEverywhere(places: readonly ImageReference[], walk: Walk, problems: Problem[]): Promise<Found[]> {
  const { client, query } = walk;
  const found: Found[] = [];
  for (const place of places) {
    const mirrors = mirrorsOf(place, client.mirrors);
    const own = client.noUpstream ? [] : await findAtAll([place], walk, problems);
    const ofMirrors: Problem[] = [];
    found.push(...own, ...(await findAtAll(mirrors, walk, ofMirrors)));
    // The registry itself has answered: what a mirror does not have or say is nothing that is missing.
    if (own.length === 0) problems.push(...ofMirrors);
  }
  const inLayouts = await findAtAll(await layoutPlaces(query, client, problems), walk, problems);
  if (client.noUpstream && found.length + inLayouts.length + problems.length === 0)
    problems.push({
      code: 'IMAGE_NO_SOURCE',
      host: 'none',
      reason: 'no mirror stands for its registry and no folder of images has it; registries themselves are not asked',
    });
  return [...found, ...inLayouts];
}

async function findAtAll(places: readonly ImageReference[], walk: Walk, problems: Problem[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const place of places) {
    try {
      const result = await findAt(place, walk.query, walk.client, walk.signal);
      if ('code' in result) problems.push(result);
      else found.push(result);
    } catch (error) {
      problems.push(toProblem(error, place.registry, `${repositoryText(place)} could not be asked for the image`));
    }
  }
  return found;
}

/** The manifest together with an index that lists it, when one has been seen and is still there. */
async function withKnownIndex(found: Found, walk: Walk, book: IdentityBook, problems: Problem[]): Promise<Found> {
  if (found.index !== undefined) return found;
  for (const place of knownIndexes(found, book)) {
    try {
      const repository = { registry: place.registry, name: place.name };
      const index = await walk.client.getManifest(repository, place.digest ?? '', walk.signal);
      if (index?.document.kind !== 'index') continue;
      if (index.document.index.manifests.some(({ digest }) => digest === found.manifest.digest))
        return { ...found, repository, index };
    } catch (error) {
      problems.push(
        toProblem(error, place.registry, `${repositoryText(place)} could not be asked for the image's index`),
      );
    }
  }
  return found;
}

function placesOf(query: ImageQuery, problems: Problem[]): ImageReference[] {
  const places: ImageReference[] = [];
  for (const text of new Set(query.repoDigests)) {
    try {
      places.push(parseReference(text));
    } catch (error) {
      problems.push(toProblem(error, 'none', 'the runtime names a repository digest that is not one'));
    }
  }
  if (places.length > maxPlaces)
    problems.push({
      code: 'IMAGE_TOO_MANY_PLACES',
      host: 'none',
      reason: `the image is in ${places.length} repositories; papers are looked for in ${maxPlaces}`,
    });
  if (places.length > 0 || problems.length > 0) return places.slice(0, maxPlaces);
  return placeOfReference(query, problems);
}

function placeOfReference(query: ImageQuery, problems: Problem[]): ImageReference[] {
  const local =
    'the runtime knows no registry digest of this image: it was built or loaded locally, so there is nowhere to look for papers';
  try {
    const reference = parseReference(query.reference);
    if (reference.hasRegistry || query.byName === true) return [reference];
    problems.push({ code: 'IMAGE_NO_REGISTRY', host: 'none', reason: local });
  } catch (error) {
    const reason = query.byName === true ? errorText(error) : local;
    problems.push({ code: 'IMAGE_NO_REGISTRY', host: 'none', reason });
  }
  return [];
}

async function findAt(
  place: ImageReference,
  query: ImageQuery,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<Found | Problem> {
  const reference = place.digest ?? place.tag ?? 'latest';
  const shown = `${repositoryText(place)}${place.digest === undefined ? ':' : '@'}${reference}`;
  const repository = { registry: place.registry, name: place.name };
  const fetched = await client.getManifest(repository, reference, signal);
  if (fetched === undefined)
    return {
      code: 'IMAGE_NOT_IN_REGISTRY',
      host: place.registry,
      reason: `${shown} is not (or no longer) in its registry`,
    };
  const manifests =
    fetched.document.kind === 'manifest'
      ? [fetched]
      : await fetchCandidates(fetched.document.index, repository, query, client, signal);
  const index = fetched.document.kind === 'index' ? fetched : undefined;
  const isPinned = place.digest !== undefined;
  const match = manifests.find((manifest) => isRunning(manifest, index, query, isPinned));
  if (match !== undefined) return { repository, index, manifest: match };
  const found = manifests.map((manifest) => shortDigest(configOf(manifest))).join(', ') || 'nothing for this platform';
  const expected = `expected config ${shortDigest(query.configDigest) || 'unknown'}, found ${found}`;
  const why = isPinned ? 'is another image than the one running' : 'now points to another image than the one running';
  return { code: 'IMAGE_MISMATCH', host: place.registry, reason: `${shown} ${why} (${expected})` };
}

async function fetchCandidates(
  index: OciIndex,
  repository: Repository,
  query: ImageQuery,
  client: RegistryClient,
  signal: AbortSignal,
): Promise<FetchedManifest[]> {
  const candidates: FetchedManifest[] = [];
  const wanted = index.manifests.filter((descriptor) => selectsPlatform(descriptor, query.platform));
  for (const descriptor of wanted.slice(0, maxCandidates)) {
    const manifest = await client.getManifest(repository, descriptor.digest, signal);
    if (manifest?.document.kind === 'manifest') candidates.push(manifest);
  }
  return candidates;
}

/** Whether an entry of an index is an image for this platform; every image is when none is given. */
export function selectsPlatform(descriptor: Descriptor, platform: string): boolean {
  if (isAttestationManifest(descriptor)) return false;
  const { platform: offered } = descriptor;
  const [os, architecture, variant] = platform.split('/');
  if (offered === undefined || offered === null || platform === '') return true;
  const isVariant = variant === undefined || offered.variant === undefined || offered.variant === variant;
  return offered.os === os && offered.architecture === architecture && isVariant;
}

function isAttestationManifest(descriptor: Descriptor): boolean {
  return descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
}

function configOf(manifest: FetchedManifest): string {
  return manifest.document.kind === 'manifest' ? manifest.document.manifest.config.digest : '';
}

/** A pinned digest without any local digest to compare with is believed; a tag only where it is the question itself. */
function isRunning(
  manifest: FetchedManifest,
  index: FetchedManifest | undefined,
  query: ImageQuery,
  isPinned: boolean,
): boolean {
  const local = [query.configDigest, query.targetDigest].filter(isDigest);
  if (local.length === 0) return isPinned || query.byName === true;
  const chain = [configOf(manifest), manifest.digest, index?.digest];
  const isConfigKnown = isDigest(query.configDigest);
  return isConfigKnown ? chain.includes(query.configDigest) : local.some((digest) => chain.includes(digest));
}

function describe(found: readonly Found[], query: ImageQuery): Omit<ResolvedImage, 'problems'> {
  const first = found.find((entry) => entry.index !== undefined) ?? found[0];
  const subjects: PaperSubject[] = [];
  const attestationManifests: { repository: Repository; indexDigest: string; descriptor: Descriptor }[] = [];
  for (const { repository, index, manifest } of found) {
    subjects.push({ repository, digest: manifest.digest, kind: 'manifest', bytes: manifest.bytes });
    if (index?.document.kind !== 'index') continue;
    subjects.push({ repository, digest: index.digest, kind: 'index', bytes: index.bytes });
    for (const descriptor of index.document.index.manifests)
      if (
        isAttestationManifest(descriptor) &&
        descriptor.annotations?.['vnd.docker.reference.digest'] === manifest.digest
      )
        attestationManifests.push({ repository, indexDigest: index.digest, descriptor });
  }
  const identity: ImageIdentity = {
    repository: first === undefined ? undefined : repositoryText(first.repository),
    indexDigest: first?.index?.digest,
    manifestDigest: first?.manifest.digest,
    configDigest: first === undefined ? query.configDigest || undefined : configOf(first.manifest),
    platform: query.platform || undefined,
  };
  return { identity, subjects, attestationManifests };
}
