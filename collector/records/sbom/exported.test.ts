import { expect, test } from 'vitest';
import type { Inventory } from '../../../common/inventory.ts';
import { toCycloneDx } from '../../../common/sbom-export/cyclonedx.ts';
import { toSpdx } from '../../../common/sbom-export/spdx.ts';
import type { ParsedSbom } from './model.ts';
import { parseSbom } from './parse.ts';

const layers = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`);
const base = { architecture: '', sourceName: '', sourceVersion: '', licenses: [], directories: [] };
const status = '/var/lib/dpkg/status';
const inventory: Inventory = {
  distribution: { id: 'debian', versionId: '12', idLike: [] },
  layers,
  packages: [
    {
      ...{ ...base, type: 'deb', name: 'bash', version: '5.2-1', purl: 'pkg:deb/debian/bash@5.2-1', layer: 0 },
      ...{ location: status, sourceName: 'bash-src', sourceVersion: '5.2' },
    },
    {
      ...base,
      type: 'deb',
      name: 'coreutils',
      version: '9',
      purl: 'pkg:deb/debian/coreutils@9',
      layer: 0,
      location: status,
    },
    {
      ...{ ...base, type: 'pypi', name: 'flask', version: '3.0', purl: 'pkg:pypi/flask@3.0', layer: 1 },
      ...{ location: '/opt/site-packages/flask-3.0.dist-info/METADATA' },
    },
    {
      ...base,
      type: 'golang',
      name: 'a.test/b',
      version: 'v1.0.0',
      purl: 'pkg:golang/a.test/b@v1.0.0',
      layer: 1,
      location: '/usr/bin/b',
    },
    {
      ...base,
      type: 'golang',
      name: 'stdlib',
      version: '1.26.0',
      purl: 'pkg:golang/stdlib@1.26.0',
      layer: 1,
      location: '/usr/bin/b',
    },
  ],
  files: [
    ['/opt/site-packages/flask/app.py', [2], []],
    ['/usr/bin/b', [], [3, 4]],
    ['/usr/bin/bash', [0], []],
    ['/usr/bin/ls', [1], []],
    ['/usr/bin/nobody', [], []],
    ['/usr/share/both', [0, 1], []],
  ].map(([path, owners, evidenceOf]) => ({
    ...{ path: path as string, kind: 'file', linkTarget: '', layer: 0, sizeBytes: 1, mode: 0o755, declaredDigest: '' },
    ...{ owners: owners as number[], evidenceOf: evidenceOf as number[] },
  })) as Inventory['files'],
  problems: [],
};
const subject = {
  name: 'registry.example.org/app',
  digest: `sha256:${'d'.repeat(64)}`,
  createdAt: '2026-01-02T03:04:05Z',
  toolVersion: '0.1.0',
};

const formats = [
  ['cyclonedx', toCycloneDx],
  ['spdx-2.3', toSpdx],
] as const;
for (const [format, write] of formats)
  test(`what is exported as ${format} is read back with the same packages, files and evidence`, () => {
    const parsed = parseSbom(Buffer.from(JSON.stringify(write(inventory, subject))));
    expect(parsed).toMatchObject({
      format,
      name: subject.name,
      generator: 'tallyman 0.1.0',
      createdAt: subject.createdAt,
    });
    expect(parsed.contents.components.map(({ name, version, type }) => `${type} ${name} ${version}`)).toEqual([
      'deb bash 5.2-1',
      'deb coreutils 9',
      'golang a.test/b v1.0.0',
      'golang stdlib 1.26.0',
      'pypi flask 3.0',
    ]);
    expect(parsed.contents.components[0]).toMatchObject({ sourceName: 'bash-src', sourceVersion: '5.2' });
    expect(namesOf(parsed, 'owners')).toEqual({
      '/opt/site-packages/flask/app.py': ['flask'],
      '/usr/bin/bash': ['bash'],
      '/usr/bin/ls': ['coreutils'],
      '/usr/share/both': ['bash', 'coreutils'],
    });
    expect(namesOf(parsed, 'evidenceOf')).toMatchObject({ '/usr/bin/b': ['a.test/b', 'stdlib'] });
  });

function namesOf({ contents }: ParsedSbom, whose: 'owners' | 'evidenceOf'): Record<string, string[]> {
  const files = contents.files.filter((file) => file[whose].length > 0);
  return Object.fromEntries(
    files.map((file) => [file.path, file[whose].map((number) => contents.components[number]!.name).toSorted()]),
  );
}
