import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../test/support/push-papers.ts';
import { indexOf } from '../contents/testing/index-of.ts';
import type { ParsedSbom } from './model.ts';
import { parseSbom } from './parse.ts';
import { parseSbomAnywhere } from './parse-off-thread.ts';

const read = (value: unknown): ParsedSbom => parseSbom(Buffer.from(JSON.stringify(value)));
const layer = `sha256:${'1a'.repeat(32)}`;
const imageId = `sha256:${'2b'.repeat(32)}`;
const manifest = `sha256:${'3c'.repeat(32)}`;
const property = (name: string, value: string): object => ({ name, value });

describe('what documents tell beside names', () => {
  it('syft: hashes, modes, layers, links, licences, and which image it is about', () => {
    const sbom = parseSbom(readFixture('documents/syft-json.json'));
    const sed = sbom.contents.files.find(({ path }) => path === '/usr/bin/sed');
    expect(sed).toMatchObject({ mode: 0o755, layerDigest: expect.stringMatching(/^sha256:6c02/) });
    expect(sed?.digest).toBe('sha256:72dcf1ad8560de658e925dfee171565e0c3f3be38236cf725846bc44971cf4b0');
    expect(sbom.describes).toHaveLength(2);
    expect(sbom.contents.components.find(({ name }) => name === 'ms')).toMatchObject({ licenses: ['MIT'] });
    expect(sbom.contents.components.find(({ name }) => name === 'hello')).toMatchObject({ architecture: 'amd64' });
  });

  it('syft: links that lead elsewhere are followed', () => {
    const document = {
      artifacts: [
        {
          ...{ id: 'a', name: 'mawk', version: '1', type: 'deb', purl: 'pkg:deb/debian/mawk@1' },
          metadata: { files: [{ path: '/usr/bin/mawk', digest: { algorithm: 'md5', value: 'ab'.repeat(16) } }] },
        },
      ],
      files: [
        {
          id: 'f',
          location: { path: '/usr/bin/awk' },
          metadata: { linkDestination: '/etc/alternatives/awk', mode: 777 },
        },
        { id: 'g', location: { path: '/etc/alternatives/awk' }, metadata: { linkDestination: '/usr/bin/mawk' } },
      ],
      descriptor: { name: 'syft' },
    };
    expect(indexOf(read(document).contents).ownerOf('/usr/bin/awk')).toMatchObject({
      ...{ state: 'owned', method: 'alias', canonicalPath: '/usr/bin/mawk', declaredDigest: `md5:${'ab'.repeat(16)}` },
    });
  });

  it('SPDX: hashes but those of all zeros, layers, licences', () => {
    const sbom = parseSbom(readFixture('documents/spdx-json.json'));
    expect(sbom.contents.files.find(({ path }) => path === '/usr/bin/sed')).toMatchObject({
      digest: expect.stringMatching(/^sha256:72dcf1/),
      layerDigest: expect.stringMatching(/^sha256:6c02/),
    });
    expect(sbom.describes.length).toBeGreaterThan(0);
    const link = {
      spdxVersion: 'SPDX-2.3',
      packages: [{ SPDXID: 'p', name: 'p', licenseDeclared: 'NOASSERTION', licenseConcluded: 'MIT' }],
      files: [
        {
          ...{ SPDXID: 'f', fileName: 'bin/link' },
          checksums: [{ algorithm: 'SHA1', checksumValue: '0'.repeat(40) }],
        },
      ],
      relationships: [{ spdxElementId: 'p', relatedSpdxElement: 'f', relationshipType: 'CONTAINS' }],
    };
    expect(read(link).contents).toMatchObject({ components: [{ licenses: ['MIT'] }], files: [{ digest: '' }] });
  });

  it('SPDX as trivy writes it: notes in annotations, or in attribution texts before', () => {
    const notes = ['PkgType: npm', `LayerDiffID: ${layer}`, 'FilePath: app/node_modules/ms/package.json', 'Nonsense'];
    const document = (written: object): unknown => ({
      spdxVersion: 'SPDX-2.3',
      packages: [
        { SPDXID: 'p', name: 'ms', versionInfo: '2.1.3', ...written },
        {
          ...{ SPDXID: 'i', name: 'image', primaryPackagePurpose: 'CONTAINER' },
          annotations: [{ comment: `ImageID: ${imageId}` }, { comment: `RepoDigest: acme/app@${manifest}` }],
        },
      ],
    });
    for (const written of [{ annotations: notes.map((comment) => ({ comment })) }, { attributionTexts: notes }]) {
      const sbom = read(document(written));
      expect(sbom.describes).toEqual([imageId, manifest]);
      expect(sbom.contents.components).toMatchObject([{ type: 'npm', layerDigest: layer }]);
      expect(indexOf(sbom.contents).ownerOf('/app/node_modules/ms/index.js')).toMatchObject({ method: 'directory' });
    }
  });

  it('CycloneDX: nested components, occurrences, hashes, licences, trivy’s properties', () => {
    const sbom = read({
      ...{ bomFormat: 'CycloneDX', specVersion: '1.6' },
      metadata: {
        component: {
          ...{ name: 'app', purl: `pkg:oci/app@sha256%3A${'3c'.repeat(32)}` },
          properties: [property('aquasecurity:trivy:ImageID', imageId)],
        },
      },
      components: [
        {
          ...{ type: 'library', name: 'outer', version: '1' },
          components: [
            {
              ...{ type: 'library', name: 'inner', version: '2', purl: 'pkg:maven/org.x/inner@2' },
              licenses: [{ license: { id: 'Apache-2.0' } }, { expression: 'MIT OR BSD-3-Clause' }],
              evidence: { occurrences: [{ location: '/app/lib.jar#12' }] },
            },
          ],
        },
        {
          ...{ type: 'library', name: 'bash', purl: 'pkg:rpm/redhat/bash@5.1.8' },
          properties: [
            property('aquasecurity:trivy:SrcName', 'bash'),
            property('aquasecurity:trivy:SrcVersion', '5.1.8'),
            property('aquasecurity:trivy:SrcRelease', '6.el9'),
            property('aquasecurity:trivy:SrcEpoch', '1'),
          ],
        },
        { type: 'file', name: '/app/lib.jar', hashes: [{ alg: 'SHA-256', content: 'ab'.repeat(32) }] },
      ],
    });
    expect(sbom.describes).toEqual([manifest, imageId]);
    expect(sbom.contents.components).toMatchObject([
      { name: 'outer' },
      { name: 'bash', sourceName: 'bash', sourceVersion: '1:5.1.8-6.el9' },
      { name: 'inner', licenses: ['Apache-2.0', 'MIT OR BSD-3-Clause'], location: '/app/lib.jar' },
    ]);
    expect(sbom.contents.files).toMatchObject([{ path: '/app/lib.jar', digest: `sha256:${'ab'.repeat(32)}` }]);
    expect(indexOf(sbom.contents).ownerOf('/app/lib.jar')).toMatchObject({ state: 'owned', method: 'evident' });
  });

  it('source packages of rpm, by name and version', () => {
    const document = {
      artifacts: [
        { id: 'a', name: 'bash', type: 'rpm', metadata: { sourceRpm: 'bash-5.1.8-6.el9.src.rpm' } },
        { id: 'b', name: 'x', purl: 'pkg:rpm/redhat/x@1?upstream=x-libs-1.2-3.el9.src.rpm' },
      ],
      descriptor: { name: 'syft' },
    };
    expect(read(document).contents.components).toMatchObject([
      { sourceName: 'bash', sourceVersion: '5.1.8-6.el9' },
      { sourceName: 'x-libs', sourceVersion: '1.2-3.el9' },
    ]);
  });
});

