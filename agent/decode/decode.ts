import { CodedError } from '../../common/errors.ts';
import { decodeCapability } from './decode-capability.ts';
import { decodeExec } from './decode-exec.ts';
import { decodeNamespace } from './decode-namespace.ts';
import {
  decodeBind,
  decodeConnect,
  decodeDns,
  decodeFanout,
  decodeTcpState,
  decodeUnixConnect,
} from './decode-network.ts';
import { decodeSyscall } from './decode-syscall.ts';
import type { KernelEvent, TaskEventBase } from './kernel-event.ts';
import {
  bindRecordBytes, capabilityRecordBytes, cgroupRecordBytes, connectRecordBytes, dnsRecordBytes, execRecordBytes,
  exitRecordBytes, exitRecordOffsets, fanoutRecordBytes, forkRecordBytes, forkRecordOffsets, namespaceRecordBytes,
  RecordType, readCapabilityRecord, readCgroupRecord, readNamespaceRecord, readSyscallRecord, readThrottleRecord,
  recordHeaderBytes, syscallRecordBytes, tcpStateRecordBytes, throttleRecordBytes, unixConnectRecordBytes,
} from './layout.generated.ts'; // biome-ignore format: one line a name would fill the screen
import { decodeTask } from './task.ts';
import { decodeCString } from './text.ts';

type Decoder = (view: DataView, at: number, size: number) => KernelEvent;

function readAndDecode<R>(
  read: (view: DataView, at: number) => R,
  decode: (record: R, base: TaskEventBase) => KernelEvent,
): Decoder {
  return (view, at) => decode(read(view, at), decodeTask(view, at));
}

/** Smallest size and decoder of every record type. */
const decoders = new Map<number, { minBytes: number; decode: Decoder }>([
  [RecordType.RECORD_EXEC, { minBytes: execRecordBytes, decode: decodeExec }],
  [RecordType.RECORD_FORK, { minBytes: forkRecordBytes, decode: decodeFork }],
  [RecordType.RECORD_EXIT, { minBytes: exitRecordBytes, decode: decodeExit }],
  [
    RecordType.RECORD_CAPABILITY,
    { minBytes: capabilityRecordBytes, decode: readAndDecode(readCapabilityRecord, decodeCapability) },
  ],
  [
    RecordType.RECORD_NAMESPACE,
    { minBytes: namespaceRecordBytes, decode: readAndDecode(readNamespaceRecord, decodeNamespace) },
  ],
  [
    RecordType.RECORD_SYSCALL,
    { minBytes: syscallRecordBytes, decode: readAndDecode(readSyscallRecord, decodeSyscall) },
  ],
  [RecordType.RECORD_CONNECT, { minBytes: connectRecordBytes, decode: decodeConnect }],
  [RecordType.RECORD_TCP_STATE, { minBytes: tcpStateRecordBytes, decode: decodeTcpState }],
  [RecordType.RECORD_BIND, { minBytes: bindRecordBytes, decode: decodeBind }],
  [RecordType.RECORD_FANOUT, { minBytes: fanoutRecordBytes, decode: decodeFanout }],
  [RecordType.RECORD_DNS, { minBytes: dnsRecordBytes, decode: decodeDns }],
  [RecordType.RECORD_UNIX_CONNECT, { minBytes: unixConnectRecordBytes, decode: decodeUnixConnect }],
  [RecordType.RECORD_CGROUP_MKDIR, { minBytes: cgroupRecordBytes, decode: decodeCgroup }],
  [RecordType.RECORD_CGROUP_RMDIR, { minBytes: cgroupRecordBytes, decode: decodeCgroup }],
  [RecordType.RECORD_THROTTLE, { minBytes: throttleRecordBytes, decode: decodeThrottle }],
]);

/** Names of record types in counters and gaps, by number. */
export const recordTypeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(RecordType)
    .filter(([name]) => name !== 'RECORD_TYPE_MAX')
    .map(([name, number]) => [number, name.slice('RECORD_'.length).toLowerCase().replaceAll('_', '-')]),
);

/**
 * Decodes one record. The event holds no reference to the buffer.
 * @throws {CodedError} RECORD_INVALID when the bytes are no record of this version; the caller counts it and goes on.
 */
export function decodeRecord(view: DataView, at: number, availableBytes: number): KernelEvent {
  if (availableBytes < recordHeaderBytes)
    throw new CodedError(
      'RECORD_INVALID',
      `a record of ${availableBytes} bytes is shorter than its header (${recordHeaderBytes})`,
    );
  const type = view.getUint32(at, true);
  const size = view.getUint32(at + 4, true);
  const decoder = decoders.get(type);
  if (decoder === undefined) throw new CodedError('RECORD_INVALID', `record type ${type} is not known`);
  if (size > availableBytes || size < decoder.minBytes)
    throw new CodedError(
      'RECORD_INVALID',
      `a ${recordTypeNames.get(type)} record says it has ${size} bytes; at least ${decoder.minBytes} and at most ${availableBytes} were expected`,
    );
  try {
    return decoder.decode(view, at, size);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CodedError('RECORD_INVALID', `a ${recordTypeNames.get(type)} record contradicts itself`, { cause });
  }
}

function decodeFork(view: DataView, at: number): KernelEvent {
  const { ktimeNs, cgroupId, pid, tid, startKtimeNs, comm } = decodeTask(view, at);
  return {
    kind: 'fork',
    ktimeNs,
    cgroupId,
    pid,
    tid,
    startKtimeNs,
    comm,
    childPid: view.getUint32(at + forkRecordOffsets.childPid, true),
    childStartKtimeNs: view.getBigUint64(at + forkRecordOffsets.childStartKtimeNs, true),
    childContainerPid: view.getUint32(at + forkRecordOffsets.childContainerPid, true),
  };
}

const dumpedBit = 0x80;

/** @see https://man7.org/linux/man-pages/man2/wait.2.html */
function decodeExit(view: DataView, at: number): KernelEvent {
  const { ktimeNs, cgroupId, pid, tid, startKtimeNs, comm } = decodeTask(view, at);
  const status = view.getUint32(at + exitRecordOffsets.status, true);
  return {
    kind: 'exit',
    ktimeNs,
    cgroupId,
    pid,
    tid,
    startKtimeNs,
    comm,
    exitCode: (status >>> 8) & 0xff,
    exitSignal: status & 0x7f,
    coreDumped: (status & dumpedBit) !== 0,
  };
}

function decodeCgroup(view: DataView, at: number): KernelEvent {
  const record = readCgroupRecord(view, at);
  return {
    kind: record.header.type === RecordType.RECORD_CGROUP_MKDIR ? 'cgroup-mkdir' : 'cgroup-rmdir',
    ktimeNs: record.header.ktimeNs,
    cgroupId: record.header.cgroupId,
    path: decodeCString(record.path.subarray(0, record.pathSize)),
  };
}

function decodeThrottle(view: DataView, at: number): KernelEvent {
  const { header, containerKey, lostType } = readThrottleRecord(view, at);
  const { ktimeNs, cgroupId } = header;
  const lostTypeName = recordTypeNames.get(lostType);
  if (lostTypeName === undefined) throw new RangeError(`lost record type ${lostType}`);
  return { kind: 'throttle', ktimeNs, cgroupId, containerKey, lostType: lostTypeName };
}
