import type { TaskEventBase } from '../decode/kernel-event.ts';

/** The payload of a packet that a name server sent. */
export interface DnsSegment extends TaskEventBase {
  kind: 'dns-segment';
  transport: 'tcp' | 'udp';
  resolverAddress: string;
  /** The kernel's number of the socket. */
  socketCookie: bigint;
  /** TCP: sequence number of the first byte. */
  sequence: number;
  /** What was captured of it. */
  payload: Uint8Array;
  /** How long it was. */
  totalBytes: number;
  repeats: number;
}
