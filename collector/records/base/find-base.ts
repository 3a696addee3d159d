import { errorText } from '../../../common/errors.ts';
import { matchesGlob } from '../../../common/glob.ts';
import { type ImageReference, repositoryText } from '../../../common/image-reference.ts';
import type { ImageExpectation } from '../expectation/schema.ts';
import type { BasePaper } from '../papers.ts';
import type { RegistryClient } from '../registry/client.ts';
import type { ClaimedBase } from './claimed-bases.ts';
import type { ImageConfig } from './image-config.ts';
import type { KnownImage, KnownImages } from './known-images.ts';
import { learnImage } from './learn.ts';

export interface BaseQuery {
  config: ImageConfig;
  platform: string;
  claimed: readonly ClaimedBase[];
  expectation: ImageExpectation | undefined;
  known: KnownImages;
  client: RegistryClient;
  nowUnixMs: number;
  signal: AbortSignal;
}

/** Images that a build read and whose layers are fetched to compare. */
const maxFetched = 8;
const dayMs = 24 * 3_600_000;

/**
 * The nearest image that this one is built on: of the images whose layers are known, the one that has most of this one's
 * lowest layers and no other. What annotations and provenance claim is fetched first, so that it becomes known too.
 */
export async function findBase(query: BaseQuery): Promise<BasePaper> {
  const { chainIds } = query.config;
  const refused = await learnClaimed(query);
  for (let top = chainIds.length - 2; top >= 0; top--) {
    const found = query.known.findKnownImages(chainIds[top] ?? '');
    if (found.length > 0) return byLayers(found, query);
  }
  const [first] = refused;
  if (first !== undefined) return claimedOnly(first);
  const reason = 'no image is known whose layers are the lowest of this one';
  return { ...nothing, outcome: 'absent', reason };
}

const nothing = {
  method: undefined,
  names: [],
  digest: undefined,
  layerCount: undefined,
  createdAt: undefined,
  newestCreatedAt: undefined,
} as const;

interface Refused {
  claimed: ClaimedBase;
  /** Undefined: it was read, and its layers are not those of the image. */
  problem: string | undefined;
}

/** Reads what is claimed; answers the claims that did not prove true. Provenance names other images too: those are none. */
async function learnClaimed(query: BaseQuery): Promise<Refused[]> {
  const { claimed, config, platform, known, client, nowUnixMs, signal } = query;
  const distinct = new Map(claimed.map((item) => [`${repositoryText(item.reference)}@${item.reference.digest}`, item]));
  const refused: Refused[] = [];
  for (const item of [...distinct.values()].slice(0, maxFetched)) {
    try {
      const image = await learnImage(withoutTag(item.reference), platform, client, signal);
      const isLowest = image.chainId !== '' && config.chainIds.slice(0, -1).includes(image.chainId);
      if (image.chainId !== '') known.putKnownImage(image, nowUnixMs);
      if (isLowest) await learnTag(item, query);
      if (!isLowest && item.method === 'annotation') refused.push({ claimed: item, problem: undefined });
    } catch (error) {
      refused.push({ claimed: item, problem: errorText(error) });
    }
  }
  return refused.sort((a, b) => Number(a.claimed.method !== 'annotation') - Number(b.claimed.method !== 'annotation'));
}

/** A tag beside a digest is only a claim: it is asked what it points to now, which also tells how far behind the base is. */
async function learnTag(
  { reference }: ClaimedBase,
  { platform, known, client, nowUnixMs, signal }: BaseQuery,
): Promise<void> {
  if (reference.digest === undefined || reference.tag === undefined) return;
  try {
    const newest = await learnImage({ ...reference, digest: undefined }, platform, client, signal);
    if (newest.chainId !== '') known.putKnownImage(newest, nowUnixMs);
  } catch {
    // The base itself is known; only how far behind it is stays unknown.
  }
}

function withoutTag(reference: ImageReference): ImageReference {
  return reference.digest === undefined ? reference : { ...reference, tag: undefined };
}

function byLayers(found: readonly KnownImage[], { known, claimed, expectation, nowUnixMs }: BaseQuery): BasePaper {
  const nameOf = ({ repository, tag, digest }: KnownImage): string =>
    tag === '' ? `${repository}@${digest}` : `${repository}:${tag}`;
  const approved = expectation?.baseImages?.approved ?? [];
  const isApproved = (image: KnownImage): boolean => approved.some((pattern) => matchesGlob(pattern, nameOf(image)));
  // Of those with the same layers, one that people know by a tag.
  const byTag = [...found].sort((a, b) => Number(a.tag === '') - Number(b.tag === ''));
  const best = byTag.find(isApproved) ?? byTag[0];
  if (best === undefined) throw new RangeError('no image to choose from');
  const named = claimed.find(({ reference }) => repositoryText(reference) === best.repository)?.reference.tag;
  const tag = best.tag || named;
  const newest = tag === undefined ? undefined : known.newestKnownImage(best.repository, tag);
  const names = [nameOf(best), ...found.map(nameOf)];
  return {
    ...judge(nameOf(best), isApproved(best), best.createdAtUnixMs, expectation, nowUnixMs),
    method: 'layers',
    names: [...new Set(names)],
    digest: best.digest,
    layerCount: best.layerCount,
    createdAt: isoTime(best.createdAtUnixMs),
    newestCreatedAt: isoTime(newest),
  };
}

function judge(
  name: string,
  isApproved: boolean,
  createdAtUnixMs: number | undefined,
  expectation: ImageExpectation | undefined,
  nowUnixMs: number,
): Pick<BasePaper, 'outcome' | 'reason'> {
  const { approved = [], maxAgeDays } = expectation?.baseImages ?? {};
  const isExpecting = approved.length > 0 || maxAgeDays !== undefined;
  if (!isExpecting) return { outcome: 'unknown', reason: 'found by its layers (no expectation)' };
  if (approved.length > 0 && !isApproved)
    return { outcome: 'untrusted', reason: `expected ${approved.join(' or ')}, found ${name}, from its layers` };
  if (maxAgeDays !== undefined && createdAtUnixMs === undefined)
    return { outcome: 'unknown', reason: `${name} does not say when it was made, expected within ${maxAgeDays} days` };
  const ageDays = createdAtUnixMs === undefined ? 0 : Math.floor((nowUnixMs - createdAtUnixMs) / dayMs);
  if (maxAgeDays !== undefined && ageDays > maxAgeDays)
    return {
      outcome: 'untrusted',
      reason: `expected at most ${maxAgeDays} days old, found ${name}, ${ageDays} days old`,
    };
  return {
    outcome: 'verified',
    reason: approved.length > 0 ? `approved, from its layers` : `${name}, from its layers`,
  };
}

/** Nothing could be compared: what is claimed stays a claim, or is shown to be false. */
function claimedOnly({ claimed: { method, reference }, problem }: Refused): BasePaper {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const name = `${repositoryText(reference)}${tag}`;
  const what = method === 'annotation' ? 'an annotation names' : 'provenance names';
  const verdict =
    problem === undefined
      ? ({ outcome: 'invalid', reason: `${what} ${name}, but its layers are not the lowest of this image` } as const)
      : ({ outcome: 'unknown', reason: `${what} ${name}, whose layers could not be compared: ${problem}` } as const);
  return { ...nothing, ...verdict, method, names: [name], digest: reference.digest };
}

function isoTime(unixMs: number | undefined): string | undefined {
  return unixMs === undefined ? undefined : new Date(unixMs).toISOString();
}
