import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Digest } from '../../collector/records/registry/digest.ts';
import { parseManifestDocument } from '../../collector/records/registry/oci.ts';
import { OciLayout } from '../../collector/records/registry/oci-layout.ts';
import { writeFixtureLayout } from '../support/fixture-layout.ts';
import { readFixture } from '../support/push-papers.ts';
import { closeRecords, recordsWith } from '../support/records-lab.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const runs = { numRuns: mutationRuns };
const place = 'registry.example/tallyman/fixture';
const jsonOf = (digest = ''): unknown => JSON.parse(readFixture(`registry/blobs/${digest.slice(7)}`).toString('utf8'));
const { tags } = JSON.parse(readFixture('registry/content.json').toString('utf8')) as { tags: Record<string, string> };
const changed = (original: unknown): fc.Arbitrary<Buffer> =>
  fc.oneof(mutatedJson(original), mutatedBytes(Buffer.from(JSON.stringify(original))));

describe('manifests and indexes', () => {
  it.each(['bundle', 'index'])('of %s are narrowed or refused', (tag) => {
    fc.assert(
      fc.property(changed(jsonOf(tags[tag])), (bytes) => {
        try {
          const document = parseManifestDocument(JSON.parse(bytes.toString('utf8')), undefined);
          const digests = document.kind === 'index' ? document.index.manifests : [document.manifest.config];
          for (const { digest } of digests) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      runs,
    );
  });
});

describe('folders in the OCI layout', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallyman-layout-'));
    writeFixtureLayout(folder, place);
  });
  afterAll(() => {
    closeRecords();
    rmSync(folder, { recursive: true, force: true });
  });

  it('with a changed index.json answer what has the digest that was asked for, or an error with a code', async () => {
    const index: unknown = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    await fc.assert(
      fc.asyncProperty(changed(index), async (bytes) => {
        writeFileSync(join(folder, 'index.json'), bytes);
        const layout = new OciLayout(folder);
        try {
          for (const digest of await layout.find([tags.bundle ?? ''])) {
            const answer = await layout.get('x', `manifests/${digest}`, 1 << 20);
            expect(sha256Digest(answer?.body ?? Buffer.alloc(0))).toBe(digest);
          }
          await layout.get('x', `referrers/${tags.bundle}`, 1 << 20);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^REGISTRY_/) });
        }
      }),
      runs,
    );
  });

  it('with a changed bundle never make it verified', async () => {
    writeFixtureLayout(folder, place);
    const list = jsonOf(tags[(tags.bundle ?? '').replace(':', '-')]) as { manifests: { digest: string }[] };
    const referrer = list.manifests[0]?.digest ?? '';
    const { layers } = jsonOf(referrer) as { layers: { digest: string }[] };
    const bundle = layers[0]?.digest.slice(7) ?? '';
    const original = readFixture(`registry/blobs/${bundle}`);
    const query = {
      reference: '',
      repoDigests: [`${place}@${tags.bundle}`],
      configDigest: '',
      targetDigest: '',
      platform: '',
    };
    await fc.assert(
      fc.asyncProperty(mutatedBytes(original), async (bytes) => {
        writeFileSync(join(folder, 'blobs', 'sha256', bundle), bytes);
        const records = recordsWith({ ociLayouts: [folder], noUpstream: true });
        const { papers } = await records.lookup(query);
        records.close();
        expect(papers.signature.outcome).not.toBe('verified');
        expect(papers.signature.outcome).not.toBe('absent');
      }),
      runs,
    );
  });
});
