import { describe, expect, it } from 'vitest';
import { readFixture } from '../../../test/support/push-papers.ts';
import type { Ownership } from '../papers.ts';
import { SbomBuilder } from '../sbom/builder.ts';
import { parseSbom } from '../sbom/parse.ts';
import { usrMergeAlias, usrMergeOf } from '../sbom/usr-merge.ts';
import type { ContentsIndex } from './contents.ts';
import { indexOf } from './testing/index-of.ts';

const head = { format: 'syft', name: '', generator: undefined, createdAt: undefined } as const;

function built(fill: (builder: SbomBuilder) => void): ContentsIndex {
  const builder = new SbomBuilder();
  fill(builder);
  return indexOf(builder.build(head).contents);
}
const add = (builder: SbomBuilder, purl: string): number => {
  const [, name = '', version] = /\/([^/@]+)@([^?]+)/.exec(purl) ?? [];
  return builder.addComponent({ purl, name, version, type: undefined });
};
const names = (answer: Ownership): string[] =>
  answer.state === 'owned' ? answer.owners.map(({ name }) => name) : [answer.state];

describe('who owns a file of the fixture image', () => {
  const answers: [string, string, Partial<Ownership>][] = [
    ['syft-json', '/usr/bin/sed', { state: 'owned', method: 'exact', confidence: 'high' }],
    ['syft-json', '/bin/sed', { state: 'owned', method: 'exact', confidence: 'high' }],
    ['syft-json', '/bin/hello', { state: 'owned', method: 'alias', confidence: 'high' }],
    ['syft-json', '/usr/local/lib/python3.11/site-packages/six.py', { state: 'owned', method: 'exact' }],
    ['syft-json', '/app/node_modules/ms/index.js', { state: 'owned', method: 'directory', confidence: 'medium' }],
    ['syft-json', '/usr/bin/dropped', { state: 'unowned' }],
    ['spdx-json', '/bin/sed', { state: 'owned', method: 'alias' }],
    ['spdx-json', '/app/node_modules/ms/index.js', { state: 'owned', method: 'directory' }],
    ['spdx-json', '/var/lib/dpkg/status', { state: 'unowned' }],
    ['cyclonedx-json', '/usr/bin/sed', { state: 'no-ownership-data' }],
    ['cyclonedx-json', '/app/node_modules/ms/index.js', { state: 'owned', method: 'directory' }],
    ['go-syft-json', '/usr/local/bin/greet', { state: 'owned', method: 'evident', confidence: 'high' }],
    ['go-spdx-json', '/usr/local/bin/greet', { state: 'owned', method: 'evident' }],
    ['go-syft-json', '/usr/bin/other', { state: 'no-ownership-data' }],
  ];
  it.each(answers)('%s: %s', (file, path, expected) => {
    const index = indexOf(parseSbom(readFixture(`documents/${file}.json`)).contents);
    expect(index.ownerOf(path)).toMatchObject({ path, ...expected });
  });

  it('names the main module of a Go binary first, and all its modules', () => {
    for (const file of ['go-syft-json', 'go-spdx-json']) {
      const owners = names(
        indexOf(parseSbom(readFixture(`documents/${file}.json`)).contents).ownerOf('/usr/local/bin/greet'),
      );
      expect(owners[0]).toBe('example.com/greet');
      expect(owners.slice(1).sort()).toEqual(['golang.org/x/text', 'rsc.io/quote', 'rsc.io/sampler', 'stdlib']);
    }
  });
});

