import { describe, expect, it } from 'vitest';
import type { Component } from '../records/papers.ts';
import { identityOf, isSameVersion } from './package-identity.ts';

const component = (purl: string, parts: Partial<Component> = {}): Component => ({
  ...{ purl, name: '', version: '', type: '', sourceName: undefined, sourceVersion: undefined, layerDigest: undefined },
  ...parts,
});

describe('one package, written in two ways', () => {
  it.each([
    ['qualifiers', 'pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12', 'pkg:deb/debian/bash@5.2'],
    ['the vendor of a distribution', 'pkg:deb/debian/bash@5.2', 'pkg:deb/ubuntu/bash@5.2'],
    [
      'the architecture of a package for all',
      'pkg:deb/debian/tzdata@2024a?arch=all',
      'pkg:deb/debian/tzdata@2024a?arch=amd64',
    ],
    ['the epoch in the version, or beside it', 'pkg:rpm/redhat/bind@32:9.16', 'pkg:rpm/rhel/bind@9.16?epoch=32'],
    ['an epoch of zero', 'pkg:rpm/fedora/curl@0:8.5-1', 'pkg:rpm/fedora/curl@8.5-1'],
    ['an epoch that is left out', 'pkg:deb/debian/libgmp10@2:6.2.1', 'pkg:deb/debian/libgmp10@6.2.1'],
    ['names of Python', 'pkg:pypi/Foo.Bar_baz@1.0', 'pkg:pypi/foo-bar-baz@1.0'],
    ['capitals', 'pkg:golang/github.com/Masterminds/semver@v3.2.1', 'pkg:golang/github.com/masterminds/semver@v3.2.1'],
    ['the v of Go', 'pkg:golang/golang.org/x/net@v0.17.0', 'pkg:golang/golang.org/x/net@0.17.0'],
    ['the go of its library', 'pkg:golang/stdlib@go1.22.1', 'pkg:golang/stdlib@1.22.1'],
    ['scopes', 'pkg:npm/%40babel/core@7.1.0', 'pkg:npm/@babel/core@7.1.0'],
    [
      'groups that are guessed from a jar',
      'pkg:maven/org.slf4j/slf4j-api@2.0.9',
      'pkg:maven/slf4j-api/slf4j-api@2.0.9',
    ],
    ['the platform of a gem', 'pkg:gem/nokogiri@1.16.0-x86_64-linux', 'pkg:gem/nokogiri@1.16.0?platform=x86_64-linux'],
    ['a version that is not known', 'pkg:golang/example.com/app@(devel)', 'pkg:golang/example.com/app@v1.2.3'],
  ])('%s', (_, one, other) => {
    const [a, b] = [identityOf(component(one)), identityOf(component(other))];
    expect(a?.key).toBe(b?.key);
    expect(isSameVersion(a?.version, b?.version)).toBe(true);
  });

  it.each([
    ['versions', 'pkg:deb/debian/bash@5.2', 'pkg:deb/debian/bash@5.3'],
    ['epochs', 'pkg:deb/debian/bash@1:5.2', 'pkg:deb/debian/bash@2:5.2'],
    ['names', 'pkg:npm/%40a/core@1.0.0', 'pkg:npm/%40b/core@1.0.0'],
    ['types', 'pkg:npm/yaml@1.0.0', 'pkg:pypi/yaml@1.0.0'],
    ['revisions', 'pkg:apk/alpine/musl@1.2.4-r1', 'pkg:apk/alpine/musl@1.2.4-r2'],
  ])('other %s are other packages', (_, one, other) => {
    const [a, b] = [identityOf(component(one)), identityOf(component(other))];
    expect(a?.key === b?.key && isSameVersion(a?.version, b?.version)).toBe(false);
  });

  it('is none without a purl that can be read', () => {
    expect(identityOf(component('', { name: 'debian', type: '' }))).toBeUndefined();
    expect(identityOf(component('bash', { name: 'bash', type: 'deb' }))).toBeUndefined();
    expect(identityOf(component('', { name: 'bash', version: '5.2', type: 'deb' }))?.key).toBe('deb bash');
  });
});
