import type { ImageDirectory, WrittenDirectoryFact } from '../../proto/generated/tallyman/v1/privileges.ts';
import type { Evidence } from './evidence.ts';

export interface WrittenPlace {
  path: string;
  /** Why nothing can be mounted there; empty when it can. */
  problem: string;
  /** What is to be mounted: the directory, and those of the image that a mount hides. */
  mounts: ImageDirectory[];
  ownerUids: number[];
  large: boolean;
  example: string;
}

/** Where containers wrote in their root file systems. */
export interface WriteReport {
  /** "overlay", "read-only", "not-overlay", "unknown" */
  root: string;
  /** Why it is not known where else; empty when it is. */
  unknownReason: string;
  lastScanUnixMs: number | undefined;
  places: WrittenPlace[];
}

/** A layer is looked at every quarter of an hour by default, and told of once an hour at least. */
const staleMs = 3 * 3_600_000;

export function writeReport(all: readonly Evidence[], untilUnixMs: (evidence: Evidence) => number): WriteReport {
  const scans = all.map((evidence) => lastScan(evidence, untilUnixMs(evidence)));
  // What one of several copies has written, the others would.
  const shown = scans.find(({ reason }) => reason === '') ?? scans[0];
  const times = scans.flatMap(({ atUnixMs }) => atUnixMs ?? []);
  return {
    root: shown?.root ?? 'unknown',
    unknownReason: shown?.reason ?? '',
    lastScanUnixMs: times.length === 0 ? undefined : Math.max(...times),
    places: placesOf(all.flatMap(({ written }) => written.map(({ fact }) => fact))),
  };
}

function lastScan({ scans, stored }: Evidence, untilUnixMs: number) {
  if (stored.container.posture?.readOnlyRootFilesystem === true)
    return { root: 'read-only', reason: '', atUnixMs: undefined };
  const latest = scans.toSorted((a, b) => b.lastSeenUnixMs - a.lastSeenUnixMs)[0];
  if (latest === undefined)
    return { root: 'unknown', reason: 'its writable layer has not been looked at', atUnixMs: undefined };
  const { root, complete, reason } = latest.fact;
  const atUnixMs = latest.lastSeenUnixMs;
  if (!complete) return { root, reason, atUnixMs };
  const isStale = untilUnixMs - atUnixMs > staleMs;
  return { root, reason: isStale ? 'its writable layer has not been looked at for hours' : '', atUnixMs };
}

/** What several facts tell of one directory, joined. */
function placesOf(facts: readonly WrittenDirectoryFact[]): WrittenPlace[] {
  const places = new Map<string, WrittenPlace>();
  for (const { directory, hidesFiles, hiddenDirectories, ownerUids, large, example } of facts) {
    if (directory === undefined) continue;
    const known = places.get(directory.path);
    const reason = problemOf(directory.path, hidesFiles);
    places.set(directory.path, {
      path: directory.path,
      problem: known?.problem || reason,
      mounts: [directory, ...hiddenDirectories],
      ownerUids: [...new Set([...(known?.ownerUids ?? []), ...ownerUids])].sort((a, b) => a - b),
      large: large || known?.large === true,
      example: example || known?.example || '',
    });
  }
  return [...places.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function problemOf(path: string, hidesFiles: boolean): string {
  if (hidesFiles) return 'holds files of the image, which a file system mounted there would hide';
  // Docker's options are separated by these; what is no letter is nobody's directory for a mount.
  return /[:,"\p{Cc}\p{Cf}]/u.test(path) ? 'has a name that cannot be given as a mount' : '';
}
