import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgeSequence } from './sequence.ts';

it('stores each batch once and in order, however often and in whatever order they arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(1n, 12n), { maxLength: 80 }), (arrivals) => {
      let acknowledged = 0n;
      const stored: bigint[] = [];
      for (const sequence of arrivals) {
        const verdict = judgeSequence(acknowledged, sequence);
        if (verdict === 'next') {
          stored.push(sequence);
          acknowledged = sequence;
        } else expect(verdict).toBe(stored.includes(sequence) ? 'duplicate' : 'gap');
      }
      expect(stored).toEqual(stored.map((_, index) => BigInt(index + 1)));
    }),
  );
});
