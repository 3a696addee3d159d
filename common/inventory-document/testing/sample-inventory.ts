import type { Inventory, InventoryPackage } from '../../inventory.ts';

const aPackage = (type: InventoryPackage['type'], name: string, version: string): InventoryPackage => ({
  ...{ type, name, version, purl: `pkg:${type}/${type === 'deb' ? 'debian/' : ''}${name}@${version}` },
  ...{ architecture: 'amd64', sourceName: name, sourceVersion: version, licenses: ['MIT'], layer: 0 },
  ...{ location: '/var/lib/dpkg/status', directories: [] },
});

/** A small image of two layers. */
export const sampleInventory: Inventory = {
  distribution: { id: 'debian', versionId: '12', idLike: [] },
  layers: [`sha256:${'1a'.repeat(32)}`, ''],
  packages: [
    aPackage('deb', 'bash', '5.2.15-2+b7'),
    aPackage('deb', 'libc6', '2.36-9+deb12u8'),
    { ...aPackage('npm', 'express', '4.19.2'), layer: 1, directories: ['/app/node_modules/express'] },
  ],
  files: [
    {
      ...{ path: '/app/node_modules/express/index.js', kind: 'file', linkTarget: '', owners: [], evidenceOf: [2] },
      ...{ layer: 1, sizeBytes: 5_000_000_000, mode: 0o644, declaredDigest: '' },
    },
    {
      ...{ path: '/bin', kind: 'symlink', linkTarget: 'usr/bin', owners: [0, 1], evidenceOf: [], layer: 0 },
      ...{ sizeBytes: 7, mode: 0o777, declaredDigest: '' },
    },
    {
      ...{ path: '/usr/bin/bash', kind: 'file', linkTarget: '', owners: [0], evidenceOf: [], layer: 0 },
      ...{ sizeBytes: 1_265_648, mode: 0o4755, declaredDigest: `md5:${'c6'.repeat(16)}` },
    },
    {
      ...{ path: '/usr/lib/ünï-\u{1f600}', kind: 'file', linkTarget: '', owners: [1], evidenceOf: [], layer: 0 },
      ...{ sizeBytes: 0, mode: 0o600, declaredDigest: `sha256:${'0b'.repeat(32)}` },
    },
  ],
  problems: [{ reader: 'rpm', path: '/var/lib/rpm/Packages', code: 'unsupported', reason: 'Berkeley DB is not read' }],
};
