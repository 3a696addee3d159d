import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../common/errors.ts';
import type { SampledNamespaces } from '../decode/sampled-task.ts';

/**
 * Inodes of the host's namespaces. kthreadd (pid 2) is asked first: it lives in the initial namespaces always and, unlike an
 * init with more privileges than the agent, can always be looked at.
 * @throws {CodedError} SENSOR_UNAVAILABLE
 */
export function readHostNamespaces(procRoot: string): SampledNamespaces {
  try {
    const host = readFileSync(join(procRoot, '2/comm'), 'utf8').trim() === 'kthreadd' ? '2' : '1';
    const inodeOf = (name: string): number => Number(statSync(join(procRoot, host, 'ns', name), { bigint: true }).ino);
    return {
      mount: inodeOf('mnt'),
      pid: inodeOf('pid'),
      network: inodeOf('net'),
      user: inodeOf('user'),
      cgroup: inodeOf('cgroup'),
      uts: inodeOf('uts'),
      ipc: inodeOf('ipc'),
    };
  } catch (cause) {
    throw new CodedError('SENSOR_UNAVAILABLE', `the host's namespaces cannot be read below ${procRoot}`, {
      cause,
      hint: "run as root with the host's pid namespace (hostPID) and its /proc",
    });
  }
}

/** Inode of the host's mount namespace. @throws {CodedError} SENSOR_UNAVAILABLE */
export function hostMountNamespace(procRoot: string): bigint {
  return BigInt(readHostNamespaces(procRoot).mount);
}