describe('documents that lie', () => {
  it('with a key twice in one object are refused, however the key is written', () => {
    for (const twice of [
      '{"bomFormat":"CycloneDX","specVersion":"1.6","components":[],"components":[]}',
      '{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","n\\u0061me":"b"}]}',
    ])
      expect(() => parseSbom(Buffer.from(twice))).toThrow(/"(components|name)" twice/);
    const fine = '{"bomFormat":"CycloneDX","specVersion":"1.6","components":[],"x":[{"a":1},{"a":"a,\\"a\\":"}]}';
    expect(parseSbom(Buffer.from(fine)).format).toBe('cyclonedx');
  });

  it('that are huge are read beside, and their failure is theirs alone', async () => {
    const component = { type: 'library', name: 'x', version: '1', properties: [property('pad', 'y'.repeat(1_000))] };
    const large = { bomFormat: 'CycloneDX', specVersion: '1.6', components: Array(2_000).fill(component) };
    const { contents } = await parseSbomAnywhere(Buffer.from(JSON.stringify(large)));
    // The same package 2 000 times is one.
    expect(contents.head.packageCount).toBe(1);
    const cut = Buffer.from(JSON.stringify(large).slice(0, -1));
    await expect(parseSbomAnywhere(cut)).rejects.toMatchObject({ code: 'SBOM_MALFORMED' });
  });
});
