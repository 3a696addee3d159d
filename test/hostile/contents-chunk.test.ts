import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeFileChunk, FileChunk } from '../../collector/records/contents/file-chunk.ts';
import { mutatedBytes, mutationRuns } from './mutations.ts';

const key = 'ab'.repeat(12);
const files = Array.from({ length: 200 }, (_, at) => ({
  path: `/usr/lib/x${String(at).padStart(3, '0')}`,
  ...{ owners: [key], evidenceOf: at % 7 === 0 ? [key] : [], linkTarget: at % 5 === 0 ? '../y' : undefined },
  ...{ mode: 0o644, digest: `sha256:${'0'.repeat(62)}${(at % 90) + 10}` },
}));
const original = encodeFileChunk(files);

/** Chunks are compared with their hash before they are read; this is what is left if that were not so. */
it('a damaged chunk is refused or read within its own bounds', () => {
  expect([...new FileChunk(original).files()]).toEqual(files);
  fc.assert(
    fc.property(mutatedBytes(original), (bytes) => {
      try {
        const chunk = new FileChunk(bytes);
        let count = 0;
        for (const file of chunk.files()) {
          count++;
          expect(file.owners.length).toBeLessThanOrEqual(bytes.length);
          if (count > 100_000) break;
        }
        chunk.find('/usr/lib/x100');
        [...chunk.withDigest(files[0]!.digest)].slice(0, 10);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: mutationRuns * 4 },
  );
});
