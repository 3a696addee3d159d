import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { loadCosignKeys } from '../../collector/records/signature/keys.ts';
import { loadNotationStore } from '../../collector/records/trust/notation-store.ts';
import { trustRootOf } from '../../collector/records/trust/trust-root.ts';
import { CodedError } from '../../common/errors.ts';
import { readFixture } from '../support/push-papers.ts';
import { mutatedBytes, mutatedJson, mutationRuns } from './mutations.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallyman-hostile-trust-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Used as it is, or refused with a code and a reason; nothing else. */
function loadOrRefusal<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).hint).not.toBe('');
    return undefined;
  }
}

it('a trusted root that was altered is refused, or trusts no authority it did not name', () => {
  const original = readFixture('sigstore/public-good.json');
  const entry = { name: 'r', file: 'r.json', tlogThreshold: 1, timestampThreshold: 1, ctlogThreshold: 1 };
  const mutated = fc.oneof(mutatedJson(JSON.parse(original.toString())), mutatedBytes(original));
  const property = fc.property(mutated, (bytes) => {
    const root = loadOrRefusal(() => trustRootOf(bytes, entry));
    if (root === undefined) return;
    expect(root.material.certificateAuthorities.length).toBeGreaterThan(0);
    expect(root.hash).not.toBe(trustRootOf(original, entry).hash);
  });
  fc.assert(property, { numRuns: 2 * mutationRuns });
});

it.each(['release', 'p384', 'rsa', 'ed25519'])('a key file that was altered is refused or another key: %s', (name) => {
  const original = readFixture(`keys/${name}.pub`);
  const path = join(folder, `${name}.pub`);
  const load = (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    return loadOrRefusal(() => loadCosignKeys([path]));
  };
  expect(load(original)).toHaveLength(1);
  const property = fc.property(mutatedBytes(original), (bytes) => {
    for (const { fingerprint } of load(bytes) ?? []) expect(fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
  fc.assert(property, { numRuns: mutationRuns });
});

it('a file of authorities that was altered is refused or has certificates', () => {
  const original = readFixture('notation/acme-ca.pem');
  const path = join(folder, 'ca.pem');
  const property = fc.property(mutatedBytes(original), (bytes) => {
    writeFileSync(path, bytes);
    const store = loadOrRefusal(() =>
      loadNotationStore({ name: 'n', caFiles: [path], identities: ['*'], images: undefined }),
    );
    if (store !== undefined) expect(store.authorities.length).toBeGreaterThan(0);
  });
  fc.assert(property, { numRuns: mutationRuns });
});
