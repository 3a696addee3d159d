import { abiOf } from './decode-capability.ts';
import type { NamespaceEvent, NamespaceKind, TaskEventBase } from './kernel-event.ts';
import type { NamespaceRecord } from './layout.generated.ts';
import { syscallFacts } from './syscall-arguments.ts';
import { syscallName } from './syscalls.ts';

/** CLONE_NEW* of linux/sched.h. */
const kinds: readonly (readonly [number, NamespaceKind])[] = [
  [0x0002_0000, 'mount'],
  [0x2000_0000, 'pid'],
  [0x4000_0000, 'network'],
  [0x1000_0000, 'user'],
  [0x0200_0000, 'cgroup'],
  [0x0800_0000, 'ipc'],
  [0x0400_0000, 'uts'],
  [0x0000_0080, 'time'],
];

export function decodeNamespace(record: NamespaceRecord, base: TaskEventBase): NamespaceEvent {
  const name = syscallName(record.syscall, abiOf(record.abi));
  return {
    kind: 'namespace',
    ...base,
    changed: kindsOf(record.changed),
    toHost: kindsOf(record.toHost),
    before: record.before,
    after: record.after,
    syscallName: name,
    arguments: syscallFacts(name, [record.cloneFlags]).arguments,
    repeats: record.repeats,
  };
}

function kindsOf(mask: number): NamespaceKind[] {
  return kinds.filter(([bit]) => (mask & bit) !== 0).map(([, kind]) => kind);
}
