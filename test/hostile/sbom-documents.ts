import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ContentsStore } from '../../collector/records/contents/contents-store.ts';
import { encodeContentsNow } from '../../collector/records/contents/encode.ts';
import { SbomError } from '../../collector/records/sbom/errors.ts';
import type { ParsedSbom } from '../../collector/records/sbom/model.ts';
import { parseSbom } from '../../collector/records/sbom/parse.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

/** The document as read, or undefined when it was refused with a reason; anything else thrown fails the test. */
export function readOrRefuse(bytes: Uint8Array): ParsedSbom | undefined {
  try {
    return parseSbom(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SbomError);
    const { code, message } = error as SbomError;
    expect(['SBOM_MALFORMED', 'SBOM_TOO_LARGE', 'SBOM_UNSUPPORTED']).toContain(code);
    expect(message.length).toBeGreaterThan(10);
    return undefined;
  }
}

/** What was read can be kept and asked, whatever is in it; paths stay inside the image. */
export function assertUsable({ contents }: ParsedSbom): void {
  const store = new ContentsStore({ cache: undefined });
  const index = store.hold(['sha256:x'], 'sbom', encodeContentsNow(contents));
  let files = 0;
  for (const { path, owners, evidenceOf, digest } of index.files()) {
    files++;
    expect(path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0')).toBe(true);
    for (const number of [...owners, ...evidenceOf]) expect(index.components[number]).toBeDefined();
    expect(digest === '' || /^(md5|sha\d+):[0-9a-f]+$/.test(digest)).toBe(true);
    if (files <= 20) expect(['owned', 'unowned', 'no-ownership-data']).toContain(index.ownerOf(path).state);
  }
  expect(files).toBe(contents.files.length);
  expect(index.ownerOf('/usr/bin/sed').state).not.toBe('not-in-image');
}

/** Tests that damage to a document, and any value anywhere in it, is refused or read, never taken for an empty SBOM. */
export function survivesMutations(original: Buffer): void {
  it('reads a damaged document as a whole or refuses it, never as an empty one', () => {
    expect(readOrRefuse(original)?.contents.components.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(mutatedBytes(original), (bytes) => {
        const read = readOrRefuse(bytes);
        if (read === undefined) return;
        assertUsable(read);
        // Damage that leaves JSON whole changes single values; it never takes all packages away.
        expect(read.contents.components.length).toBeGreaterThan(0);
      }),
      { numRuns: mutationRuns },
    );
  });

  it('survives any value anywhere', () => {
    fc.assert(
      fc.property(mutatedJson(JSON.parse(original.toString('utf8'))), (bytes) => {
        const read = readOrRefuse(bytes);
        if (read !== undefined) assertUsable(read);
      }),
      { numRuns: mutationRuns },
    );
  });
}
