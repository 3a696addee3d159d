import type { InventoryFiles } from '../../proto/generated/tallyman/v1/inventory.ts';
import type { InventoryFile } from '../inventory.ts';

/** Their position is what stands for them in a document. */
export const digestAlgorithms = ['', 'md5', 'sha1', 'sha256', 'sha512'] as const;
/** Bytes of a digest, by algorithm. */
export const digestBytes = [0, 16, 20, 32, 64] as const;

/** Files of one group as columns; in order of path. */
export function toColumns(files: readonly InventoryFile[]): InventoryFiles {
  const columns: InventoryFiles = {
    ...{ sharedLengths: [], rests: [], kinds: [], linkTargets: [], ownerCounts: [], owners: [], evidenceCounts: [] },
    ...{ evidenceOf: [], layers: [], sizesBytes: [], modes: [], digestAlgorithms: [], digests: Buffer.alloc(0) },
  };
  const digests: Buffer[] = [];
  let previous = '';
  for (const file of files) {
    const shared = sharedLength(previous, file.path);
    columns.sharedLengths.push(shared);
    columns.rests.push(file.path.slice(shared));
    previous = file.path;
    columns.kinds.push(file.kind === 'symlink' ? 1 : 0);
    if (file.kind === 'symlink') columns.linkTargets.push(file.linkTarget);
    columns.ownerCounts.push(file.owners.length);
    columns.owners.push(...file.owners);
    columns.evidenceCounts.push(file.evidenceOf.length);
    columns.evidenceOf.push(...file.evidenceOf);
    columns.layers.push(file.layer);
    columns.sizesBytes.push(BigInt(file.sizeBytes));
    columns.modes.push(file.mode);
    const digest = toDigest(file.declaredDigest);
    columns.digestAlgorithms.push(digest.algorithm);
    digests.push(digest.bytes);
  }
  columns.digests = Buffer.concat(digests);
  return columns;
}

/** A surrogate pair is never cut in two: half of one is no text. */
function sharedLength(before: string, path: string): number {
  const most = Math.min(before.length, path.length);
  let shared = 0;
  while (shared < most && before.charCodeAt(shared) === path.charCodeAt(shared)) shared++;
  const last = path.charCodeAt(shared - 1);
  return last >= 0xd800 && last <= 0xdbff ? shared - 1 : shared;
}

function toDigest(text: string): { algorithm: number; bytes: Buffer } {
  const colon = text.indexOf(':');
  const algorithm = colon < 1 ? 0 : (digestAlgorithms as readonly string[]).indexOf(text.slice(0, colon));
  const bytes = algorithm > 0 ? Buffer.from(text.slice(colon + 1), 'hex') : Buffer.alloc(0);
  // What is none of them is as good as none told.
  return bytes.length > 0 && bytes.length === digestBytes[algorithm]
    ? { algorithm, bytes }
    : { algorithm: 0, bytes: Buffer.alloc(0) };
}
