import { expect, test } from 'vitest';
import { readMemory } from '../../../test/support/memory-tree.ts';
import { zipFile } from '../../../test/support/zip-file.ts';
import { nameAndVersion } from './jar/identity.ts';
import { jarLimits, jarReader } from './jar.ts';

const pom = (group: string, artifact: string, version: string): Record<string, string> => ({
  [`META-INF/maven/${group}/${artifact}/pom.properties`]: `#Generated\ngroupId=${group}\nartifactId=${artifact}\nversion=${version}\n`,
});
const manifest = (...lines: string[]): Record<string, string> => ({
  'META-INF/MANIFEST.MF': ['Manifest-Version: 1.0', ...lines, '', 'Name: other', ''].join('\r\n'),
});

test('an archive is what its Maven record says; what was put into it counts too', async () => {
  const { packages, evidence, problems } = await readMemory(jarReader, [
    [
      '/app/lib/shop-1.0.jar',
      zipFile({
        ...manifest('Bundle-License: MIT'),
        ...pom('org.example', 'shop', '1.0'),
        ...pom('com.google.code.gson', 'gson', '2.10.1'),
      }),
    ],
  ]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl, licenses }) => [purl, licenses])).toEqual([
    ['pkg:maven/org.example/shop@1.0', ['MIT']],
    ['pkg:maven/com.google.code.gson/gson@2.10.1', []],
  ]);
  expect(evidence.map(({ path }) => path)).toEqual(['/app/lib/shop-1.0.jar', '/app/lib/shop-1.0.jar']);
});

test('without one, the name of the file and the manifest say it', async () => {
  const { packages } = await readMemory(jarReader, [
    ['/a/commons-io-2.8.0.jar', zipFile(manifest('Automatic-Module-Name: org.apache.comm', ' ons.io'))],
    ['/a/plain.jar', zipFile(manifest('Implementation-Version: 4.2'))],
    ['/a/bare-7.jar', zipFile({ 'A.class': '' })],
    ['/a/nothing.jar', zipFile({ 'A.class': '' })],
  ]);
  expect(packages.map(({ purl }) => purl)).toEqual([
    'pkg:maven/org.apache.commons.io/commons-io@2.8.0',
    'pkg:maven/plain/plain@4.2',
    'pkg:maven/bare/bare@7',
  ]);
});

test('archives in archives, behind a start script too', async () => {
  const inner = zipFile({ ...manifest(), ...pom('org.inner', 'inner', '3') });
  const war = zipFile({ ...manifest(), 'WEB-INF/lib/inner-3.jar': inner });
  const ear = Buffer.concat([Buffer.from('#!/bin/sh\nexec java\n'), zipFile({ ...manifest(), 'shop.war': war })]);
  const { packages, problems } = await readMemory(jarReader, [['/app/all-1.ear', ear]]);
  expect(problems).toEqual([]);
  expect(packages.map(({ purl, location }) => [purl, location])).toEqual([
    ['pkg:maven/org.inner/inner@3', '/app/all-1.ear'],
    ['pkg:maven/shop/shop', '/app/all-1.ear'],
    ['pkg:maven/all/all@1', '/app/all-1.ear'],
  ]);
});

test('bombs are refused and the rest is read', async () => {
  const bomb = zipFile({
    'x.jar': Buffer.alloc(jarLimits.maxNestedBytes + 1),
    ...manifest(),
    ...pom('g', 'bomb', '1'),
  });
  let deep = zipFile(manifest());
  for (let level = 0; level <= jarLimits.maxDepth; level++)
    deep = zipFile({ ...manifest(), [`l${level}-1.jar`]: deep });
  const { packages, problems } = await readMemory(jarReader, [
    ['/bomb-1.jar', bomb],
    ['/deep-1.jar', deep],
    ['/none.jar', Buffer.from('no archive')],
  ]);
  expect(packages.map(({ purl }) => purl)).toContain('pkg:maven/g/bomb@1');
  expect(problems.map(({ path, code }) => [path, code])).toEqual([
    ['/bomb-1.jar', 'too-large'],
    ['/deep-1.jar', 'limit'],
    ['/none.jar', 'malformed'],
  ]);
});

test('the version starts where it looks like one', () => {
  expect(nameAndVersion('/x/my-http2-server-5.jar')).toEqual({ name: 'my-http2-server', version: '5' });
  expect(nameAndVersion('spring-core-5.3.1.RELEASE.jar')).toEqual({ name: 'spring-core', version: '5.3.1.RELEASE' });
  expect(nameAndVersion('jetpack-build235-rc5.jar')).toEqual({ name: 'jetpack', version: 'build235-rc5' });
  expect(nameAndVersion('servlet_2.5.jar')).toEqual({ name: 'servlet', version: '2.5' });
  expect(nameAndVersion('tools.jar')).toEqual({ name: 'tools', version: '' });
});
