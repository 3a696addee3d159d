import { readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../common/errors.ts';
import type { Node } from '../proto/generated/tallyman/v1/uplink.ts';

/** What the agent says of the node it runs on. @throws {CodedError} NODE_UNREADABLE when the host's /proc is not there. */
export function describeNode(name: string, procRoot: string): Node {
  return { name, bootId: readBootId(procRoot), kernelRelease: release(), architecture: arch(), osName: readOsName() };
}

function readBootId(procRoot: string): string {
  const path = join(procRoot, 'sys/kernel/random/boot_id');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CodedError('NODE_UNREADABLE', `the boot id cannot be read from ${path}`, {
      cause,
      hint: "point --proc-root to the host's /proc",
    });
  }
}

function readOsName(): string {
  try {
    const match = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'));
    return match?.[1] ?? 'Linux';
  } catch {
    return 'Linux';
  }
}
