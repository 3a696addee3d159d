import type { DnsEvent } from '../decode/network-event.ts';
import { parseDnsMessage } from './message.ts';
import type { DnsSegment } from './segment.ts';

/** The event of one message; `totalBytes` is how long it was before it was captured. */
export function dnsEventOf(segment: DnsSegment, message: Uint8Array, totalBytes: number): DnsEvent {
  const { payload: _payload, sequence: _sequence, totalBytes: _totalBytes, socketCookie: _cookie, ...rest } = segment;
  const { isResponse, ...parsed } = parseDnsMessage(message, totalBytes);
  return { ...rest, ...parsed, kind: 'dns', subdomains: 0, wellFormed: parsed.wellFormed && isResponse };
}

/** The addresses in an answer, in its order. */
export function addressesOf(event: DnsEvent): string[] {
  return event.answers
    .filter(({ type, data }) => (type === 'A' || type === 'AAAA') && data !== '')
    .map(({ data }) => data);
}
