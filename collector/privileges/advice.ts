import type { ImageDirectory } from '../../proto/generated/tallyman/v1/privileges.ts';
import type { CapabilityUse } from './capability-use.ts';
import type { Evidence } from './evidence.ts';
import type { UserReport } from './user.ts';
import type { WriteReport } from './writes.ts';

/** Whether a part of the advice is given, and why it is not. */
export interface Decision {
  advised: boolean;
  reason: string;
}

export interface Mount extends ImageDirectory {
  /** Too much for memory. */
  large: boolean;
}

/** How little the container can do with, as far as that is known. */
export interface Advice {
  /** Why none is given; empty when it is. What is withheld is not in the settings below. */
  withheld: string[];
  /** Everything else is dropped. "CAP_CHOWN" */
  addCapabilities: string[];
  /** "33", "33:33", "www-data": as the container was given it. Undefined: nothing is said. */
  user: { given: string; uid: number; gid: number | undefined } | undefined;
  noNewPrivileges: Decision;
  readOnlyRoot: Decision;
  mounts: Mount[];
  /** What to know when applying it. */
  notes: string[];
}

export interface AdviceInput {
  all: readonly Evidence[];
  problems: readonly string[];
  uses: readonly CapabilityUse[];
  user: UserReport;
  writes: WriteReport;
  lowPorts: readonly number[];
}

/** Nothing is advised of which it is not known that the container goes on working with it. */
export function adviceOf(input: AdviceInput): Advice {
  const { uses, user } = input;
  const readOnlyRoot = readOnlyDecision(input);
  return {
    withheld: [...input.problems, ...generalProblems(input)],
    addCapabilities: uses.filter(({ keep, granted }) => keep && granted !== 'no').map(({ name }) => name),
    user: user.root === 'no' && user.uid !== undefined ? givenUser(input, user.uid, user.gid) : undefined,
    noNewPrivileges: escalationDecision(input),
    readOnlyRoot,
    mounts: readOnlyRoot.advised ? mountsOf(input.writes) : [],
    notes: notesOf(input),
  };
}

function generalProblems({ all }: AdviceInput): string[] {
  const problems: string[] = [];
  const postures = all.map(({ stored }) => stored.container.posture);
  if (postures.some((posture) => posture === undefined || posture.unknownFields.includes('privileged')))
    problems.push('the runtime did not tell how privileged it is');
  if (postures.some((posture) => posture?.privileged === true))
    problems.push('it is privileged, which also gives devices and masks nothing: whether it needs that is not seen');
  if (all.every(({ starts }) => starts.length === 0)) problems.push('what it was granted is not known');
  const blind = all
    .flatMap(({ ranAs }) => ranAs)
    .find(({ fact, origin }) => !fact.more && fact.fileCapabilities === undefined && origin !== 'exec-session');
  if (blind !== undefined)
    problems.push(`whether the file of ${blind.fact.executablePath} carries capabilities could not be looked at`);
  if (all.some(({ ranAs }) => ranAs.some(({ fact }) => fact.more)))
    problems.push('it ran more programs and ids than are told');
  return problems;
}

function givenUser({ all }: AdviceInput, uid: number, gid: number | undefined): NonNullable<Advice['user']> {
  const given = all.map(({ stored }) => stored.container.posture?.user ?? '').find((user) => user !== '') ?? '';
  // A group of its own takes away those that the user is in.
  return { given: given || String(uid), uid, gid: given.includes(':') ? gid : undefined };
}

function escalationDecision({ all, uses }: AdviceInput): Decision {
  const gained = all.flatMap(({ ranAs }) => ranAs).filter(({ fact }) => fact.gainedPrivileges);
  const own = gained.find(({ origin }) => origin !== 'exec-session');
  const isHealthCheck = all.some(({ stored }) => stored.container.healthCheck !== 'none');
  const [first] = own === undefined && isHealthCheck ? gained : [own];
  if (first !== undefined)
    return { advised: false, reason: `${first.fact.executablePath} gained privileges when it was executed` };
  // Kubernetes refuses the two together.
  if (uses.some(({ keep, name }) => keep && name === 'CAP_SYS_ADMIN'))
    return { advised: false, reason: 'CAP_SYS_ADMIN is used, with which Kubernetes does not allow it' };
  return { advised: true, reason: 'no program gained privileges when it was executed' };
}

function readOnlyDecision({ writes }: AdviceInput): Decision {
  if (writes.unknownReason !== '') return { advised: false, reason: writes.unknownReason };
  const blocked = writes.places.find(({ problem }) => problem !== '');
  if (blocked !== undefined) {
    const what = blocked.example === '' ? 'something there' : blocked.example;
    return { advised: false, reason: `it wrote ${what} in ${blocked.path}, which ${blocked.problem}` };
  }
  return { advised: true, reason: writes.places.length === 0 ? 'it wrote nothing' : 'it writes where mounts can be' };
}

/** One for each directory, parents first. */
function mountsOf({ places }: WriteReport): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const { mounts: directories, large } of places)
    for (const [index, directory] of directories.entries()) {
      const isLarge = (large && index === 0) || mounts.get(directory.path)?.large === true;
      mounts.set(directory.path, { ...directory, large: isLarge });
    }
  return [...mounts.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function notesOf({ all, user, uses, lowPorts }: AdviceInput): string[] {
  const notes: string[] = [];
  const postures = all.flatMap(({ stored }) => stored.container.posture ?? []);
  if (user.root === 'not-shown')
    notes.push('Root may not be needed. That is not proven, so it is not in the flags; to try it: another user.');
  if (postures.some(({ seccompUnconfined }) => seccompUnconfined))
    notes.push('It runs without seccomp; whether it would work with a profile is not seen.');
  const binds = uses.some(({ name, keep }) => keep && name === 'CAP_NET_BIND_SERVICE');
  const [lowest] = lowPorts.toSorted((a, b) => a - b);
  if (lowest !== undefined && !binds)
    notes.push(
      `It listens on port ${lowest} without CAP_NET_BIND_SERVICE: the sysctl net.ipv4.ip_unprivileged_port_start allows that here. ` +
        `Elsewhere set it to ${lowest} or less, or add the capability.`,
    );
  if (postures.some(({ hostNetwork, hostPid, hostIpc }) => hostNetwork || hostPid || hostIpc))
    notes.push('It shares namespaces of the host; whether it needs them is not judged.');
  return notes;
}
