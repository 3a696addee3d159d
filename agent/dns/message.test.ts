import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dnsAnswer, dnsMessage, nameBytes } from '../../test/support/dns-message.ts';
import { parseDnsMessage } from './message.ts';

describe('parseDnsMessage', () => {
  it('reads question and answers', () => {
    const message = dnsMessage({
      question: 'Api.Example.COM',
      answers: [
        dnsAnswer('api.example.com', 5, nameBytes('edge.example.net'), 30),
        dnsAnswer('edge.example.net', 1, [192, 0, 2, 7], 60),
        dnsAnswer('edge.example.net', 28, [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1], 90),
      ],
    });
    expect(parseDnsMessage(message)).toEqual({
      ...{ isResponse: true, responseCode: 'NOERROR', queryName: 'api.example.com', queryType: 'A' },
      answers: [
        { name: 'api.example.com', type: 'CNAME', data: 'edge.example.net', ttlSeconds: 30 },
        { name: 'edge.example.net', type: 'A', data: '192.0.2.7', ttlSeconds: 60 },
        { name: 'edge.example.net', type: 'AAAA', data: '2001:db8::1', ttlSeconds: 90 },
      ],
      ...{ truncated: false, wellFormed: true },
    });
  });

  it('follows pointers back', () => {
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
    const { answers } = parseDnsMessage(dnsMessage({ question: 'a.example', answers: [answer] }));
    expect(answers).toEqual([{ name: 'a.example', type: 'A', data: '192.0.2.1', ttlSeconds: 9 }]);
  });

  it('refuses pointers that lead to themselves, forward or around', () => {
    for (const pointer of [28, 40, 0x3fff]) {
      const answer = Buffer.from([0xc0 | (pointer >> 8), pointer & 255, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
      const parsed = parseDnsMessage(dnsMessage({ question: 'a.example', answers: [answer, answer] }));
      expect(parsed).toMatchObject({ queryName: 'a.example', answers: [], wellFormed: false });
    }
  });

  it('keeps names apart that would be written alike', () => {
    const strange = Buffer.concat([Buffer.from([5]), Buffer.from('a.b\x1bC'), Buffer.from([0])]);
    expect(parseDnsMessage(dnsMessage({ questionBytes: strange })).queryName).toBe('a\\046b\\027c');
  });

  it('says what server and capture cut off', () => {
    const whole = dnsMessage({ question: 'a.example', answers: [dnsAnswer('a.example', 1, [192, 0, 2, 1], 1)] });
    expect(parseDnsMessage(dnsMessage({ question: 'a.example', flags: 0x8380 }))).toMatchObject({
      ...{ truncated: true, responseCode: 'NOERROR', wellFormed: true },
    });
    expect(parseDnsMessage(whole.subarray(0, whole.length - 3), whole.length)).toMatchObject({
      ...{ truncated: true, wellFormed: true, answers: [] },
    });
    expect(parseDnsMessage(whole.subarray(0, whole.length - 3))).toMatchObject({ truncated: false, wellFormed: false });
  });

  it('names what went wrong, and types it does not know', () => {
    expect(parseDnsMessage(dnsMessage({ question: 'a.example', flags: 0x8183, type: 65_280 }))).toMatchObject({
      ...{ responseCode: 'NXDOMAIN', queryType: 'TYPE65280' },
    });
  });

  it('keeps 32 of many answers', () => {
    const answers = new Array(40).fill(dnsAnswer('a.example', 1, [192, 0, 2, 1], 1));
    const parsed = parseDnsMessage(dnsMessage({ question: 'a.example', answers }));
    expect(parsed.answers).toHaveLength(32);
    expect(parsed.truncated).toBe(true);
  });

  it('never throws, whatever the bytes', () => {
    const valid = dnsMessage({ question: 'a.example', answers: [dnsAnswer('a.example', 16, [3, 65, 66, 67], 1)] });
    const mutated = fc.tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length)).map(([at, byte, length]) => {
      const copy = Uint8Array.from(valid);
      copy[at] = byte;
      return copy.subarray(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), mutated), fc.nat(4096), (bytes, more) => {
        const parsed = parseDnsMessage(bytes, bytes.length + (more % 3));
        expect(parsed.answers.length).toBeLessThanOrEqual(32);
        expect(parsed.queryName.length).toBeLessThanOrEqual(1020);
        expect(parsed.queryName).toMatch(/^[\x21-\x7e]*$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
