import { describe, expect, it } from 'vitest';
import { readFixture } from '../../test/support/push-papers.ts';
import { indexOf } from '../records/contents/testing/index-of.ts';
import type { Component, Ownership } from '../records/papers.ts';
import { parseSbom } from '../records/sbom/parse.ts';
import { compareContents, isMismatch, type TruthSide } from './compare.ts';
import { knownDifferences } from './known-differences.ts';
import { unlistedOf } from './unlisted.ts';

const component = (purl: string, parts: Partial<Component> = {}): Component => {
  const [name = '', version = ''] = purl.split('?')[0]?.split('/').at(-1)?.split('@') ?? [];
  return {
    purl,
    name,
    version,
    type: '',
    sourceName: undefined,
    sourceVersion: undefined,
    layerDigest: undefined,
    ...parts,
  };
};

interface SideParts {
  files?: { path: string; digest: string }[];
  owned?: Record<string, Component>;
}

function side(purls: (string | Component)[], { files = [], owned = {} }: SideParts = {}): TruthSide {
  return {
    components: purls.map((one) => (typeof one === 'string' ? component(one) : one)),
    ownedFileCount: Object.keys(owned).length,
    ownerOf: (path): Ownership => {
      const owner = owned[path];
      return owner === undefined
        ? { state: 'unowned', path, reason: 'nobody lists it' }
        : { state: 'owned', owners: [owner], method: 'exact', confidence: 'high', path };
    },
    files: () => files,
  };
}

const bash = 'pkg:deb/debian/bash@5.2';
const compare = (declared: TruthSide, contained: TruthSide) => compareContents(declared, contained, '');

describe('what an SBOM declares, and what the image contains', () => {
  it('agree', () => {
    const truth = compare(side([bash]), side([bash]));
    expect(isMismatch(truth)).toBe(false);
    expect(truth).toMatchObject({ declaredPackages: 1, containedPackages: 1, known: {} });
  });

  it('differ in packages and versions, told by name', () => {
    const truth = compare(
      side([bash, 'pkg:deb/debian/openssl@3.0.0', 'pkg:npm/express@4.0.0']),
      side([bash, 'pkg:apk/alpine/curl@8.5.0-r0', 'pkg:npm/express@4.19.2']),
    );
    expect(truth).toMatchObject({
      missingFromSbom: ['curl 8.5.0-r0 (apk)'],
      notInImage: ['openssl 3.0.0 (deb)'],
      otherVersion: ['express (npm): the SBOM says 4.0.0, the image has 4.19.2'],
    });
  });

  it('differ in contents where both hash in the same way', () => {
    const md5 = (digit: string): string => `md5:${digit.repeat(32)}`;
    const declared = side([bash], {
      files: [
        { path: '/bin/a', digest: md5('1') },
        { path: '/bin/b', digest: md5('1') },
        { path: '/bin/c', digest: `sha256:${'1'.repeat(64)}` },
        { path: '/bin/d', digest: md5('1') },
      ],
    });
    const contained = side([bash], {
      files: [
        { path: '/bin/a', digest: md5('2') },
        { path: '/bin/b', digest: md5('1') },
        { path: '/bin/c', digest: md5('2') },
        { path: '/bin/d', digest: '' },
      ],
    });
    expect(compare(declared, contained).otherHash).toEqual(['/bin/a: md5']);
  });

  it('say nothing of what is not in the image when the inventory is not complete', () => {
    const truth = compareContents(side([bash, 'pkg:deb/debian/openssl@3.0.0']), side([bash]), 'dpkg: cut');
    expect(truth).toMatchObject({ notInImage: [], incomplete: 'dpkg: cut' });
  });

  it('agree when one of several versions is declared', () => {
    const contained = side(['pkg:npm/ms@2.0.0', 'pkg:npm/ms@2.1.3']);
    expect(isMismatch(compare(side(['pkg:npm/ms@2.1.3']), contained))).toBe(false);
  });
});

describe('known differences between generators', () => {
  const location = '/usr/lib/python3/dist-packages/PyYAML-6.0.egg-info';
  const python = component('pkg:deb/debian/python3-yaml@6.0');
  const cases: Record<
    string,
    { declared?: (string | Component)[]; contained?: (string | Component)[]; owned?: Record<string, Component> }
  > = {
    'no-package': {
      declared: ['pkg:oci/app@sha256:11', 'pkg:generic/linux-kernel@6.1', component('', { name: 'debian' })],
    },
    'rpm-key': { contained: ['pkg:rpm/fedora/gpg-pubkey@a15b79cc-63d04c2c'] },
    'apk-virtual': { contained: ['pkg:apk/alpine/.build-deps@20240101.000000'] },
    'go-standard-library': { declared: ['pkg:golang/stdlib@1.22.1'] },
    'go-main-module': { declared: ['pkg:golang/example.com/app@(devel)'] },
    'jar-guess': { declared: ['pkg:maven/app/app@UNKNOWN'] },
    'npm-without-version': { declared: ['pkg:npm/app'] },
    'owned-by-distribution': {
      contained: [component('pkg:pypi/pyyaml@6.0', { location })],
      owned: { [location]: python },
    },
  };

  it.each(knownDifferences.map(({ name }) => name))('%s is counted and not told', (name) => {
    const { declared = [], contained = [], owned = {} } = cases[name] ?? {};
    const truth = compare(side([bash, ...declared]), side([bash, ...contained], { owned }));
    expect(isMismatch(truth)).toBe(false);
    expect(truth.known).toEqual({ [name]: declared.length + contained.length });
  });

  it('hide nothing else', () => {
    const contained = side([bash, component('pkg:pypi/pyyaml@6.0', { location })]);
    expect(compare(side([bash]), contained).missingFromSbom).toEqual(['pyyaml 6.0 (pypi)']);
  });
});

describe('documents that syft wrote of one image', () => {
  const formats = ['syft-json.json', 'spdx-json.json', 'cyclonedx-json.json'];
  const pairs = formats.flatMap((one) =>
    formats.filter((other) => other !== one).map((other) => [one, other] as const),
  );

  it.each(pairs)('%s agrees with %s', async (one, other) => {
    const read = (name: string) => indexOf(parseSbom(readFixture(`documents/${name}`)).contents);
    const truth = compare(await read(one), await read(other));
    expect(truth.declaredPackages).toBeGreaterThan(0);
    expect({ ...truth, known: {} }).toMatchObject({
      missingFromSbom: [],
      notInImage: [],
      otherVersion: [],
      otherHash: [],
    });
  });
});

describe('executed programs', () => {
  it('are of no package where somebody lists files and nobody this one', () => {
    const declared = side([bash], { owned: { '/bin/bash': component(bash) } });
    expect(unlistedOf(['/opt/app', '/bin/bash'], [declared, undefined])).toEqual(['/opt/app']);
    const inventory = side([bash], { owned: { '/opt/app': component(bash) } });
    expect(unlistedOf(['/opt/app', '/bin/bash'], [declared, inventory])).toEqual([]);
  });

  it('are not judged where nobody lists files', () => {
    const silent: TruthSide = {
      ...side([bash]),
      ownerOf: (path) => ({ state: 'no-ownership-data', path, reason: 'none' }),
    };
    expect(unlistedOf(['/opt/app'], [silent, undefined])).toEqual([]);
  });
});
