import { layouts, listenerBytes, listenerKeyBytes } from '../decode/layout.generated.ts';

/** A socket that listens in a container, and whose it is. */
export interface ListenerEntry {
  /** nsfs inode of the network namespace. */
  networkNs: number;
  /** 4 or 16 bytes, network order. */
  address: Uint8Array;
  port: number;
  pid: number;
  /** May be rounded down to a tick. */
  startKtimeNs: bigint;
  comm: string;
  cgroupId: bigint;
}

const familyInet = 2;
const familyInet6 = 10;
const commBytes = 15;

/** The entry as the programs keep it. */
export function encodeListener(entry: ListenerEntry): { key: Buffer; value: Buffer } {
  const key = Buffer.alloc(listenerKeyBytes);
  key.writeUInt32LE(entry.networkNs, offsetOf('listener_key', 'network_ns'));
  key.writeUInt16LE(entry.port, offsetOf('listener_key', 'port'));
  key.writeUInt16LE(entry.address.length === 4 ? familyInet : familyInet6, offsetOf('listener_key', 'family'));
  key.set(entry.address, offsetOf('listener_key', 'address'));

  const value = Buffer.alloc(listenerBytes);
  const header = offsetOf('listener', 'header');
  value.writeBigUInt64LE(entry.cgroupId, header + offsetOf('record_header', 'cgroup_id'));
  value.writeBigUInt64LE(entry.startKtimeNs, header + offsetOf('record_header', 'start_ktime_ns'));
  value.writeUInt32LE(entry.pid, header + offsetOf('record_header', 'pid'));
  value.writeUInt32LE(entry.pid, header + offsetOf('record_header', 'tid'));
  value.write(entry.comm, header + offsetOf('record_header', 'comm'), commBytes, 'utf8');
  value.writeUInt32LE(1, offsetOf('listener', 'sockets'));
  return { key, value };
}

function offsetOf(struct: string, field: string): number {
  const layout = layouts.find(({ name }) => name === struct)?.fields.find(({ name }) => name === field);
  if (layout === undefined) throw new Error(`${struct}.${field} is in no record`);
  return layout.offset;
}
