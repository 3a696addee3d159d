import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutatedBytes } from '../../../test/hostile/mutations.ts';
import { fixturePath } from '../../../test/support/push-papers.ts';
import { isCheapDer } from './der-budget.ts';
import { parseCertificate } from './material.ts';

/** OCTET STRINGs with a NULL in them, and then one that reaches beyond: what follows is walked twice, at each level. */
const overlapping = Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.from([0x04, 0x04, 0x05, 0x00])));

describe('bytes that are to be read as DER', () => {
  it('are cheap when they are a certificate', () => {
    const certificate = parseCertificate(readFileSync(fixturePath('certificate/signer.crt'), 'utf8'));
    expect(isCheapDer(certificate?.raw ?? Buffer.alloc(0))).toBe(true);
  });

  it('are cheap when they are cut off or no DER at all', () => {
    for (const bytes of [[], [0x30], [0x30, 0x82], [0xff, 0xff, 0xff], [0x30, 0x80, 0x00]])
      expect(isCheapDer(Uint8Array.from(bytes))).toBe(true);
  });

  it('are not when every string in them is looked into again and again', () => {
    const length = overlapping.length;
    const head = Buffer.from([0x30, 0x82, length >> 8, length & 0xff]);
    expect(isCheapDer(Buffer.concat([head, overlapping]))).toBe(false);
  });

  it('are judged in bounded time, whatever they are', () => {
    fc.assert(fc.property(mutatedBytes(overlapping), (bytes) => void isCheapDer(bytes)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 4_096 }), (bytes) => void isCheapDer(bytes)));
  });
});
