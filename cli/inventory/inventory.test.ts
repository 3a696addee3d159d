import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LayerDirectories, makeLayers } from '../../test/support/layer-directory.ts';
import { runCli } from '../test-support/run-cli.ts';

let layers: LayerDirectories;
beforeAll(() => {
  layers = makeLayers(
    {
      'etc/os-release': 'ID=alpine\nVERSION_ID=3.22.0\n',
      'usr/lib/apk/db/installed': 'P:musl\nV:1.2.5-r9\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:ld-musl.so\n\n',
      lib: { link: 'usr/lib' },
      'usr/lib/ld-musl.so': 'elf',
      'usr/bin/\u001b[2Jown': '',
    },
    { 'var/lib/dpkg/status': 'no database' },
  );
});
afterAll(() => layers.remove());

test('tallyman inventory lists packages with their files as a table', async () => {
  const { code, stdout, stderr } = await runCli(['inventory', '--root', layers.directories[0] ?? '']);
  expect(stdout).toBe(
    'TYPE  NAME  VERSION   FILES  LICENCES  FROM\napk   musl  1.2.5-r9  1      MIT       /usr/lib/apk/db/installed\n',
  );
  expect(stderr).toBe('\nalpine 3.22.0: 1 packages; 5 files, 4 of them of no package\n');
  expect(code).toBe(0);
});

test('--json prints one document; what was not read is told and is the exit code', async () => {
  const roots = layers.directories.flatMap((directory) => ['--root', directory]);
  const { code, stdout, stderr } = await runCli(['inventory', ...roots, '--json']);
  const document = JSON.parse(stdout);
  expect(document.components).toMatchObject([
    {
      ...{ name: 'musl', version: '1.2.5-r9', layer: 0, files: ['/usr/lib/ld-musl.so'], source: null },
      purl: 'pkg:apk/alpine/musl@1.2.5-r9?arch=x86_64&distro=alpine-3.22.0',
    },
  ]);
  expect(document.filesOfNoPackage).toContain('/usr/bin/\u001b[2Jown');
  expect(document.problems).toMatchObject([{ reader: 'dpkg', code: 'malformed' }]);
  expect(stderr).toContain('malformed: dpkg: /var/lib/dpkg/status: it has no packages');
  expect(code).toBe(1);
});

test('--format writes an SBOM', async () => {
  const root = layers.directories[0] ?? '';
  const cyclonedx = await runCli(['inventory', '--root', root, '--format', 'cyclonedx']);
  expect(cyclonedx.code).toBe(0);
  expect(JSON.parse(cyclonedx.stdout)).toMatchObject({
    ...{ bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: { type: 'file', name: root } } },
    components: [
      {
        purl: 'pkg:apk/alpine/musl@1.2.5-r9?arch=x86_64&distro=alpine-3.22.0',
        evidence: { occurrences: [{ location: '/usr/lib/ld-musl.so', additionalContext: 'owned' }] },
      },
      { type: 'operating-system', name: 'alpine', version: '3.22.0' },
    ],
  });
  const spdx = await runCli(['inventory', '--root', root, '--format', 'spdx']);
  expect(JSON.parse(spdx.stdout)).toMatchObject({
    spdxVersion: 'SPDX-2.3',
    files: [{ fileName: 'usr/lib/ld-musl.so' }],
  });
  expect((await runCli(['inventory', '--root', root, '--format', 'spdx', '--json'])).code).toBe(2);
});

test('a folder that is not there is not found; a file is wrong usage', async () => {
  expect((await runCli(['inventory', '--root', '/nonexistent'])).code).toBe(3);
  expect((await runCli(['inventory', '--root', '/etc/passwd'])).code).toBe(2);
  expect((await runCli(['inventory'])).code).toBe(2);
});
