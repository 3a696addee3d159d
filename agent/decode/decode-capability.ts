import { capabilityName } from '../../common/capabilities.ts';
import type { CapabilityEvent, TaskEventBase, UserNamespaceRelation } from './kernel-event.ts';
import { type CapabilityRecord, SyscallAbi as RawAbi, UserNsRelation } from './layout.generated.ts';
import { syscallFacts } from './syscall-arguments.ts';
import { type SyscallAbi, syscallName } from './syscalls.ts';

const relations = new Map<number, UserNamespaceRelation>([
  [UserNsRelation.USER_NS_OWN, 'own'],
  [UserNsRelation.USER_NS_ANCESTOR, 'ancestor'],
  [UserNsRelation.USER_NS_DESCENDANT, 'descendant'],
  [UserNsRelation.USER_NS_UNRELATED, 'unrelated'],
]);

/** @throws {RangeError} when a number has no meaning. */
export function decodeCapability(record: CapabilityRecord, base: TaskEventBase): CapabilityEvent {
  const userNamespace = relations.get(record.userNsRelation);
  if (userNamespace === undefined) throw new RangeError(`user namespace relation ${record.userNsRelation}`);
  const syscallAbi = abiOf(record.abi);
  const name = syscallName(record.syscall, syscallAbi);
  return {
    kind: 'capability',
    ...base,
    capability: record.capability,
    capabilityName: capabilityName(record.capability),
    syscallNumber: record.syscall,
    syscallName: name,
    syscallAbi,
    ...syscallFacts(name, record.arguments),
    granted: record.granted !== 0,
    userNamespace,
    isInitialUserNamespace: record.userNsLevel === 0,
    repeats: record.repeats,
  };
}

/** @throws {RangeError} when the number has no meaning. */
export function abiOf(abi: number): SyscallAbi {
  if (abi === RawAbi.SYSCALL_ABI_NATIVE) return 'native';
  if (abi === RawAbi.SYSCALL_ABI_32BIT) return '32-bit';
  throw new RangeError(`syscall ABI ${abi}`);
}
