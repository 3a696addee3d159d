import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RegionMemo } from './region-memo.ts';

function hex(view: DataView, at: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, length).toString('hex');
}

describe('RegionMemo', () => {
  it('answers what decoding would, whatever came before', () => {
    // Few places and few different bytes, so that regions meet.
    const region = fc.uint8Array({ maxLength: 12, max: 2 });
    fc.assert(
      fc.property(fc.array(region, { maxLength: 200 }), fc.nat(5), (regions, gap) => {
        const memo = new RegionMemo(4, hex);
        for (const bytes of regions) {
          const around = new Uint8Array(bytes.length + gap + 3).fill(7);
          around.set(bytes, gap);
          expect(memo.get(new DataView(around.buffer), gap, bytes.length)).toBe(Buffer.from(bytes).toString('hex'));
        }
      }),
    );
  });

  it('decodes the same bytes once, and does not see later changes of the buffer', () => {
    let decoded = 0;
    const memo = new RegionMemo(16, (view, at, length) => `${++decoded}:${hex(view, at, length)}`);
    const view = new DataView(new ArrayBuffer(8));
    const first = memo.get(view, 0, 8);
    expect(memo.get(view, 0, 8)).toBe(first);
    view.setUint8(3, 1);
    expect(memo.get(view, 0, 8)).toBe('2:0000000100000000');
    view.setUint8(3, 0);
    expect(memo.get(view, 0, 8)).toMatch(/:0000000000000000$/);
  });

  it('keeps nothing of regions that are long', () => {
    let decoded = 0;
    const memo = new RegionMemo(16, () => ++decoded);
    const view = new DataView(new ArrayBuffer(1000));
    memo.get(view, 0, 1000);
    memo.get(view, 0, 1000);
    expect(decoded).toBe(2);
  });

  it('refuses a region beyond the view', () => {
    const memo = new RegionMemo(16, hex);
    expect(() => memo.get(new DataView(new ArrayBuffer(8)), 4, 8)).toThrow(RangeError);
  });
});
