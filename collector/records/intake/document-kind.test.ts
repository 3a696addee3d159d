import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../test/support/push-papers.ts';
import { documentKindOf } from './document-kind.ts';
import { subjectsOf } from './subjects.ts';
import { topLevelOf } from './top-level.ts';

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const hex = 'a'.repeat(64);
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'app', digest: { sha256: hex } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {},
};
const payload = Buffer.from(JSON.stringify(statement)).toString('base64');

describe('the members of a JSON object', () => {
  it('are those that JSON.parse finds, whatever the object holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const top = topLevelOf(Buffer.from(text));
        expect([...(top?.keys() ?? [])].sort()).toEqual(Object.keys(parsed).sort());
        for (const [key, value] of Object.entries(parsed))
          expect(top?.get(key)).toBe(typeof value === 'string' ? value : undefined);
      }),
    );
  });

  it.each(['', '[]', '"text"', '{', '{"a"', '{"a":', '{"a":1', '{"a":"b', '{"a":[1,2}', '{"a" 1}', 'null', '{"a":,}'])(
    'are none of %s',
    (text) => expect(topLevelOf(Buffer.from(text))).toBeUndefined(),
  );

  it('of a document as deep as it is long are found', () => {
    const deep = `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)},"b":"c"}`;
    expect(topLevelOf(Buffer.from(deep))?.get('b')).toBe('c');
  });
});

describe('what a document is', () => {
  it.each([
    ['documents/spdx-json.json', 'spdx'],
    ['documents/cyclonedx-json.json', 'cyclonedx'],
    ['documents/syft-json.json', 'syft'],
    ['messages/release.json', 'sigstore-bundle'],
  ])('%s is %s', (path, kind) => expect(documentKindOf(readFixture(path))).toEqual({ kind }));

  it.each([
    [{ matches: [], source: {}, descriptor: { name: 'grype' } }, 'grype'],
    [{ SchemaVersion: 2, ArtifactName: 'app', Results: [] }, 'trivy'],
    [{ version: '2.1.0', $schema: 'https://json.schemastore.org/sarif-2.1.0.json', runs: [] }, 'sarif'],
    [{ '@context': 'https://openvex.dev/ns/v0.2.0', statements: [] }, 'openvex'],
    [{ payloadType: 'application/vnd.in-toto+json', payload, signatures: [] }, 'dsse-envelope'],
    [statement, 'statement'],
  ])('%j', (document, kind) => expect(documentKindOf(bytesOf(document))).toEqual({ kind }));

  it('says why it is none', () => {
    expect(documentKindOf(Buffer.from('<bom/>'))).toMatchObject({ reason: expect.stringContaining('no JSON object') });
    expect(documentKindOf(bytesOf({ hello: 1 }))).toMatchObject({ reason: expect.stringContaining('hello') });
  });
});

describe('which image a document is about', () => {
  it.each([
    ['statement', statement],
    ['dsse-envelope', { payloadType: 'x', payload, signatures: [] }],
    ['sigstore-bundle', { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', dsseEnvelope: { payload } }],
    ['grype', { source: { target: { manifestDigest: `sha256:${hex}` } } }],
    ['trivy', { Metadata: { RepoDigests: [`r/app@sha256:${hex}`] } }],
    ['cyclonedx', { metadata: { component: { purl: `pkg:oci/app@sha256%3A${hex}?arch=amd64` } } }],
    ['openvex', { statements: [{ products: [{ '@id': `pkg:oci/app@sha256%3A${hex}` }] }] }],
    ['sarif', { runs: [{ properties: { imageID: `sha256:${hex}` } }] }],
  ] as const)('a %s says it', (kind, document) =>
    expect(subjectsOf(kind, bytesOf(document))).toEqual([`sha256:${hex}`]),
  );

  it('is told by syft in its own format and in SPDX', () => {
    expect(subjectsOf('syft', readFixture('documents/syft-json.json')).length).toBeGreaterThan(0);
    expect(subjectsOf('spdx', readFixture('documents/spdx-json.json')).length).toBeGreaterThan(0);
  });
});
