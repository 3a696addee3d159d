import { decodeAddress, decodePort } from './address.ts';
import { abiOf } from './decode-capability.ts';
import type { SyscallEvent, TaskEventBase } from './kernel-event.ts';
import type { SyscallRecord } from './layout.generated.ts';
import { syscallFacts } from './syscall-arguments.ts';
import { syscallName } from './syscalls.ts';
import { decodeCString } from './text.ts';

/** The kernel's error numbers end here. */
const maxErrno = 4095n;

export function decodeSyscall(record: SyscallRecord, base: TaskEventBase): SyscallEvent {
  const name = syscallName(record.syscall, abiOf(record.abi));
  const result = BigInt.asIntN(64, record.result);
  const failed = result < 0n && result >= -maxErrno;
  const { isSocket, family, peerAddress, peerPort } = record.socket;
  const peer = isSocket === 0 ? undefined : decodeAddress(family, peerAddress);
  return {
    kind: 'syscall',
    ...base,
    syscallNumber: record.syscall,
    syscallName: name,
    ...syscallFacts(name, record.arguments),
    result: failed ? undefined : result,
    errno: failed ? Number(-result) : 0,
    name: decodeCString(record.name),
    stdioFd: isSocket === 0 || failed ? undefined : Number(result),
    peerAddress: peer?.text ?? '',
    peerPort: peer === undefined ? 0 : decodePort(peerPort),
    repeats: record.repeats,
  };
}
