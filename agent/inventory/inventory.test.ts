import { afterEach, expect, test } from 'vitest';
import { type LayerItem, makeLayers } from '../../test/support/layer-directory.ts';
import { type InventoryRequest, runInventory } from './inventory.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function request(...layers: Record<string, LayerItem>[]): InventoryRequest {
  const { directories, remove } = makeLayers(...layers);
  cleanups.push(remove);
  const digests = directories.map((_, at) => `sha256:${String(at).repeat(64)}`);
  return { layers: directories.map((directory, at) => ({ directory, digest: digests[at] ?? '' })), cpuShare: 1 };
}

const bash =
  'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b2\nSource: bash (5.2.15-2)\n';
const tool = (version: string): string =>
  `Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\nConffiles:\n /etc/tool.conf 0123456789abcdef0123456789abcdef\n`;
const base = {
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
  bin: { link: 'usr/bin' },
  'usr/bin/bash': 'elf',
  'var/lib/dpkg/status': bash,
  'var/lib/dpkg/info/bash.list': '/.\n/bin\n/bin/bash\n/usr\n/usr/share\n',
  'var/lib/dpkg/info/bash.md5sums': 'ffffffffffffffffffffffffffffffff  bin/bash\n',
};

test('an inventory tells packages, the layers that brought them, and whose files are whose', async () => {
  const inventory = await runInventory(
    request(
      base,
      {
        'var/lib/dpkg/status': `${bash}\n${tool('1')}`,
        'var/lib/dpkg/info/tool:amd64.list': '/usr/bin\n/usr/bin/tool\n/etc/tool.conf\n',
        'usr/bin/tool': 'old',
      },
      {
        'var/lib/dpkg/status': `${bash}\n${tool('1:2~rc1')}`,
        'usr/bin/tool': 'new',
        'etc/tool.conf': 'changed',
        'usr/local/bin/own': 'ours',
      },
    ),
  );
  expect(inventory.problems).toEqual([]);
  expect(inventory.distribution).toEqual({ id: 'debian', versionId: '12', idLike: [] });
  expect(inventory.layers.map((digest) => digest[7])).toEqual(['0', '1', '2']);
  expect(inventory.packages.map(({ purl, layer }) => ({ purl, layer }))).toEqual([
    { purl: 'pkg:deb/debian/bash@5.2.15-2+b2?arch=amd64&distro=debian-12', layer: 0 },
    { purl: 'pkg:deb/debian/tool@1:2~rc1?arch=amd64&distro=debian-12', layer: 2 },
  ]);
  expect(inventory.packages[0]).toMatchObject({ sourceName: 'bash', sourceVersion: '5.2.15-2' });
  const files = new Map(inventory.files.map((file) => [file.path, file]));
  expect(files.get('/usr/bin/bash')).toMatchObject({ owners: [0], layer: 0, declaredDigest: `md5:${'f'.repeat(32)}` });
  expect(files.get('/usr/bin/tool')).toMatchObject({ owners: [1], layer: 2, declaredDigest: '' });
  expect(files.get('/etc/tool.conf')?.declaredDigest).toBe('md5:0123456789abcdef0123456789abcdef');
  expect(files.get('/usr/local/bin/own')).toMatchObject({ owners: [], kind: 'file' });
  expect(files.get('/bin')).toMatchObject({ kind: 'symlink', linkTarget: 'usr/bin', owners: [] });
  expect([...files.keys()]).toEqual([...files.keys()].sort());
});

test('files go to whoever asks for them as they come', async () => {
  const paths: string[] = [];
  const many = Object.fromEntries(Array.from({ length: 1_200 }, (_, at) => [`f/${at}`, '']));
  const onFiles: InventoryRequest['onFiles'] = (files) => paths.push(...files.map(({ path }) => path));
  const inventory = await runInventory({ ...request(many), onFiles });
  expect(inventory.files).toEqual([]);
  expect(paths).toHaveLength(1_200);
});

test('a layer that is not there is a problem of the inventory, told', async () => {
  const inventory = await runInventory({ layers: [{ directory: '/nonexistent/layer', digest: '' }] });
  expect(inventory.problems).toEqual([expect.objectContaining({ reader: 'tree', code: 'unreadable' })]);
  expect(inventory.problems[0]?.reason).toContain('/nonexistent/layer');
});

test('time that is used up gives what was found, and says so', async () => {
  const inventory = await runInventory({ ...request(base), maxDurationMs: 0 });
  expect(inventory.problems).toContainEqual(expect.objectContaining({ code: 'timeout' }));
});

test('memory that is used up ends the worker and nothing else', async () => {
  const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`${at}-${'n'.repeat(200)}`, '']));
  const inventory = await runInventory({ ...request(many), maxHeapMib: 3 });
  expect(inventory.problems).toEqual([expect.objectContaining({ code: 'limit', reader: 'tree' })]);
});

test('whoever called can end it', async () => {
  const ended = new AbortController();
  const running = runInventory({ ...request(base), signal: ended.signal });
  ended.abort(new Error('agent stops'));
  await expect(running).rejects.toThrow('agent stops');
});
