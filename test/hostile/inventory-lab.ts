import fc from 'fast-check';
import { expect } from 'vitest';
import type { PackageReader } from '../../agent/inventory/image-tree.ts';
import { inventoryLimits } from '../../common/inventory.ts';
import { type MemoryFile, type MemorySink, readMemory } from '../support/memory-tree.ts';
import { mutatedBytes, mutationRuns } from './mutations.ts';

const codes = ['malformed', 'too-large', 'unsupported', 'unreadable', 'limit', 'timeout'];

/**
 * Reads mutations of one file: whatever it holds, the reader ends, what it tells is well-formed, and the sound package
 * beside it is still found.
 */
export async function expectSturdy(
  reader: PackageReader,
  original: Buffer,
  filesOf: (mutated: Buffer) => readonly (readonly [path: string, file: MemoryFile])[],
  soundPurl: string,
  mutations: (original: Buffer) => fc.Arbitrary<Buffer> = mutatedBytes,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(mutations(original), async (mutated) => {
      const sink = await readMemory(reader, filesOf(mutated));
      expect(sink.packages.map(({ purl }) => purl)).toContain(soundPurl);
      expectWellFormed(sink);
    }),
    { numRuns: mutationRuns },
  );
}

function expectWellFormed({ packages, owned, evidence, problems }: MemorySink): void {
  for (const { name, purl, location, licenses, directories } of packages) {
    expect(name).not.toBe('');
    expect(purl).toMatch(/^pkg:[a-z]+\/./);
    expect(location.startsWith('/')).toBe(true);
    expect(licenses.every((text) => text.length <= inventoryLimits.maxTextLength)).toBe(true);
    expect(directories.length).toBeLessThanOrEqual(inventoryLimits.maxDirectoriesPerPackage + 2);
  }
  for (const { owner } of [...owned, ...evidence]) expect(packages[owner]).toBeDefined();
  for (const { digest } of owned) expect(digest ?? `sha256:${'0'.repeat(64)}`).toMatch(/^sha256:[0-9a-f]{64}$/);
  for (const { code, reason } of problems) {
    expect(codes).toContain(code);
    expect(reason.length).toBeLessThan(1_000);
  }
}
