import type { IntegrityChange } from '../integrity/integrity-event.ts';
import type { HeldPrivileges } from '../integrity/privileges.ts';
import { capabilitySets } from './example-event.ts';
import type { EventExample, PrivilegesExample } from './rule-example.ts';

const exampleNamespace = 4_026_532_000;

/** The change that an example describes; by default a process without privileges that has become root. */
export function integrityOfExample(example: EventExample): IntegrityChange {
  const change = example.change ?? 'privileges-grown';
  switch (change) {
    case 'privileges-grown':
      return {
        change,
        growth: example.growth ?? ['uid', 'permitted'],
        before: privileges(example.before ?? { credentials: ordinaryUser, capabilities: { permitted: [] } }),
        after: privileges(example.after ?? {}),
      };
    case 'namespace-changed': {
      const names = example.namespaces ?? ['mount'];
      const all = (inode: number) => Object.fromEntries(names.map((name) => [name, inode]));
      return {
        ...{ change, namespaces: names, hostNamespaces: example.hostNamespaces ?? [], told: example.told ?? false },
        ...{ before: all(exampleNamespace), after: all(exampleNamespace + 1) },
      };
    }
    case 'traced':
      return {
        change,
        tracerPid: example.tracerPid ?? 77,
        tracerStartKtimeNs: 1n,
        tracerPlace: example.tracerPlace ?? 'same-container',
        tracerExecutable: example.tracerExecutable ?? '',
        seized: true,
      };
    case 'executable-replaced':
      return { change, beforeInode: 7_001n, afterInode: 7_002n };
    case 'stdio-socket':
      return { change, descriptors: example.descriptors ?? ['stdin', 'stdout', 'stderr'] };
    case 'executable-deleted':
    case 'process-unseen':
      return { change };
  }
}

const ordinaryUser = { uid: 1_000, gid: 1_000, euid: 1_000, egid: 1_000, suid: 1_000, sgid: 1_000 };

function privileges(example: PrivilegesExample): HeldPrivileges {
  return {
    credentials: { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0, ...example.credentials },
    capabilities: capabilitySets(example.capabilities ?? {}),
    userNamespace: example.userNamespace ?? 4_026_531_837,
    userLevel: example.userLevel ?? 0,
  };
}
