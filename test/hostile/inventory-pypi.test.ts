import { test } from 'vitest';
import { pypiReader } from '../../agent/inventory/readers/pypi.ts';
import { expectSturdy } from './inventory-lab.ts';

const site = '/opt/site-packages';
const metadata = `Metadata-Version: 2.1
Name: Some.Thing
Version: 1.0.post1
License: Apache
 License, Version 2.0
Classifier: License :: OSI Approved :: MIT License

Long description: with colons
`;
const digest = Buffer.alloc(32, 7).toString('base64url');
const record = `some/__init__.py,sha256=${digest},10\n"some/a,""b"".py",sha256=${digest},3\n../../bin/x,,\n`;
const sound = [
  [`${site}/sound-1.0.dist-info/METADATA`, 'Name: sound\nVersion: 1.0\n'],
  [`${site}/some/__init__.py`, ''],
] as const;

test('METADATA in any shape', () =>
  expectSturdy(
    pypiReader,
    Buffer.from(metadata),
    (mutated) => [[`${site}/some-1.0.dist-info/METADATA`, mutated], ...sound],
    'pkg:pypi/sound@1.0',
  ));

test('RECORD in any shape', () =>
  expectSturdy(
    pypiReader,
    Buffer.from(record),
    (mutated) => [
      [`${site}/some-1.0.dist-info/METADATA`, metadata],
      [`${site}/some-1.0.dist-info/RECORD`, mutated],
      [`${site}/some-1.0.dist-info/direct_url.json`, mutated],
      [`${site}/some-1.0.dist-info/top_level.txt`, mutated],
      ...sound,
    ],
    'pkg:pypi/some-thing@1.0.post1',
  ));

test('installed-files.txt in any shape', () =>
  expectSturdy(
    pypiReader,
    Buffer.from('../some/__init__.py\nPKG-INFO\n../../../bin/x\n/abs\n'),
    (mutated) => [
      [`${site}/some-1.0.egg-info/PKG-INFO`, metadata],
      [`${site}/some-1.0.egg-info/installed-files.txt`, mutated],
      ...sound,
    ],
    'pkg:pypi/some-thing@1.0.post1',
  ));
