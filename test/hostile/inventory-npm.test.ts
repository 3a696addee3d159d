import fc from 'fast-check';
import { test } from 'vitest';
import { npmReader } from '../../agent/inventory/readers/npm.ts';
import { expectSturdy } from './inventory-lab.ts';
import { mutatedJson } from './mutations.ts';

const document = {
  name: '@scope/thing',
  version: '1.2.3-beta.1',
  license: { type: 'MIT' },
  licenses: [{ type: 'ISC' }, 'BSD'],
  dependencies: { a: '^1' },
};

test('package.json in any shape', () =>
  expectSturdy(
    npmReader,
    Buffer.from(JSON.stringify(document)),
    (mutated) => [
      ['/n/node_modules/@scope/thing/package.json', mutated],
      ['/n/node_modules/sound/package.json', '{"name":"sound","version":"1.0.0"}'],
    ],
    'pkg:npm/sound@1.0.0',
  ));

test('package.json with other values', () =>
  expectSturdy(
    npmReader,
    Buffer.alloc(0),
    (mutated) => [
      ['/n/node_modules/@scope/thing/package.json', mutated],
      ['/n/node_modules/sound/package.json', '{"name":"sound","version":"1.0.0"}'],
    ],
    'pkg:npm/sound@1.0.0',
    () => fc.oneof(mutatedJson(document), fc.constant(Buffer.from('['.repeat(200_000)))),
  ));
