import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mutatedBytes, mutatedJson } from './mutations.ts';

it('changes bytes, within bounds', () => {
  const original = Buffer.from('one line\nand another\n'.repeat(50));
  fc.assert(
    fc.property(mutatedBytes(original), (bytes) => {
      expect(bytes.equals(original)).toBe(false);
      expect(bytes.length).toBeLessThan(1_000_000);
    }),
  );
});

it('makes JSON that can still be parsed', () => {
  const original = { packages: [{ name: 'a', files: ['/x', '/y'] }, { name: 'b' }] };
  const seen = new Set<string>();
  fc.assert(
    fc.property(mutatedJson(original), (bytes) => {
      seen.add(JSON.stringify(JSON.parse(bytes.toString())).slice(0, 200));
    }),
  );
  expect(seen.size).toBeGreaterThan(20);
});
