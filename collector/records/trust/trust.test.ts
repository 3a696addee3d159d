import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixturePath, readFixture } from '../../../test/support/push-papers.ts';
import { loadTrust, mayBeOf } from './trust.ts';
import { trustSchema } from './trust-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-trust-'));
afterAll(() => rmSync(folder, { recursive: true }));
const policyFile = fixturePath('policy.yaml');
const load = (section: object) => loadTrust(trustSchema.parse(section), policyFile, []);
const root = { name: 'public-good', file: 'sigstore/public-good.json' };
const identity = { name: 'a', issuer: 'https://issuer.test', subject: 'a@acme.io' };

function write(content: string | Uint8Array): string {
  const path = join(folder, 'trusted_root.json');
  writeFileSync(path, content);
  return path;
}

describe('the section trust', () => {
  it('finds files beside the policy and keeps the keys of the command line', () => {
    const trust = loadTrust(
      trustSchema.parse({
        roots: [root],
        identities: [identity],
        keys: [{ name: 'ops', file: 'keys/other.pub', images: ['a/*'] }],
      }),
      policyFile,
      [fixturePath('keys/release.pub')],
    );
    expect(trust.keys.map(({ name, images }) => [name, images])).toEqual([
      ['release', undefined],
      ['ops', ['a/*']],
    ]);
    expect(trust.roots[0]).toMatchObject({
      name: 'public-good',
      tlogThreshold: 1,
      timestampThreshold: 1,
      ctlogThreshold: 1,
    });
  });

  it('has another hash with anything that could change a verdict', () => {
    const sections = [
      {},
      { roots: [root] },
      { roots: [{ ...root, tlogThreshold: 2 }] },
      { roots: [root], identities: [identity] },
      { roots: [root], identities: [{ ...identity, subject: 'b@acme.io' }] },
      { roots: [root], identities: [{ ...identity, images: ['x'] }] },
      { keys: [{ file: 'keys/other.pub' }] },
      { keys: [{ file: 'keys/other.pub', images: ['x'] }] },
      { notation: [{ name: 'n', caFiles: ['notation/acme-ca.pem'], identities: ['*'] }] },
    ];
    expect(new Set(sections.map((section) => load(section).hash)).size).toBe(sections.length);
    expect(load({ roots: [root] }).hash).toBe(load({ roots: [root] }).hash);
  });

  it.each([
    [{ roots: [root, root] }, 'another root is called'],
    [{ roots: [root], identities: [{ ...identity, root: 'nope' }] }, 'no root is called nope'],
    [{ identities: [identity] }, 'no root says'],
    [{ roots: [root], identities: [{ ...identity, subjectPattern: '.*' }] }, 'either subject or subjectPattern'],
    [{ roots: [{ ...root, timestampThreshold: 0 }] }, '>=1'],
    [{ keys: [{ file: 'k', log: 'nope' }] }, 'no root is called nope'],
  ])('is refused: %j', (section, problem) => {
    expect(trustSchema.safeParse(section).error?.message).toContain(problem);
  });

  it.each([
    [{ roots: [{ ...root, file: 'missing.json' }] }, 'TRUST_ROOT_UNUSABLE', /missing\.json.*ENOENT/],
    [{ keys: [{ file: 'keys/missing.pub' }] }, 'SIGNING_KEY_UNUSABLE', /missing\.pub/],
    [
      { notation: [{ name: 'n', caFiles: ['keys/release.pub'], identities: ['*'] }] },
      'TRUST_NOTATION_UNUSABLE',
      /no PEM block/,
    ],
    [
      { roots: [root], identities: [{ ...identity, subject: undefined, subjectPattern: '(' }] },
      'TRUST_PATTERN',
      /subjectPattern/,
    ],
  ])('names the file that cannot be used: %j', (section, code, message) => {
    expect(() => load(section)).toThrow(message);
    expect(() => load(section)).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['', 'no JSON'],
    ['[]', 'no JSON object'],
    ['{}', 'mediaType'],
    ['{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}', 'no certificate authority'],
    [readFixture('sigstore/public-good.json').toString().replace('MIICGjCC', 'AAAAAAAA'), 'malformed'],
  ])('refuses a broken root and says why: %.40j', (content, why) => {
    expect(() => load({ roots: [{ name: 'r', file: write(content) }] })).toThrow(why);
  });
});

it('a scope is a list of repositories, matched whole', () => {
  expect(mayBeOf(undefined, 'a/b')).toBe(true);
  expect(mayBeOf(['a/b'], 'a/b')).toBe(true);
  expect(mayBeOf(['a/*'], 'a/b/c')).toBe(true);
  for (const pattern of ['a', 'a/', '/b', 'A/b', 'a/bb', 'b']) expect(mayBeOf([pattern], 'a/b')).toBe(false);
});
