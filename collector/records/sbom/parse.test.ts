import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../test/support/push-papers.ts';
import { SbomError } from './errors.ts';
import { assertShape } from './json-shape.ts';
import { limits, type ParsedSbom } from './model.ts';
import { parseSbom } from './parse.ts';
import { parseSbomAnywhere } from './parse-off-thread.ts';

const read = (value: unknown): ParsedSbom =>
  parseSbom(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

function codeOf(value: unknown): string {
  try {
    read(value);
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(SbomError);
    return (error as SbomError).code;
  }
}

const spdx = (extra: object = {}): object => ({
  spdxVersion: 'SPDX-2.3',
  name: 'x',
  packages: [],
  files: [],
  relationships: [],
  ...extra,
});

describe('documents that real syft wrote', () => {
  it.each([
    ['syft-json', 'syft', undefined],
    ['spdx-json', 'spdx-2.3', '2026'],
    ['cyclonedx-json', 'cyclonedx', '2026'],
  ])('%s has the same four packages', (file, format, year) => {
    const sbom = parseSbom(readFixture(`documents/${file}.json`));
    expect(sbom).toMatchObject({ format, generator: 'syft 1.57.0', contents: { usrMerge: 'known' } });
    expect(sbom.createdAt?.slice(0, 4)).toBe(year);
    expect(sbom.contents.components.map(({ purl }) => purl).sort()).toEqual([
      'pkg:deb/debian/hello@2.10-3?arch=amd64&distro=debian-12',
      'pkg:deb/debian/sed@4.9-1%2Bdeb12u1?arch=amd64&distro=debian-12',
      'pkg:npm/ms@2.1.3',
      'pkg:pypi/six@1.17.0',
    ]);
    expect(sbom.contents.components.map(({ type }) => type).sort()).toEqual(['deb', 'deb', 'npm', 'pypi']);
  });

  it('are read the same in a thread of their own', async () => {
    const bytes = readFixture('documents/syft-json.json');
    const here = await parseSbomAnywhere(bytes);
    const there = await parseSbomAnywhere(bytes, 0);
    expect(there).toEqual(here);
    await expect(parseSbomAnywhere(Buffer.from('{'), 0)).rejects.toMatchObject({ code: 'SBOM_MALFORMED' });
    await expect(parseSbomAnywhere(Buffer.from('{}'), 0)).rejects.toMatchObject({ code: 'SBOM_UNSUPPORTED' });
  });

  it('are refused when cut off anywhere', () => {
    const bytes = readFixture('documents/spdx-json.json');
    for (const share of [0, 0.1, 0.5, 0.9, 0.999])
      expect(codeOf(bytes.subarray(0, Math.floor(bytes.length * share)).toString('utf8')), String(share)).toBe(
        'SBOM_MALFORMED',
      );
  });
});

describe('formats', () => {
  it('are told apart by content; those not read are unsupported, not malformed', () => {
    expect(read({ bomFormat: 'CycloneDX', specVersion: '1.4', components: [] }).format).toBe('cyclonedx');
    expect(codeOf({ bomFormat: 'CycloneDX', specVersion: '2.0', components: [] })).toBe('SBOM_UNSUPPORTED');
    expect(codeOf({ bomFormat: 'CycloneDX', specVersion: '1.3', components: [] })).toBe('SBOM_UNSUPPORTED');
    const context = 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld';
    expect(read({ '@context': context, '@graph': [{ type: 'SpdxDocument', spdxId: 'd' }] }).format).toBe('spdx-3.0');
    expect(codeOf({ '@context': context, '@graph': [] })).toBe('SBOM_MALFORMED');
    expect(codeOf('SPDXVersion: SPDX-2.3\nPackageName: x\n')).toBe('SBOM_UNSUPPORTED');
    expect(codeOf('<?xml version="1.0"?><bom/>')).toBe('SBOM_UNSUPPORTED');
    expect(codeOf({ hello: 'world' })).toBe('SBOM_UNSUPPORTED');
  });

  it('takes source packages from syft properties, trivy properties and purl', () => {
    const property = (name: string, value: string): object => ({ name, value });
    const components = [
      { type: 'library', name: 'libc6', purl: 'pkg:deb/debian/libc6@2.36?upstream=glibc%402.36-9' },
      { type: 'library', name: 'a', properties: [property('syft:metadata:originPackage', 'busybox')] },
      {
        type: 'library',
        name: 'b',
        properties: [property('aquasecurity:trivy:SrcName', 'src'), property('aquasecurity:trivy:SrcVersion', '7')],
      },
    ];
    const sbom = read({ bomFormat: 'CycloneDX', specVersion: '1.6', components });
    expect(sbom.contents.components.map(({ sourceName, sourceVersion }) => [sourceName, sourceVersion])).toEqual([
      ['glibc', '2.36-9'],
      ['busybox', undefined],
      ['src', '7'],
    ]);
  });

  it('does not count the image itself as a package that contains everything', () => {
    const sbom = read(
      spdx({
        packages: [
          { SPDXID: 'SPDXRef-root', name: 'image', primaryPackagePurpose: 'CONTAINER' },
          {
            SPDXID: 'SPDXRef-a',
            name: 'a',
            externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:apk/alpine/a@1' }],
          },
        ],
        files: [{ SPDXID: 'SPDXRef-f', fileName: './usr/bin/a' }],
        relationships: [
          { spdxElementId: 'SPDXRef-root', relatedSpdxElement: 'SPDXRef-f', relationshipType: 'CONTAINS' },
          { spdxElementId: 'SPDXRef-a', relatedSpdxElement: 'SPDXRef-f', relationshipType: 'CONTAINS' },
        ],
      }),
    );
    expect(sbom.contents.components.map(({ name }) => name)).toEqual(['a']);
    expect(sbom.contents.files).toMatchObject([{ path: '/usr/bin/a', owners: [0] }]);
  });
});

describe('hostile documents', () => {
  it('without the list of packages are malformed: they say nothing, not that there are none', () => {
    expect(codeOf({ bomFormat: 'CycloneDX', specVersion: '1.6' })).toBe('SBOM_MALFORMED');
    expect(codeOf({ spdxVersion: 'SPDX-2.3', name: 'x' })).toBe('SBOM_MALFORMED');
    expect(codeOf({ descriptor: { name: 'syft' }, artefacts: [] })).toBe('SBOM_UNSUPPORTED');
  });

  it('of no JSON, other JSON or broken text are malformed', () => {
    for (const value of ['', 'null', '[]', '7', '"x"', '{"a":', '\u0000'])
      expect(codeOf(value), value).toBe('SBOM_MALFORMED');
    expect(() => parseSbom(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(SbomError);
  });

  it('with wrong types where they are read are malformed, and the place is named', () => {
    expect(() => read(spdx({ packages: [{ SPDXID: 'a', name: 7 }] }))).toThrow(/packages\.0\.name/);
    expect(() => read(spdx({ packages: {} }))).toThrow(/packages/);
    expect(() => read({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [{ type: 'library' }] })).toThrow(
      /components\.0\.name/,
    );
    expect(() => read({ artifacts: ['x'], descriptor: {} })).toThrow(/artifacts\.0/);
  });

  it('nested deeper than any SBOM are refused before they are parsed', () => {
    const deep = `{"spdxVersion":"SPDX-2.3","x":${'['.repeat(1_000_000)}`;
    expect(() => read(deep)).toThrow(/nested deeper than 64/);
    expect(() => assertShape(Buffer.from(`{"a":"${'['.repeat(500)}\\"${'{'.repeat(500)}"}`))).not.toThrow();
  });

  it('with texts too long or packages too many are refused', () => {
    expect(codeOf(spdx({ name: 'x'.repeat(limits.maxTextLength + 1) }))).toBe('SBOM_MALFORMED');
    const many = Array.from({ length: limits.maxComponents + 1 }, (_, at) => ({ type: 'library', name: `p${at}` }));
    expect(codeOf({ bomFormat: 'CycloneDX', specVersion: '1.6', components: many })).toBe('SBOM_TOO_LARGE');
  });

  it('with paths that lead out of the image, or names like __proto__, change nothing', () => {
    const sbom = read(
      spdx({
        packages: [
          {
            SPDXID: '__proto__',
            name: 'constructor',
            externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:%%%' }],
          },
        ],
        files: [
          { SPDXID: 'f1', fileName: '../../etc/passwd' },
          { SPDXID: 'f2', fileName: '' },
          { SPDXID: 'f3', fileName: '/a/../b\u0000c' },
          { SPDXID: 'f4', fileName: 'a/../b//./c' },
        ],
        relationships: ['f1', 'f2', 'f3', 'f4', 'missing'].map((relatedSpdxElement) => ({
          spdxElementId: '__proto__',
          relatedSpdxElement,
          relationshipType: 'CONTAINS',
        })),
      }),
    );
    expect(sbom.contents.files).toMatchObject([{ path: '/b/c', owners: [0] }]);
    expect(sbom.contents.components[0]).toMatchObject({ name: 'constructor', type: 'unknown' });
  });
});