describe('rules', () => {
  it('answers not-in-image for what is no file of an image', () => {
    const index = built((builder) => builder.addFile('/usr/bin/x', add(builder, 'pkg:deb/debian/x@1')));
    for (const path of ['memfd:payload', '/memfd:payload (deleted)', '/usr/bin/x (deleted)', '', 'usr/bin/x', '/../x'])
      expect(index.ownerOf(path).state, path).toBe('not-in-image');
  });

  it('does not take a path of an unmerged image for its alias', () => {
    const index = built((builder) => {
      builder.addFile('/bin/x', add(builder, 'pkg:apk/alpine/x@1?distro=alpine-3.19'));
    });
    expect(index.ownerOf('/bin/x').state).toBe('owned');
    expect(index.ownerOf('/usr/bin/x').state).toBe('unowned');
  });

  it('knows since when distributions are merged, and guesses from the paths otherwise', () => {
    const of = (id: string, version: string): string => usrMergeOf({ id, version }, ['/bin/x']);
    expect([
      of('debian', '12'),
      of('debian', ''),
      of('ubuntu', '22.04'),
      of('rhel', '9.4'),
      of('alpine', '3.22.1'),
      of('fedora', '41'),
    ]).toEqual(Array(6).fill('known'));
    expect([
      of('debian', '11'),
      of('ubuntu', '18.04'),
      of('alpine', '3.9.6'),
      of('alpine', ''),
      of('nixos', '24'),
    ]).toEqual(Array(5).fill('no'));
    expect(usrMergeOf(undefined, ['/usr/bin/x', '/binary/y'])).toBe('likely');
    expect([
      usrMergeAlias('/usr/sbin/x'),
      usrMergeAlias('/lib64/y'),
      usrMergeAlias('/usr/local/bin/x'),
      usrMergeAlias('/binary'),
    ]).toEqual(['/sbin/x', '/usr/lib64/y', undefined, undefined]);
  });

  it('reports the distribution’s package before the language package whose files it ships', () => {
    const index = built((builder) => {
      const python = add(builder, 'pkg:pypi/requests@2.28');
      const debian = add(builder, 'pkg:deb/debian/python3-requests@2.28');
      builder.addEvidence('/usr/lib/python3/dist-packages/requests-2.28.dist-info/METADATA', python);
      builder.addFile('/usr/lib/python3/dist-packages/requests-2.28.dist-info/METADATA', debian);
      builder.addOverlap(debian, python);
    });
    expect(names(index.ownerOf('/usr/lib/python3/dist-packages/requests/api.py'))).toEqual([
      'python3-requests',
      'requests',
    ]);
    const both = index.ownerOf('/usr/lib/python3/dist-packages/requests-2.28.dist-info/METADATA');
    expect(names(both)).toEqual(['python3-requests', 'requests']);
    expect(both).toMatchObject({ method: 'exact' });
  });

  it('fails closed on a directory that two packages claim', () => {
    const index = built((builder) => {
      const first = add(builder, 'pkg:npm/a@1');
      const second = add(builder, 'pkg:npm/a@2');
      for (const each of [first, second]) builder.addEvidence('/app/node_modules/a/package.json', each);
      builder.addFile('/bin/x', add(builder, 'pkg:deb/debian/x@1'));
    });
    expect(index.ownerOf('/app/node_modules/a/lib.js').state).toBe('unowned');
  });

  it('gives nested packages their own part, also those the SBOM does not know', () => {
    const index = built((builder) => {
      builder.addEvidence('/app/node_modules/a/package.json', add(builder, 'pkg:npm/a@1'));
      builder.addEvidence('/app/node_modules/a/node_modules/@s/b/package.json', add(builder, 'pkg:npm/%40s/b@1'));
    });
    expect(names(index.ownerOf('/app/node_modules/a/x/y.js'))).toEqual(['a']);
    expect(names(index.ownerOf('/app/node_modules/a/node_modules/@s/b/i.js'))).toEqual(['b']);
    expect(names(index.ownerOf('/app/node_modules/a/node_modules/evil/i.js'))).toEqual(['no-ownership-data']);
    expect(names(index.ownerOf('/app/node_modules/a/node_modules/@s/evil/i.js'))).toEqual(['no-ownership-data']);
  });

  it('does not call a system binary unowned when only language packages list files', () => {
    const index = built((builder) => {
      add(builder, 'pkg:deb/debian/coreutils@9');
      builder.addFile('/usr/lib/python3/dist-packages/six.py', add(builder, 'pkg:pypi/six@1'));
    });
    expect(index.ownerOf('/usr/bin/ls')).toMatchObject({
      state: 'no-ownership-data',
      reason: expect.stringContaining('distribution'),
    });
  });

  it('names all owners of a shared file', () => {
    const index = built((builder) => {
      for (const name of ['a', 'b']) builder.addFile('/usr/share/x', add(builder, `pkg:deb/debian/${name}@1`));
    });
    expect(names(index.ownerOf('/usr/share/x'))).toEqual(['a', 'b']);
  });
});
