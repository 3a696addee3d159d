import { LRUCache } from 'lru-cache';
import type { DnsEvent } from '../decode/network-event.ts';
import { dnsEventOf } from './dns-event.ts';
import type { DnsSegment } from './segment.ts';

const maxStreams = 256;
/** A message may have 65 535 bytes, and two of length. */
const maxStreamBytes = 65_537;

/** A message has at least its header. */
const minMessageBytes = 12;

interface Stream {
  /** Sequence number of the byte that is to come. */
  next: number;
  /** Bytes of a message that is not complete yet. */
  pending: Uint8Array;
  /** Where its messages begin is not known any more. */
  lost: boolean;
}

/**
 * Puts answers over TCP together (RFC 1035 4.2.2: two bytes of length before each message). A connection with a hole, or
 * with something else in it than messages, is not read any further.
 */
export class DnsStreams {
  readonly #streams = new LRUCache<bigint, Stream>({ max: maxStreams });

  /** The answers that the segment completes; over UDP each is one. */
  push(segment: DnsSegment): DnsEvent[] {
    if (segment.transport === 'udp') return [dnsEventOf(segment, segment.payload, segment.totalBytes)];
    const stream = this.#streamOf(segment);
    if (stream.lost || isOld(segment, stream)) return [];
    if (segment.sequence !== stream.next) {
      stream.lost = true;
      return [];
    }
    stream.next = (segment.sequence + segment.payload.length) >>> 0;
    const { messages, rest, isBroken } = split(Buffer.concat([stream.pending, segment.payload]));
    stream.pending = rest;
    stream.lost = isBroken || segment.payload.length < segment.totalBytes || rest.length > maxStreamBytes;
    return messages.map((message) => dnsEventOf(segment, message, message.length));
  }

  #streamOf(segment: DnsSegment): Stream {
    const known = this.#streams.get(segment.socketCookie);
    if (known !== undefined) return known;
    const fresh: Stream = { next: segment.sequence, pending: new Uint8Array(0), lost: false };
    this.#streams.set(segment.socketCookie, fresh);
    return fresh;
  }
}

/** A segment that was sent again. */
function isOld(segment: DnsSegment, stream: Stream): boolean {
  return ((stream.next - segment.sequence) | 0) > 0;
}

function split(bytes: Buffer): { messages: Buffer[]; rest: Buffer; isBroken: boolean } {
  const messages: Buffer[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const length = bytes.readUInt16BE(at);
    if (bytes.length - at - 2 < length) break;
    messages.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    if (length < minMessageBytes) return { messages, rest: Buffer.alloc(0), isBroken: true };
  }
  return { messages, rest: bytes.subarray(at), isBroken: false };
}
