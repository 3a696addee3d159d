import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { expect, test } from 'vitest';
import type { Inventory, InventoryFile, InventoryPackage } from '../inventory.ts';
import { toCycloneDx } from './cyclonedx.ts';
import { isSpdxExpression } from './licenses.ts';
import { toSpdx } from './spdx.ts';
import { imagePurl, type SbomSubject, scannerPurl } from './subject.ts';

const schema = (name: string): object =>
  JSON.parse(readFileSync(`test/fixtures/sbom-schemas/${name}`, 'utf8')) as object;

function cycloneDxSchema(): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  return ajv
    .addSchema(schema('spdx.schema.json'))
    .addSchema(schema('jsf-0.82.schema.json'))
    .compile(schema('bom-1.6.schema.json'));
}

const subject: SbomSubject = {
  name: 'registry.example.org/team/app',
  digest: `sha256:${'a'.repeat(64)}`,
  tag: '1.0',
  createdAt: '2026-01-02T03:04:05.678Z',
  toolVersion: '0.1.0',
};
const layer = `sha256:${'b'.repeat(64)}`;

function found(over: Partial<InventoryPackage>): InventoryPackage {
  return {
    ...{ type: 'deb', name: 'bash', version: '5.2', purl: 'pkg:deb/debian/bash@5.2?arch=amd64', architecture: 'amd64' },
    ...{ sourceName: '', sourceVersion: '', licenses: [], layer: 0, location: '/var/lib/dpkg/status', directories: [] },
    ...over,
  } as InventoryPackage;
}

function file(path: string, owners: number[], evidenceOf: number[] = []): InventoryFile {
  const declaredDigest = owners.length > 0 ? `md5:${'c'.repeat(32)}` : '';
  return {
    path,
    kind: 'file',
    linkTarget: '',
    owners,
    evidenceOf,
    layer: 0,
    sizeBytes: 1,
    mode: 0o755,
    declaredDigest,
  };
}

const inventory: Inventory = {
  distribution: { id: 'debian', versionId: '12', idLike: [] },
  layers: [layer],
  packages: [
    found({ sourceName: 'bash-src', sourceVersion: '5.1', licenses: ['GPL-3+', 'GPL-3.0-or-later'] }),
    found({
      ...{
        type: 'npm',
        name: '@x/y',
        version: '1.0.0',
        purl: 'pkg:npm/%40x/y@1.0.0',
        location: '/n/@x/y/package.json',
      },
      ...{ licenses: ['(MIT OR Apache-2.0)'], directories: ['/n/@x/y'], architecture: '' },
    }),
    found({ type: 'golang', name: 'm.test/x', version: '', purl: 'pkg:golang/m.test/x', location: '/usr/bin/x' }),
  ],
  files: [file('/usr/bin/bash', [0]), file('/usr/bin/unknown', []), file('/usr/bin/x', [], [2])],
  problems: [],
};
const broken: Inventory = {
  ...inventory,
  distribution: undefined,
  layers: [''],
  problems: [{ reader: 'npm', path: '/x', code: 'malformed', reason: 'it is no JSON' }],
};
const folder: SbomSubject = { ...subject, name: '/srv/root', digest: undefined, tag: undefined };
const cases = [
  ['an image', inventory, subject],
  ['a folder, not complete', broken, folder],
  ['nothing', { ...inventory, packages: [], files: [] }, subject],
] as const;

for (const [what, content, about] of cases) {
  test(`CycloneDX of ${what} is valid, and the same each time`, () => {
    const validate = cycloneDxSchema();
    const document = toCycloneDx(content, about);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(JSON.stringify(toCycloneDx(structuredClone(content), about))).toBe(JSON.stringify(document));
  });

  test(`SPDX of ${what} is valid, and the same each time`, () => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema('spdx-schema-2.3.json'));
    const document = toSpdx(content, about);
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
    expect(JSON.stringify(toSpdx(structuredClone(content), about))).toBe(JSON.stringify(document));
  });
}

test('the schemas refuse what is none of their documents', () => {
  const validate = cycloneDxSchema();
  const document = toCycloneDx(inventory, subject) as { components: object[] };
  expect(validate({ ...document, components: [{ type: 'library' }] })).toBe(false);
  expect(validate({ ...document, serialNumber: 'x' })).toBe(false);
});

test('distribution packages carry what scanners match them by', () => {
  expect(scannerPurl(inventory.packages[0]!, inventory)).toBe(
    'pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12&upstream=bash-src%405.1',
  );
  const rpm = found({ type: 'rpm', purl: 'pkg:rpm/fedora/a@1-2', version: '1-2', sourceName: 'b', sourceVersion: '' });
  expect(scannerPurl(rpm, broken)).toBe('pkg:rpm/fedora/a@1-2?upstream=b-1-2.src.rpm');
  expect(scannerPurl(inventory.packages[1]!, inventory)).toBe('pkg:npm/%40x/y@1.0.0');
});

test('an incomplete inventory says so in both formats', () => {
  expect(JSON.stringify(toCycloneDx(broken, folder))).toContain('it is no JSON');
  expect(toCycloneDx(broken, folder)).toMatchObject({ compositions: [{ aggregate: 'incomplete' }] });
  expect(toSpdx(broken, folder)).toMatchObject({ comment: expect.stringContaining('it is no JSON') });
});

test('the image is a package URL with its digest', () => {
  expect(imagePurl(subject)).toBe(
    `pkg:oci/app@sha256%3A${'a'.repeat(64)}?repository_url=registry.example.org%2Fteam%2Fapp&tag=1.0`,
  );
});

test('licence expressions are told from free text', () => {
  expect(isSpdxExpression('(MIT OR Apache-2.0) AND GPL-2.0-only WITH Classpath-exception-2.0')).toBe(true);
  for (const text of ['GPL', 'MIT OR', '(MIT', 'MIT)', 'MIT Apache-2.0', '', 'MIT WITH MIT', 'AND'])
    expect(isSpdxExpression(text)).toBe(false);
});
