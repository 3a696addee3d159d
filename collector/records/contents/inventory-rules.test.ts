import { describe, expect, it } from 'vitest';
import type { Inventory, InventoryFile, InventoryPackage } from '../../../common/inventory.ts';
import { samplePapers } from '../../publish/testing/sample-alert.ts';
import type { ImageRecords, Ownership } from '../papers.ts';
import { SbomBuilder } from '../sbom/builder.ts';
import { contentsOfInventory } from './of-inventory.ts';
import { ownerInImage } from './owner-in-image.ts';
import { indexOf } from './testing/index-of.ts';

const layers = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
const sha256 = 'c'.repeat(64);

function packageOf(
  type: InventoryPackage['type'],
  name: string,
  more: Partial<InventoryPackage> = {},
): InventoryPackage {
  return {
    ...{ type, name, version: '1', purl: `pkg:${type}/${name}@1`, architecture: '', sourceName: '', sourceVersion: '' },
    ...{ licenses: [], layer: 0, location: '/var/lib/dpkg/status', directories: [], ...more },
  };
}

function fileOf(path: string, more: Partial<InventoryFile> = {}): InventoryFile {
  return {
    ...{ path, kind: 'file', linkTarget: '', owners: [], evidenceOf: [], layer: 0, sizeBytes: 1, mode: 0o755 },
    ...{ declaredDigest: '', ...more },
  };
}
const linkOf = (path: string, linkTarget: string, more: Partial<InventoryFile> = {}): InventoryFile =>
  fileOf(path, { kind: 'symlink', linkTarget, ...more });

/** A merged Debian image with an application copied on top. */
const image: Inventory = {
  distribution: { id: 'debian', versionId: '12', idLike: [] },
  layers,
  packages: [
    packageOf('deb', 'coreutils'),
    packageOf('deb', 'mawk'),
    packageOf('npm', 'express', {
      location: '/app/node_modules/express/package.json',
      directories: ['/app/node_modules/express'],
      layer: 1,
    }),
    packageOf('golang', 'example.com/tool', { location: '/usr/local/bin/tool', layer: 1 }),
    packageOf('deb', 'python3-six'),
    packageOf('pypi', 'six', {
      location: '/usr/lib/python3/dist-packages/six-1.dist-info/METADATA',
      directories: ['/usr/lib/python3/dist-packages/six'],
    }),
  ],
  files: [
    fileOf('/app/node_modules/express/index.js', { layer: 1 }),
    fileOf('/app/node_modules/express/package.json', { evidenceOf: [2], layer: 1 }),
    fileOf('/app/server.js', { layer: 1 }),
    linkOf('/bin', 'usr/bin'),
    linkOf('/etc/alternatives/awk', '/usr/bin/mawk'),
    linkOf('/loop', 'loop'),
    linkOf('/up', '../../../etc'),
    linkOf('/usr/bin/awk', '/etc/alternatives/awk'),
    fileOf('/usr/bin/ls', { owners: [0], declaredDigest: `sha256:${sha256}`, mode: 0o4755 }),
    fileOf('/usr/bin/mawk', { owners: [1] }),
    fileOf('/usr/lib/python3/dist-packages/six-1.dist-info/METADATA', { owners: [4], evidenceOf: [5] }),
    fileOf('/usr/lib/python3/dist-packages/six/generated.py', { layer: 1 }),
    fileOf('/usr/local/bin/ls-copy', { layer: 1 }),
    fileOf('/usr/local/bin/tool', { evidenceOf: [3], layer: 1 }),
  ],
  problems: [],
};
const index = indexOf(contentsOfInventory(image));
const owners = (answer: Ownership): string[] =>
  answer.state === 'owned' ? answer.owners.map(({ name }) => name) : [answer.state];

