import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dnsMessage } from '../../test/support/dns-message.ts';
import type { DnsSegment } from './segment.ts';
import { DnsStreams } from './streams.ts';

function segment(payload: Uint8Array, sequence: number, change: Partial<DnsSegment> = {}): DnsSegment {
  return {
    ...{ kind: 'dns-segment', ktimeNs: 1n, cgroupId: 2n, pid: 3, tid: 3, startKtimeNs: 4n, comm: 'app' },
    ...{ transport: 'tcp', resolverAddress: '10.96.0.10', socketCookie: 7n, sequence, payload, repeats: 0 },
    totalBytes: payload.length,
    ...change,
  };
}

function framed(...names: string[]): Buffer {
  return Buffer.concat(
    names.flatMap((question) => {
      const message = dnsMessage({ question });
      return [Buffer.from([message.length >> 8, message.length & 255]), message];
    }),
  );
}

describe('DnsStreams', () => {
  it('takes each datagram for a message', () => {
    const events = new DnsStreams().push(segment(dnsMessage({ question: 'a.example' }), 0, { transport: 'udp' }));
    expect(events).toEqual([
      {
        ...{ kind: 'dns', ktimeNs: 1n, cgroupId: 2n, pid: 3, tid: 3, startKtimeNs: 4n, comm: 'app', transport: 'udp' },
        ...{ resolverAddress: '10.96.0.10', queryName: 'a.example', queryType: 'A', responseCode: 'NOERROR' },
        ...{ answers: [], truncated: false, wellFormed: true, subdomains: 0, repeats: 0 },
      },
    ]);
  });

  it('finds the messages of a stream however it is cut', () => {
    const bytes = framed('a.example', 'b.example', 'c.example');
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), fc.nat(0xffff_ffff), (cuts, start) => {
        const streams = new DnsStreams();
        const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const names = edges
          .slice(1)
          .flatMap((end, index) =>
            streams.push(segment(bytes.subarray(edges[index], end), (start + (edges[index] ?? 0)) >>> 0)),
          )
          .map((event) => event.queryName);
        expect(names).toEqual(['a.example', 'b.example', 'c.example']);
      }),
    );
  });

  it('takes a segment that was sent again once', () => {
    const streams = new DnsStreams();
    const bytes = framed('a.example');
    const names = [bytes.subarray(0, 9), bytes.subarray(0, 9), bytes.subarray(9)].flatMap((part, index) =>
      streams.push(segment(part, index === 2 ? 9 : 0)),
    );
    expect(names).toMatchObject([{ queryName: 'a.example', wellFormed: true }]);
  });

  it('reads no further behind a hole, and other connections as before', () => {
    const streams = new DnsStreams();
    const bytes = framed('a.example');
    expect(streams.push(segment(bytes.subarray(0, 9), 0))).toEqual([]);
    expect(streams.push(segment(framed('b.example'), 500))).toEqual([]);
    expect(streams.push(segment(bytes.subarray(9), 9))).toEqual([]);
    const other = streams.push(segment(framed('b.example'), 500, { socketCookie: 8n }));
    expect(other).toMatchObject([{ queryName: 'b.example' }]);
  });

  it('reads no further where something else is spoken on the port', () => {
    const streams = new DnsStreams();
    const first = streams.push(segment(new Uint8Array(4_000), 0));
    expect(first).toMatchObject([{ wellFormed: false }]);
    expect(streams.push(segment(framed('a.example'), 4_000))).toEqual([]);
  });

  it('lets go of what was not captured whole', () => {
    const streams = new DnsStreams();
    const bytes = framed('a.example');
    expect(streams.push(segment(bytes.subarray(0, 9), 0, { totalBytes: 20 }))).toEqual([]);
    expect(streams.push(segment(bytes.subarray(9), 9))).toEqual([]);
  });

  it('says of what is no answer that it is none', () => {
    const query = dnsMessage({ question: 'a.example', flags: 0x0100 });
    const events = new DnsStreams().push(segment(query, 0, { transport: 'udp' }));
    expect(events).toMatchObject([{ queryName: 'a.example', wellFormed: false }]);
  });
});
