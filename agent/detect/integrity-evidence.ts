import type {
  IntegrityEvidence,
  NamespaceChange,
  HeldPrivileges as ReportedPrivileges,
} from '../../proto/generated/tallyman/v1/finding.ts';
import type { NamespaceName } from '../decode/sampled-task.ts';
import type { IntegrityEvent, NamespaceChanged } from '../integrity/integrity-event.ts';
import type { HeldPrivileges } from '../integrity/privileges.ts';
import { gainedCapabilities } from './integrity-view.ts';

/** A change of a running process in the shape of the uplink. */
export function integrityEvidence(event: IntegrityEvent): IntegrityEvidence {
  return { ...nothing(event), ...factsOf(event) };
}

function nothing({ change, seenAt }: IntegrityEvent): IntegrityEvidence {
  return {
    ...{ change, seenAt, growth: [], before: undefined, after: undefined, gainedCapabilities: [], namespaces: [] },
    ...{ tracerPid: 0, tracerPlace: '', tracerExecutable: '', tracerSeized: false },
    ...{ beforeInode: 0n, afterInode: 0n, descriptors: [] },
  };
}

function factsOf(event: IntegrityEvent): Partial<IntegrityEvidence> {
  switch (event.change) {
    case 'privileges-grown': {
      const { growth, before, after } = event;
      return {
        growth: [...growth],
        before: reported(before),
        after: reported(after),
        gainedCapabilities: gainedCapabilities(event),
      };
    }
    case 'namespace-changed':
      return { namespaces: event.namespaces.map((name) => namespaceChange(event, name)) };
    case 'traced': {
      const { tracerPid, tracerPlace, tracerExecutable, seized } = event;
      return { tracerPid, tracerPlace, tracerExecutable, tracerSeized: seized };
    }
    case 'executable-replaced':
      return { beforeInode: event.beforeInode, afterInode: event.afterInode };
    case 'stdio-socket':
      return { descriptors: [...event.descriptors] };
    case 'executable-deleted':
    case 'process-unseen':
      return {};
  }
}

function reported({ credentials, capabilities, userNamespace, userLevel }: HeldPrivileges): ReportedPrivileges {
  return {
    credentials: { ...credentials },
    capabilities: { ...capabilities },
    userNamespace,
    userNamespaceLevel: userLevel,
  };
}

function namespaceChange(event: NamespaceChanged, name: NamespaceName): NamespaceChange {
  return {
    name,
    beforeInode: event.before[name] ?? 0,
    afterInode: event.after[name] ?? 0,
    isHost: event.hostNamespaces.includes(name),
  };
}