describe('whose a file is, per inventory', () => {
  it.each<[string, Partial<Ownership>, string[]]>([
    ['/usr/bin/ls', { method: 'exact', confidence: 'high', layerDigest: layers[0] }, ['coreutils']],
    ['/bin/ls', { method: 'alias', confidence: 'high', canonicalPath: '/usr/bin/ls' }, ['coreutils']],
    ['/usr/bin/awk', { method: 'alias', canonicalPath: '/usr/bin/mawk' }, ['mawk']],
    ['/bin/../usr//bin/./ls', { state: 'owned' }, ['coreutils']],
    [
      '/app/node_modules/express/index.js',
      { method: 'directory', confidence: 'medium', layerDigest: layers[1] },
      ['express'],
    ],
    ['/usr/local/bin/tool', { method: 'evident', confidence: 'high' }, ['example.com/tool']],
    ['/usr/lib/python3/dist-packages/six/generated.py', { method: 'directory' }, ['python3-six', 'six']],
    ['/usr/lib/python3/dist-packages/six-1.dist-info/METADATA', { method: 'exact' }, ['python3-six', 'six']],
    [
      '/app/server.js',
      { state: 'unowned', layerDigest: layers[1], reason: expect.stringContaining(layers[1]!) },
      ['unowned'],
    ],
    ['/usr/bin/missing', { state: 'not-in-image' }, ['not-in-image']],
    ['/app/node_modules/express/missing.js', { state: 'not-in-image' }, ['not-in-image']],
    ['/loop/x', { state: 'not-in-image' }, ['not-in-image']],
  ])('%s', (path, expected, names) => {
    const answer = index.ownerOf(path);
    expect(answer).toMatchObject({ source: 'inventory', path, ...expected });
    expect(owners(answer)).toEqual(names);
  });

  it('finds a copied program by what it contains, when that is known', () => {
    expect(index.ownerOf('/usr/local/bin/ls-copy').state).toBe('unowned');
    expect(index.ownerOf('/usr/local/bin/ls-copy', sha256)).toMatchObject({
      ...{ state: 'owned', method: 'hash', confidence: 'medium', canonicalPath: '/usr/bin/ls' },
    });
    expect(index.ownerOf('/usr/local/bin/ls-copy', 'd'.repeat(64)).state).toBe('unowned');
  });

  it('tells of a file what the image says, after links that stay in the image', () => {
    expect(index.file('/bin/ls')).toMatchObject({ path: '/usr/bin/ls', mode: 0o4755, digest: `sha256:${sha256}` });
    expect(index.file('/up/alternatives/awk')?.path).toBe('/usr/bin/mawk');
    expect(index.file('/loop')).toBeUndefined();
    expect(index.file('relative')).toBeUndefined();
  });

  it('takes a file without owner for unknown where package databases could not be read', () => {
    const problem = { reader: 'rpm', path: '/var/lib/rpm/Packages', code: 'unsupported', reason: 'Berkeley DB' };
    const partial = indexOf(contentsOfInventory({ ...image, problems: [problem] }));
    expect(partial.ownerOf('/app/server.js')).toMatchObject({
      state: 'no-ownership-data',
      reason: expect.stringContaining('Berkeley DB'),
    });
    expect(owners(partial.ownerOf('/usr/bin/ls'))).toEqual(['coreutils']);
  });

  it('calls nothing missing when the tree was cut', () => {
    const problem = { reader: 'tree', path: '/', code: 'limit', reason: 'more than 2000000 files' };
    const cut = indexOf(contentsOfInventory({ ...image, problems: [problem] }));
    expect(cut.listsAllFiles).toBe(false);
    expect(cut.ownerOf('/usr/bin/missing').state).toBe('no-ownership-data');
  });

  it('gives a directory that two packages claim to neither', () => {
    const second = packageOf('npm', 'other', { location: '/x', directories: ['/app/node_modules/express'] });
    const contested = indexOf(contentsOfInventory({ ...image, packages: [...image.packages, second] }));
    expect(contested.ownerOf('/app/node_modules/express/index.js').state).toBe('unowned');
  });
});

describe('inventory and SBOM together', () => {
  function records(withInventory: boolean, fill: ((builder: SbomBuilder) => void) | undefined): ImageRecords {
    const builder = new SbomBuilder();
    fill?.(builder);
    const head = { format: 'syft', name: '', generator: undefined, createdAt: undefined } as const;
    return {
      papers: samplePapers('absent'),
      sbom: fill === undefined ? undefined : indexOf(builder.build(head).contents),
      inventory: withInventory ? index : undefined,
    };
  }
  const declare = (builder: SbomBuilder): void => {
    const app = builder.addComponent({ purl: 'pkg:generic/app@7', name: 'app', version: '7', type: undefined });
    for (const path of ['/app/server.js', '/usr/bin/ls', '/usr/bin/missing']) builder.addFile(path, app);
  };

  it('believes the inventory first, and the SBOM where the inventory names nobody', () => {
    const both = records(true, declare);
    expect(ownerInImage(both, '/usr/bin/ls')).toMatchObject({ source: 'inventory', owners: [{ name: 'coreutils' }] });
    expect(ownerInImage(both, '/app/server.js')).toMatchObject({
      ...{ source: 'sbom', owners: [{ name: 'app' }], layerDigest: layers[1] },
    });
    expect(ownerInImage(both, '/usr/bin/missing').state).toBe('not-in-image');
  });

  it('says so when there is neither', () => {
    expect(ownerInImage(records(false, undefined), '/usr/bin/ls')).toMatchObject({
      ...{ state: 'no-ownership-data', reason: 'the image has no SBOM, and no inventory of it was taken' },
    });
    expect(ownerInImage(records(false, declare), '/usr/bin/ls')).toMatchObject({ source: 'sbom' });
  });
});
