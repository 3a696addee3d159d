import { capabilityNumber } from '../../common/capabilities.ts';
import type { Credentials } from '../decode/kernel-event.ts';
import type { ExecPrivileges, Growth, HeldPrivileges } from './privileges.ts';

const setuidCapability = 1n << BigInt(capabilityNumber('CAP_SETUID'));
const setgidCapability = 1n << BigInt(capabilityNumber('CAP_SETGID'));
const setpcapCapability = 1n << BigInt(capabilityNumber('CAP_SETPCAP'));

/**
 * In what way `after` is more than a task can become from `before` by system calls other than execve(2), in any number and
 * order. Empty: there is a legal way.
 *
 * - ids: with CAP_SETUID (CAP_SETGID) permitted any; without, each of real, effective and saved becomes one of the three.
 * - capabilities: permitted and bounding only shrink; effective stays within permitted; inheritable takes from permitted,
 *   with CAP_SETPCAP from the bounding set.
 * - user namespace: only a deeper one can be entered. There a task may have all capabilities, which reach no further than
 *   that namespace; the host's root does not become anybody by it.
 *
 * @see https://man7.org/linux/man-pages/man7/capabilities.7.html
 * @see https://man7.org/linux/man-pages/man7/user_namespaces.7.html
 */
export function growthWithoutExec(before: HeldPrivileges, after: HeldPrivileges): Growth[] {
  const namespace = namespaceStep(before, after);
  if (namespace === 'up') return ['user-namespace'];
  if (namespace === 'down') return becameRoot(before, after) ? ['uid'] : [];
  const growth = idGrowth(before, after, { uid: false, gid: false });
  const was = before.capabilities;
  const is = after.capabilities;
  if (exceeds(is.permitted, was.permitted)) growth.push('permitted');
  if (exceeds(is.effective, was.permitted)) growth.push('effective');
  if (exceeds(is.bounding, was.bounding)) growth.push('bounding');
  if (exceeds(is.inheritable, reachableInheritable(before))) growth.push('inheritable');
  return growth;
}

/**
 * The same where the last step was execve(2) of one program: beside all of the above, the program may bring the ids of its
 * file (setuid, setgid) and capabilities from the bounding and inheritable sets (root, or file capabilities).
 */
export function growthByExec(before: HeldPrivileges, after: HeldPrivileges, exec: ExecPrivileges): Growth[] {
  const namespace = namespaceStep(before, after);
  if (namespace === 'up') return ['user-namespace'];
  if (namespace === 'down') return becameRoot(before, after) && !exec.setuid ? ['uid'] : [];
  const growth = idGrowth(before, after, { uid: exec.setuid, gid: exec.setgid });
  const was = before.capabilities;
  const is = after.capabilities;
  const inheritable = reachableInheritable(before);
  const { uid, euid } = after.credentials;
  // In a nested namespace root is whatever id was mapped to 0, which is not known here.
  const isRoot = after.userLevel > 0 || uid === 0 || euid === 0;
  // Anybody else gets by execve(2) what was ambient, hence permitted, unless the file has capabilities: AT_SECURE says so.
  const fromFile = isRoot || exec.secureExec || exec.setuid;
  const permitted = was.permitted | (fromFile ? was.bounding | inheritable : 0n);
  if (exceeds(is.permitted, permitted)) growth.push('permitted');
  if (exceeds(is.effective, permitted)) growth.push('effective');
  if (exceeds(is.bounding, was.bounding)) growth.push('bounding');
  if (exceeds(is.inheritable, inheritable)) growth.push('inheritable');
  return growth;
}

/** Entering a user namespace leads strictly downwards: setns(2) and unshare(2) refuse anything else. */
function namespaceStep(before: HeldPrivileges, after: HeldPrivileges): 'none' | 'down' | 'up' {
  if (before.userNamespace === after.userNamespace) return 'none';
  return after.userLevel > before.userLevel ? 'down' : 'up';
}

function idGrowth(before: HeldPrivileges, after: HeldPrivileges, fromFile: { uid: boolean; gid: boolean }): Growth[] {
  const growth: Growth[] = [];
  const { permitted } = before.capabilities;
  const was = before.credentials;
  const is = after.credentials;
  const anyUid = (permitted & setuidCapability) !== 0n;
  const uids = [was.uid, was.euid, was.suid];
  // The file's owner becomes the effective and the saved id, never the real one.
  const newUids = fromFile.uid ? [is.uid] : [is.uid, is.euid, is.suid];
  if (!anyUid && newUids.some((uid) => !uids.includes(uid))) growth.push('uid');
  const anyGid = (permitted & setgidCapability) !== 0n;
  const gids = [was.gid, was.egid, was.sgid];
  const newGids = fromFile.gid ? [is.gid] : [is.gid, is.egid, is.sgid];
  if (!anyGid && newGids.some((gid) => !gids.includes(gid))) growth.push('gid');
  return growth;
}

/**
 * The host's root is mapped into a user namespace only by root or by somebody with CAP_SETUID: who was neither cannot be it
 * there. Other ids can come from ranges that newuidmap(1) hands out.
 */
function becameRoot(before: HeldPrivileges, after: HeldPrivileges): boolean {
  if ((before.capabilities.permitted & setuidCapability) !== 0n || before.userLevel > 0) return false;
  return !hasRootId(before.credentials) && hasRootId(after.credentials);
}

function hasRootId({ uid, euid, suid }: Credentials): boolean {
  return uid === 0 || euid === 0 || suid === 0;
}

function reachableInheritable({ capabilities }: HeldPrivileges): bigint {
  const { inheritable, permitted, bounding } = capabilities;
  return inheritable | permitted | ((permitted & setpcapCapability) === 0n ? 0n : bounding);
}

function exceeds(set: bigint, limit: bigint): boolean {
  return (set & ~limit) !== 0n;
}
