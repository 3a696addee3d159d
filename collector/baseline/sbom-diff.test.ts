import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unknownPapers } from '../correlate/unknown-papers.ts';
import type { ContentsIndex } from '../records/contents/contents.ts';
import { indexOf } from '../records/contents/testing/index-of.ts';

import { parseSbom } from '../records/sbom/parse.ts';
import { DiffQueue } from './diff-queue.ts';
import { changedPaths } from './sbom-diff.ts';
import { LearningLab } from './testing/learning-lab.ts';

/** An SPDX document of packages, each with files. */
function sbom(packages: Record<string, string[]>): ContentsIndex {
  const named = Object.entries(packages).map(([name, files], number) => ({ name, files, id: `SPDXRef-p${number}` }));
  const document = {
    ...{ spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'x', dataLicense: 'CC0-1.0' },
    ...{ documentNamespace: 'https://example.org/x', creationInfo: { created: '2026-01-01T00:00:00Z', creators: [] } },
    packages: named.map(({ name, id }) => ({
      ...{ SPDXID: id, name: name.split('@')[0], versionInfo: name.split('@')[1], downloadLocation: 'NONE' },
      externalRefs: [
        { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: `pkg:deb/debian/${name}` },
      ],
    })),
    files: named.flatMap(({ files, id }) =>
      files.map((fileName, n) => ({ SPDXID: `${id}-f${n}`, fileName, checksums: [] })),
    ),
    relationships: named.flatMap(({ files, id }) =>
      files.map((_, n) => ({ spdxElementId: id, relationshipType: 'CONTAINS', relatedSpdxElement: `${id}-f${n}` })),
    ),
  };
  return indexOf(parseSbom(new TextEncoder().encode(JSON.stringify(document))).contents);
}

const before = sbom({ 'curl@8.0': ['/usr/bin/curl'], 'nginx@1.0': ['/usr/sbin/nginx', '/usr/share/doc/nginx/README'] });
const after = sbom({
  'curl@8.0': ['/usr/bin/curl'],
  'nginx@1.1': ['/usr/sbin/nginx', '/usr/share/doc/nginx/README', '/usr/lib/nginx/mod.so'],
  'new@1': ['/usr/bin/new'],
});

describe('changedPaths', () => {
  it('names what may be programs of packages that are new or changed', () => {
    const found = changedPaths(before, after);
    if ('unknown' in found) throw new Error(found.unknown);
    expect(found.packages).toBe(2);
    expect(found.paths).toContain('/usr/sbin/nginx');
    expect(found.paths).toContain('/usr/bin/new');
    expect(found.paths.join(' ')).not.toMatch(/curl|README|\.so/);
    expect(changedPaths(after, after)).toEqual({ paths: [], packages: 0 });
  });

  it('is not known without files, nor when too much changed', () => {
    expect(changedPaths(sbom({ 'a@1': [] }), after)).toHaveProperty('unknown');
    const files = Array.from({ length: 2_100 }, (_, n) => `/opt/app/${n}`);
    expect(changedPaths(before, sbom({ 'app@1': files }))).toHaveProperty('unknown');
  });
});

describe('a new digest', () => {
  let directory: string;
  let lab: LearningLab;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tallyman-diff-'));
    lab = new LearningLab(directory);
    lab.run('c1', { image: { reference: 'shop/web:1', configDigest: 'sha256:one' } });
    lab.executed('c1', '/usr/sbin/nginx');
    lab.pass(600);
    lab.pass(600);
    lab.run('c2', { image: { reference: 'shop/web:2', configDigest: 'sha256:two' } });
  });
  afterEach(() => {
    lab.store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function compare(sbomOf: (reference: string) => ContentsIndex | undefined): Promise<void> {
    const queue = new DiffQueue({
      book: lab.baselines.book,
      records: {
        lookup: async (image) => ({
          papers: unknownPapers(image, 'registry is away', 1),
          sbom: sbomOf(image.reference),
        }),
      },
      changed: () => undefined,
      logger: { warn: () => undefined } as never,
    });
    queue.wake();
    for (let turn = 0; turn < 10; turn++) await setImmediate();
  }

  it('opens only what the SBOMs say has changed, and learns that', async () => {
    await compare((reference) => (reference === 'shop/web:1' ? before : after));
    const head = lab.head('sha256:two');
    expect([head.newPathsOpen, head.diffDue, head.openPaths.includes('/usr/sbin/nginx')]).toEqual([false, false, true]);
    const listened = { transport: 'tcp', localPort: 80 };
    lab.observe('c2', { $case: 'listened', value: { ...listened, executablePath: '/usr/sbin/nginx' } });
    lab.executed('c2', '/usr/bin/new');
    lab.executed('c2', '/usr/bin/curl');
    expect(lab.paths('learned', 'sha256:two')).toEqual(['/usr/bin/new', '/usr/sbin/nginx', 'listen']);
    expect(lab.paths('candidate', 'sha256:two')).toEqual(['/usr/bin/curl']);
  });

  it('opens what is not listed while an SBOM is not known, and says so', async () => {
    await compare(() => undefined);
    const { newPathsOpen, openPaths, diffNote } = lab.head('sha256:two');
    expect({ newPathsOpen, openPaths, diffNote }).toEqual({
      ...{ newPathsOpen: true, openPaths: [] },
      diffNote: 'what changed is not known: the former image: registry is away',
    });
  });
});
