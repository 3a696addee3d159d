import { expect, it } from 'vitest';
import { readOrRefuse, survivesMutations } from './sbom-documents.ts';

/** In the shape of https://spdx.github.io/spdx-spec/v3.0.1/annexes/getting-started/, for an image with two packages. */
const document = {
  '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld',
  '@graph': [
    { type: 'CreationInfo', '@id': '_:creation', specVersion: '3.0.1', created: '2026-11-01T10:00:00Z' },
    { type: 'Tool', spdxId: 'urn:tool', creationInfo: '_:creation', name: 'example 1.2' },
    { type: 'SpdxDocument', spdxId: 'urn:document', name: 'image', rootElement: ['urn:image'] },
    {
      ...{ type: 'software_Package', spdxId: 'urn:image', name: 'image', software_primaryPurpose: 'container' },
      software_packageVersion: `sha256:${'a'.repeat(64)}`,
    },
    {
      ...{ type: 'software_Package', spdxId: 'urn:sed', name: 'sed', software_packageVersion: '4.9-1' },
      software_packageUrl: 'pkg:deb/debian/sed@4.9-1?arch=amd64&distro=debian-12',
    },
    {
      ...{ type: 'software_Package', spdxId: 'urn:ms', name: 'ms', software_packageVersion: '2.1.3' },
      externalIdentifier: [
        { type: 'ExternalIdentifier', externalIdentifierType: 'packageUrl', identifier: 'pkg:npm/ms@2.1.3' },
      ],
    },
    {
      ...{ type: 'software_File', spdxId: 'urn:sed-file', name: 'usr/bin/sed' },
      verifiedUsing: [{ type: 'Hash', algorithm: 'sha256', hashValue: 'b'.repeat(64) }],
    },
    { type: 'software_File', spdxId: 'urn:ms-file', name: '/app/node_modules/ms/package.json' },
    { type: 'Relationship', spdxId: 'urn:1', from: 'urn:sed', relationshipType: 'contains', to: ['urn:sed-file'] },
    {
      ...{ type: 'Relationship', spdxId: 'urn:2', from: 'urn:ms', relationshipType: 'other', to: ['urn:ms-file'] },
      comment: "evident-by: indicates the package's existence is evident by the given file",
    },
  ],
};
const original = Buffer.from(JSON.stringify(document));

it('reads packages, files and what contains what', () => {
  const read = readOrRefuse(original);
  expect(read).toMatchObject({
    ...{ format: 'spdx-3.0', name: 'image', generator: 'example 1.2', createdAt: '2026-11-01T10:00:00Z' },
    describes: [`sha256:${'a'.repeat(64)}`],
    contents: {
      components: [
        { name: 'sed', version: '4.9-1', type: 'deb', architecture: 'amd64' },
        { name: 'ms', type: 'npm', location: '/app/node_modules/ms/package.json' },
      ],
      files: [
        { path: '/usr/bin/sed', owners: [0], digest: `sha256:${'b'.repeat(64)}` },
        { path: '/app/node_modules/ms/package.json', evidenceOf: [1] },
      ],
    },
  });
});

survivesMutations(original);
