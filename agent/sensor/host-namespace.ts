import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../common/errors.ts';

/**
 * Inode of the host's mount namespace. kthreadd (pid 2) is asked first: it lives in the initial namespaces always and,
 * unlike an init with more privileges than the agent, can always be looked at.
 * @throws {CodedError} SENSOR_UNAVAILABLE
 */
export function hostMountNamespace(procRoot: string): bigint {
  try {
    const host = readFileSync(join(procRoot, '2/comm'), 'utf8').trim() === 'kthreadd' ? '2' : '1';
    return statSync(join(procRoot, host, 'ns/mnt'), { bigint: true }).ino;
  } catch (cause) {
    throw new CodedError('SENSOR_UNAVAILABLE', `the host's mount namespace cannot be read below ${procRoot}`, {
      cause,
      hint: "run as root with the host's pid namespace (hostPID) and its /proc",
    });
  }
}
