import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../common/logger.ts';
import { Metrics } from '../../../common/metrics.ts';
import { pushImage } from '../../../test/support/papers-lab.ts';
import { readFixture } from '../../../test/support/push-papers.ts';
import { closeRecords, memoryCache, recordsWith } from '../../../test/support/records-lab.ts';
import { startRegistry } from '../../../test/support/registry.ts';
import { createSqliteStore } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { PapersDirectory } from './papers-directory.ts';
import { uploadLimits } from './upload.ts';
import { Uploads } from './uploads.ts';

const image = `sha256:${'1'.repeat(64)}`;
const spdx = readFixture('documents/spdx-json.json');
let directory: string;
let store: Store;
let uploads: Uploads;

const openStore = (): Store =>
  createSqliteStore({ file: join(directory, 'c.db'), logger: silentLogger, metrics: new Metrics('collector') });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tallyman-uploads-'));
  store = openStore();
  uploads = new Uploads(store, new Metrics('collector'));
});
afterEach(() => {
  closeRecords();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const brought = (bytes: Uint8Array, imageDigest: string | undefined = image) =>
  ({ bytes, name: 'sbom.json', origin: 'api', imageDigest }) as const;

describe('papers that are brought', () => {
  it('are kept once, survive a restart, and can be taken back', () => {
    const told = vi.fn();
    uploads.onChange(told);
    uploads.add(brought(spdx), 1_000);
    uploads.add(brought(spdx), 2_000);
    expect(told.mock.calls).toEqual([[[image]]]);
    store.close();
    store = openStore();
    const reopened = new Uploads(store, new Metrics('collector'));
    const [upload] = reopened.list([image]);
    expect(upload).toMatchObject({ kind: 'spdx', receivedAtUnixMs: 1_000, rawBytes: spdx.length });
    expect(upload && Buffer.from(reopened.read(upload) ?? []).equals(spdx)).toBe(true);
    expect(reopened.changedAtUnixMs([image])).toBe(1_000);
    expect(reopened.remove(image, upload?.documentDigest ?? '', 3_000)).toBe(true);
    expect(reopened.list()).toEqual([]);
    expect(reopened.changedAtUnixMs([image])).toBe(3_000);
  });

  it('are about the image they name when nobody says another', () => {
    const subjects = uploads
      .add(brought(readFixture('documents/syft-json.json'), undefined), 1)
      .map((u) => u.imageDigest);
    expect(subjects.length).toBeGreaterThan(0);
    expect(uploads.list(subjects)).toHaveLength(subjects.length);
  });

  it.each([
    ['PAPER_UNSUPPORTED', Buffer.from('{"cut off":'), image],
    ['PAPER_NO_IMAGE', Buffer.from('{"SchemaVersion":2,"Results":[]}'), undefined],
    [
      'PAPER_OTHER_IMAGE',
      Buffer.from(
        JSON.stringify({
          _type: 'https://in-toto.io/Statement/v1',
          subject: [{ digest: { sha256: '2'.repeat(64) } }],
        }),
      ),
      image,
    ],
    ['PAPER_TOO_LARGE', Buffer.alloc(uploadLimits.maxDocumentBytes + 1), image],
  ])('are refused with %s, and nothing is kept', (code, bytes, digest) => {
    expect(() => uploads.add({ ...brought(bytes), imageDigest: digest }, 1)).toThrow(expect.objectContaining({ code }));
    expect(uploads.list()).toEqual([]);
  });

  it('are bounded per image', () => {
    const one = (n: number): Buffer => Buffer.from(JSON.stringify({ spdxVersion: 'SPDX-2.3', n }));
    for (let n = 0; n < uploadLimits.maxUploadsPerImage; n++) uploads.add(brought(one(n)), n + 1);
    expect(() => uploads.add(brought(one(-1)), 99)).toThrow(/has 64 papers already/);
  });
});

describe('a look-up', () => {
  it('uses what was brought as soon as it is, and no longer when it is taken back', async () => {
    const registry = await startRegistry();
    try {
      const { query, digest } = await pushImage(registry);
      const records = recordsWith({ uploads, cache: memoryCache() });
      expect((await records.lookup(query)).papers.sbom.outcome).toBe('absent');
      const [upload] = uploads.add({ ...brought(spdx), imageDigest: digest }, Date.now());
      const { papers, sbom } = await records.lookup(query);
      expect(papers.sbom).toMatchObject({ outcome: 'untrusted', format: 'spdx-2.3', source: 'upload sbom.json' });
      expect(sbom?.components.length).toBeGreaterThan(0);
      uploads.remove(digest, upload?.documentDigest ?? '', Date.now());
      expect((await records.lookup(query)).papers.sbom.outcome).toBe('absent');
    } finally {
      await registry.stop();
    }
  });

  it('reads scan reports that were brought, and refuses those of another image', async () => {
    const query = { reference: 'app', repoDigests: [], configDigest: image, targetDigest: '', platform: 'linux/amd64' };
    const vulnerability = {
      VulnerabilityID: 'CVE-2024-0001',
      PkgName: 'curl',
      InstalledVersion: '7.0',
      Severity: 'HIGH',
    };
    const trivy = (ImageID: string): Buffer =>
      Buffer.from(
        JSON.stringify({
          ...{ SchemaVersion: 2, CreatedAt: new Date().toISOString(), ArtifactName: 'app', Metadata: { ImageID } },
          Results: [
            {
              ...{ Target: 'app', Class: 'os-pkgs', Type: 'debian' },
              Vulnerabilities: [
                {
                  ...{ ...vulnerability, FixedVersion: '7.1' },
                  PkgIdentifier: { PURL: 'pkg:deb/debian/curl@7.0?distro=debian-12' },
                },
              ],
            },
          ],
        }),
      );
    const records = recordsWith({ uploads });
    uploads.add(brought(trivy(`sha256:${'2'.repeat(64)}`)), Date.now());
    expect((await records.lookup(query)).vulnerabilities ?? []).toEqual([]);
    uploads.add(brought(trivy(image)), Date.now());
    const { vulnerabilities, papers } = await records.lookup(query);
    expect(vulnerabilities).toMatchObject([{ id: 'CVE-2024-0001', fixedVersions: ['7.1'], severity: 'high' }]);
    expect(papers.vulnerabilities.outcome).toBe('untrusted');
  });

  it('has papers of an image that is in no registry', async () => {
    const query = { reference: 'app', repoDigests: [], configDigest: image, targetDigest: '', platform: 'linux/amd64' };
    const records = recordsWith({ uploads });
    uploads.add(brought(spdx), Date.now());
    const { papers, sbom } = await records.lookup(query);
    expect(papers.sbom).toMatchObject({ outcome: 'untrusted', attachedTo: image });
    expect(papers.signature.outcome).toBe('unknown');
    expect(sbom).toBeDefined();
  });
});

describe('a directory of papers', () => {
  it('takes files as they come, change and go, and what it cannot use does not disturb the rest', async () => {
    const folder = join(directory, 'papers');
    const own = join(folder, image.replace(':', '-'));
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'sbom.spdx.json'), spdx);
    writeFileSync(join(own, 'broken.json'), '{');
    const watch = new PapersDirectory({ directory: folder, uploads, logger: silentLogger });
    await watch.look();
    expect(uploads.list([image])).toMatchObject([{ origin: 'directory', kind: 'spdx' }]);
    writeFileSync(join(own, 'broken.json'), readFixture('documents/cyclonedx-json.json'));
    await watch.look();
    expect(uploads.list([image]).map(({ kind }) => kind)).toEqual(['spdx', 'cyclonedx']);
    rmSync(join(own, 'sbom.spdx.json'));
    await watch.look();
    expect(uploads.list([image]).map(({ kind }) => kind)).toEqual(['cyclonedx']);
    uploads.add(brought(spdx), 5);
    rmSync(own, { recursive: true });
    await new PapersDirectory({ directory: folder, uploads, logger: silentLogger }).look();
    expect(uploads.list([image]).map(({ origin }) => origin)).toEqual(['api']);
  });

  it('that cannot be read takes nothing back', async () => {
    uploads.add({ ...brought(spdx), origin: 'directory' }, 1);
    const watch = new PapersDirectory({ directory: join(directory, 'none'), uploads, logger: silentLogger });
    await expect(watch.look()).rejects.toThrow(/ENOENT/);
    expect(uploads.list()).toHaveLength(1);
  });
});
