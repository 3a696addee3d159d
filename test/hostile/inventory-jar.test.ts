import { test } from 'vitest';
import { jarReader } from '../../agent/inventory/readers/jar.ts';
import { zipFile } from '../support/zip-file.ts';
import { expectSturdy } from './inventory-lab.ts';

const manifest =
  'Manifest-Version: 1.0\r\nBundle-SymbolicName: org.example\r\n .thing;x=1\r\nImplementation-Version: 1\r\n';
const pom = 'groupId=org.example\nartifactId=thing\nversion=1.0\n';
const pomPath = 'META-INF/maven/org.example/thing/pom.properties';
const sound = zipFile({ 'META-INF/MANIFEST.MF': manifest, [pomPath]: pom.replaceAll('thing', 'sound') });
const jar = zipFile({ 'META-INF/MANIFEST.MF': manifest, [pomPath]: pom, 'lib/sound-1.0.jar': sound });
const soundPurl = 'pkg:maven/org.example/sound@1.0';

test('archives in any shape', () =>
  expectSturdy(
    jarReader,
    jar,
    (mutated) => [
      ['/a/thing-1.0.jar', mutated],
      ['/a/sound.jar', sound],
    ],
    soundPurl,
  ));

test('archives in archives in any shape', () =>
  expectSturdy(
    jarReader,
    jar,
    (mutated) => [['/a/all.war', zipFile({ 'WEB-INF/lib/thing.jar': mutated, 'WEB-INF/lib/sound.jar': sound })]],
    soundPurl,
  ));

test('manifests and Maven records in any shape', () =>
  expectSturdy(
    jarReader,
    Buffer.from(manifest + pom),
    (mutated) => [
      ['/a/thing.jar', zipFile({ 'META-INF/MANIFEST.MF': mutated, [pomPath]: mutated })],
      ['/a/sound.jar', sound],
    ],
    soundPurl,
  ));
