import { statSync } from 'node:fs';
import { join } from 'node:path';

export type NamespaceKind = 'pid' | 'net' | 'ipc' | 'uts';

/**
 * Whether the namespace file at a path of the host ("/proc/4711/ns/net", "/run/netns/x") is the host's own namespace;
 * undefined when that cannot be told, as after the end of the process.
 */
export type NamespaceProbe = (path: string, kind: NamespaceKind) => boolean | undefined;

/**
 * Inode numbers of the kernel's first namespaces, where the host's first process may not be looked at.
 * @see include/uapi/linux/nsfs.h, include/linux/proc_ns.h
 */
const initialInodes: Partial<Record<NamespaceKind, bigint>> = {
  ipc: 0xefffffffn,
  uts: 0xeffffffen,
  pid: 0xeffffffcn,
};

export function hostNamespaceProbe(procRoot: string): NamespaceProbe {
  return (path, kind) => {
    const held = path.startsWith('/proc/')
      ? join(procRoot, path.slice('/proc'.length))
      : join(procRoot, '1/root', path);
    const [own, host] = [inodeOf(held), inodeOf(join(procRoot, '1/ns', kind)) ?? initialInodes[kind]];
    return own === undefined || host === undefined ? undefined : own === host;
  };
}

function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}
