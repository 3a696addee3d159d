import type { CapabilityUse } from './capability-use.ts';
import type { Evidence } from './evidence.ts';

export interface RanAs {
  executablePath: string;
  uid: number;
  gid: number;
  effectiveUid: number;
  origin: string | undefined;
  gainedPrivileges: boolean;
}

/** As which user a container runs, and whether it must be root. */
export interface UserReport {
  /** Of the first program; undefined when its start was not seen. */
  uid: number | undefined;
  gid: number | undefined;
  /** "no": it does not start as root. "needed": it has used what only root has. "not-shown": nothing was seen that needs root. */
  root: 'no' | 'needed' | 'not-shown' | 'unknown';
  reason: string;
  ranAs: RanAs[];
}

const maxRanAs = 50;
const maxNamed = 3;

export function userReport(
  all: readonly Evidence[],
  uses: readonly CapabilityUse[],
  writtenPaths: string[],
): UserReport {
  const starts = all.flatMap(({ starts }) => starts).toSorted((a, b) => b.lastSeenUnixMs - a.lastSeenUnixMs);
  const [latest] = starts;
  const credentials = latest?.fact.credentials;
  const { uid, gid } = credentials ?? { uid: undefined, gid: undefined };
  const ranAs = ranAsOf(all);
  const shown = { uid, gid, ranAs: ranAs.slice(0, maxRanAs) };
  if (uid === undefined) return { ...shown, root: 'unknown', reason: 'its start was not seen' };
  if (starts.some(({ fact }) => fact.userNamespaceLevel > 0))
    return { ...shown, root: 'unknown', reason: 'it has a user namespace of its own: ids are not those that it sees' };
  if (starts.some(({ fact }) => fact.credentials?.uid !== uid))
    return { ...shown, root: 'unknown', reason: 'it was started as different users' };
  if (uid !== 0) return { ...shown, root: 'no', reason: `it starts as uid ${uid}` };
  const needed = uses.filter(({ keep }) => keep);
  if (needed.length > 0) return { ...shown, root: 'needed', reason: neededReason(needed, ranAs) };
  const wrote = writtenPaths.length === 0 ? 'wrote nothing' : `wrote only in ${writtenPaths.join(', ')}`;
  const reason = `no capability that root gives was used, and it ${wrote}; whether it reads what only root may is not seen`;
  return { ...shown, root: 'not-shown', reason };
}

function neededReason(needed: readonly CapabilityUse[], ranAs: readonly RanAs[]): string {
  const named = needed.slice(0, maxNamed).map(({ name, evidence: [first] }) => {
    return first === undefined ? name : `${name} by ${first.executablePath || 'a program'} in ${first.syscallName}`;
  });
  const more = needed.length > maxNamed ? ` and ${needed.length - maxNamed} more` : '';
  const others = [...new Set(ranAs.map(({ uid }) => uid))].filter((uid) => uid !== 0);
  const becomes = others.length === 0 ? '' : `; it then runs as uid ${others.slice(0, maxNamed).join(', ')} too`;
  // Neither Docker nor Kubernetes gives capabilities to programs that start as another user.
  return `it used ${named.join(', ')}${more}, which another user does not get${becomes}`;
}

/** The workload's programs and ids, each once. */
function ranAsOf(all: readonly Evidence[]): RanAs[] {
  const rows = new Map<string, RanAs>();
  for (const { fact, origin } of all.flatMap(({ ranAs }) => ranAs)) {
    const { executablePath, uid, gid, effectiveUid, gainedPrivileges, more } = fact;
    const row = { executablePath, uid, gid, effectiveUid, origin, gainedPrivileges };
    if (!more) rows.set(JSON.stringify(row), row);
  }
  return [...rows.values()];
}
